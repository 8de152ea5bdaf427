"""A long run in slices: with `--passed=FILE`, tests that the file names are passed over, and those that pass are added to it.

They are noted one by one, so a run that is killed loses only the test it was at. That what has passed would pass still is for those
to know who go on with the file; whoever has changed much begins with a new one.
"""

from pathlib import Path

import pytest


class Resuming:
    """Leaves out what a file names, and adds what passes to it."""

    def __init__(self, config: pytest.Config) -> None:
        self._file = Path(config.getoption("--passed"))
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.touch()
        self._before = set(self._file.read_text("utf-8").splitlines())
        self._called: set[str] = set()
        self._notes = not hasattr(config, "workerinput")  # of several processes the one that hands tests out

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what has passed before."""
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in self._before])
        items[:] = [item for item in items if item.nodeid not in self._before]

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Nothing is left to do: that is no failure."""
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self._before:
            session.exitstatus = pytest.ExitCode.OK

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test when it has passed and nothing went wrong after it."""
        if not self._notes or not report.passed:
            return
        if report.when == "call":
            self._called.add(report.nodeid)
        elif report.when == "teardown" and report.nodeid in self._called:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{report.nodeid}\n")
