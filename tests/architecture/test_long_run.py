"""The long run tries what the default run tries, and more of it; cut short, it is gone on with."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.architecture.committed import ROOT
from tests.conftest import pytest_collection_modifyitems
from tests.examples import examples
from tests.waiting import be_patient, patience, until


@pytest.fixture
def in_the_long_run() -> Iterator[None]:
    """Load the other profile for a moment."""
    before = settings.get_current_profile_name()
    settings.load_profile("long")
    yield
    settings.load_profile(before)


def test_the_long_run_tries_ten_times_the_examples(in_the_long_run: None) -> None:
    """Those of a law that names a number, and of one that names none."""
    assert (examples(7), settings().max_examples) == (70, 1_000)


def test_make_long_chooses_the_laws_and_their_profile() -> None:
    """Without the profile laws would be tried as in the default run, without the marker not at all; ten times as many take time."""
    assert '-m "long or hypothesis" --hypothesis-profile=long --timeout=1800 --patience=5' in (ROOT / "Makefile").read_text("utf-8")


@pytest.fixture
def on_a_busy_machine() -> Iterator[None]:
    """Wait three times as long for a moment."""
    before = patience(1)
    be_patient(3)
    yield
    be_patient(before)


@pytest.mark.timeout(100)
def test_a_busy_machine_is_waited_for(on_a_busy_machine: None, request: pytest.FixtureRequest) -> None:
    """A wait, and a test with a limit of its own, last as much longer as is asked."""
    with pytest.raises(AssertionError, match=r"not within 0\.03 s"):
        until(lambda: False, 0.01)
    longer = patience(request.node.get_closest_marker("timeout").args[0])
    pytest_collection_modifyitems([request.node])
    assert request.node.get_closest_marker("timeout").args == (longer,)


PLUGIN = """
from tests.resuming import Resuming

def pytest_addoption(parser):
    parser.addoption("--passed")

def pytest_configure(config):
    config.pluginmanager.register(Resuming(config))
"""
TESTS = """
from pathlib import Path
import pytest

@pytest.fixture
def broken():
    yield
    assert Path("repaired").exists()

def test_good(): ...
def test_bad(): assert Path("repaired").exists()
def test_bad_at_its_end(broken): ...
"""


def test_a_run_goes_on_with_what_has_not_passed_yet(tmp_path: Path) -> None:
    """What failed, while it ran or after it, is run again; what passed is not; with nothing left to do the run is good."""
    (tmp_path / "conftest.py").write_text(PLUGIN, "utf-8")
    (tmp_path / "test_some.py").write_text(TESTS, "utf-8")
    passed = tmp_path / "build/passed"
    bare = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    def run(*more: str) -> int:
        command = [sys.executable, "-m", "pytest", f"--passed={passed}", *more]
        return subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, check=False).returncode

    def names() -> list[str]:
        return sorted(line.partition("::")[2] for line in passed.read_text("utf-8").splitlines())

    assert (run(), names()) == (1, ["test_good"])
    (tmp_path / "repaired").touch()
    assert (run("-p", "xdist", "-n1"), names()) == (0, ["test_bad", "test_bad_at_its_end", "test_good"])
    assert (run(), len(names())) == (0, 3)


def test_make_long_can_be_sliced_and_gone_on_with() -> None:
    """One folder of the tests, and what is left of the run before, which is forgotten by a run that begins anew."""
    above = {"MAKEFLAGS", "MAKEOVERRIDES", "ONLY", "RESUME"}  # of the make that runs this test
    bare = {name: value for name, value in os.environ.items() if name not in above}

    def told(*variables: str) -> str:
        command = ["make", "-n", "long", *variables]
        return subprocess.run(command, cwd=ROOT, env=bare, capture_output=True, text=True, check=True).stdout

    assert "rm -f build/long-passed" in told()
    assert "pytest tests/processors tests/api " in told("ONLY=processors api")
    assert "rm -f" not in told("RESUME=1")
    assert "--passed=build/long-passed" in told("RESUME=1")
