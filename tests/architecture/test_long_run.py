"""The long run tries what the default run tries, and more of it."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.architecture.committed import ROOT
from tests.examples import examples


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
    """Without the profile the laws would be tried as in the default run, without the marker not at all; ten times as many take time."""
    assert '-m "long or hypothesis" --hypothesis-profile=long --timeout=1800' in (ROOT / "Makefile").read_text("utf-8")
