"""Watching a directory: only complete files, in order of name, each put away with its report, whatever kills the watcher."""

import asyncio
import fcntl
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from contracts.events.registry import FACT_TYPES
from infra.addresses import Addresses
from producers.inbox import DirectoryTaken, Inbox, is_open_for_writing, stamp_of
from producers.settling import Settling, Stamp
from producers.watcher import FileFaulty, LoadReport, News, NotNow, Watcher, WatchOptions
from tests.producers.log_reading import contents, read_log
from tests.producers.test_loader import expected_contents
from tests.producers.twin import write_twin
from tests.waiting import patience, until


def stamp(size: int, changed: int = 0, inode: int = 1) -> Stamp:
    """Describe a file."""
    return Stamp(size, changed, inode)


@dataclass
class Steps:
    """A clock that moves by itself at each look, so that nothing has to be waited for."""

    step: float = 10.0
    now: float = 0.0

    def __call__(self) -> float:
        """Return the time, later each time."""
        self.now += self.step
        return self.now


@dataclass
class Loads:
    """Stands in for loading; notes which files came, and does to some of them what it is told."""

    faulty: Sequence[str] = ()
    waiting: Sequence[str] = ()
    differing: Sequence[str] = ()
    names: list[str] = field(default_factory=list)

    async def __call__(self, file: Path, /) -> LoadReport:
        """Load a file."""
        self.names.append(file.name)
        if file.name in self.faulty:
            raise FileFaulty("no column 'x' in the file")
        if file.name in self.waiting:
            raise NotNow("the log is away")
        return LoadReport({"sent": _size(file)}, agrees=file.name not in self.differing)


def _size(file: Path) -> int:
    return file.stat().st_size


async def watched(directory: Path, load: Loads, settle_seconds: float = 5.0) -> tuple[list[str], list[News]]:
    """Watch a directory once; return what stayed, and the news."""
    inbox, news = Inbox(directory), list[News]()
    with inbox.claimed():
        left = await Watcher(inbox, load, WatchOptions(settle_seconds, clock=Steps()), news.append).run_once(asyncio.Event())
    return left, news


def filled(directory: Path, *names: str) -> Path:
    """Put files into a directory."""
    for name in names:
        (directory / name).write_text(name, "utf-8")
    return directory


def test_a_file_settles_when_it_has_not_changed_for_the_time() -> None:
    """Each change of size, time or identity begins the wait anew."""
    settling = Settling(5.0)

    answers = [
        settling.settled({"a": stamp(1)}, 0.0),
        settling.settled({"a": stamp(2)}, 4.0),
        settling.settled({"a": stamp(2)}, 8.9),
        settling.settled({"a": stamp(2)}, 9.0),
        settling.settled({"a": stamp(2, changed=1)}, 10.0),
        settling.settled({"a": stamp(2, changed=1, inode=2)}, 15.0),
        settling.settled({"a": stamp(2, changed=1, inode=2)}, 20.0),
    ]

    assert answers == [[], [], [], ["a"], [], [], ["a"]]


def test_settled_files_come_in_order_of_name() -> None:
    """Yesterday's export is loaded before today's, whichever arrived first; an empty file is not complete yet."""
    settling = Settling(0.0)

    assert settling.settled({"b": stamp(1), "a": stamp(1), "c": stamp(0)}, 0.0) == ["a", "b"]


def test_a_file_that_went_away_and_came_back_waits_again() -> None:
    """The same name may be another file."""
    settling = Settling(5.0)
    settling.settled({"a": stamp(1)}, 0.0)
    settling.settled({}, 3.0)

    assert settling.settled({"a": stamp(1)}, 6.0) == []


def test_a_forgotten_file_waits_again() -> None:
    """A file that could not be loaded now is tried again after the same time."""
    settling = Settling(5.0)
    settling.settled({"a": stamp(1)}, 0.0)
    settling.forget("a")

    assert settling.settled({"a": stamp(1)}, 6.0) == []
    assert settling.settled({"a": stamp(1)}, 11.0) == ["a"]


async def test_files_are_loaded_in_order_and_put_away_with_their_reports(tmp_path: Path) -> None:
    """Done, failed for its content, failed for contradicting what was loaded: each has a report beside it."""
    load = Loads(faulty=["b.csv"], differing=["c.csv"])

    left, news = await watched(filled(tmp_path, "c.csv", "b.csv", "a.csv"), load)

    assert (load.names, left) == (["a.csv", "b.csv", "c.csv"], [])
    assert [(row.name, row.outcome) for row in news] == [("a.csv", "done"), ("b.csv", "failed"), ("c.csv", "failed")]
    assert (tmp_path / "done" / "a.csv").read_text("utf-8") == "a.csv"
    assert json.loads((tmp_path / "done" / "a.csv.report.json").read_text("utf-8")) == {"sent": 5}
    assert "no column" in json.loads((tmp_path / "failed" / "b.csv.report.json").read_text("utf-8"))["error"]
    assert (tmp_path / "failed" / "c.csv").exists()


async def test_a_file_waits_where_it_is_while_the_surroundings_are_at_fault(tmp_path: Path) -> None:
    """A broker that is away makes no file a bad one, and the next file has its turn."""
    load = Loads(waiting=["a.csv"])

    left, news = await watched(filled(tmp_path, "a.csv", "b.csv"), load)

    assert (left, [(row.name, row.outcome) for row in news]) == (["a.csv"], [("a.csv", None), ("b.csv", "done")])


async def test_what_is_no_export_is_left_alone(tmp_path: Path) -> None:
    """Hidden files, locks of spreadsheets, unfinished downloads and directories stay where they are."""
    filled(tmp_path, ".hidden.csv", "~$book.xlsx", "a.csv.part", "b.tmp")
    (tmp_path / "folder.csv").mkdir()
    load = Loads()

    left, _ = await watched(tmp_path, load)

    assert (left, load.names) == ([], [])


async def test_the_same_name_again_replaces_nothing(tmp_path: Path) -> None:
    """A till that writes sales.csv every day keeps every day's file and report."""
    for _ in range(3):
        await watched(filled(tmp_path, "sales.csv.gz"), Loads())

    assert sorted(file.name for file in (tmp_path / "done").iterdir() if not file.name.endswith(".json")) == [
        "sales-2.csv.gz",
        "sales-3.csv.gz",
        "sales.csv.gz",
    ]
    assert len(list((tmp_path / "done").glob("*.report.json"))) == 3


def gives_leases(file: Path) -> bool:
    """Tell whether the file system gives a lease of a file that nobody writes; one that gives none cannot tell who writes."""
    with file.open("rb") as handle:
        try:
            fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError:
            return False
    return True


async def test_a_file_that_is_still_written_is_not_loaded(tmp_path: Path) -> None:
    """However long its writer pauses: the kernel knows who has it open."""
    file = filled(tmp_path, "a.csv") / "a.csv"
    if not gives_leases(file):
        pytest.skip("this file system does not tell who writes")
    with file.open("a") as writer:
        writer.write("more")
        writer.flush()
        assert is_open_for_writing(file)
        load = Loads()
        left, _ = await watched(tmp_path, load)
        assert (left, load.names) == (["a.csv"], [])

    left, _ = await watched(tmp_path, load)

    assert (left, load.names) == ([], ["a.csv"])


async def test_a_file_that_grew_while_it_was_loaded_is_not_put_away(tmp_path: Path) -> None:
    """It settles again and is loaded again; ids make the repeat harmless."""
    filled(tmp_path, "a.csv")

    class Growing(Loads):
        async def __call__(self, file: Path, /) -> LoadReport:
            report = await super().__call__(file)
            if len(self.names) == 1:
                filled(file.parent, file.name * 2)
                (file.parent / (file.name * 2)).replace(file)
            return report

    load = Growing()
    left, news = await watched(tmp_path, load)
    assert (left, [row.outcome for row in news]) == (["a.csv"], [None])

    left, news = await watched(tmp_path, load)

    assert (left, [row.outcome for row in news], load.names) == ([], ["done"], ["a.csv", "a.csv"])


def test_one_watcher_has_a_directory(tmp_path: Path) -> None:
    """A second one is refused while the first lives, and takes over when it is gone."""
    with Inbox(tmp_path).claimed(), pytest.raises(DirectoryTaken, match="another process"), Inbox(tmp_path).claimed():
        pass

    with Inbox(tmp_path).claimed():
        assert stamp_of(tmp_path / "nothing") is None


async def test_a_watcher_stops_gently_in_the_middle_of_a_load(tmp_path: Path) -> None:
    """The load is broken off, the file stays, and the next watcher loads it."""
    filled(tmp_path, "a.csv")
    began, stop = asyncio.Event(), asyncio.Event()

    async def endless(_: Path, /) -> LoadReport:
        began.set()
        await asyncio.Event().wait()
        raise AssertionError

    news: list[News] = []
    watching = asyncio.ensure_future(Watcher(Inbox(tmp_path), endless, WatchOptions(0.0), news.append).run(stop))
    await asyncio.wait_for(began.wait(), 30)
    stop.set()
    await asyncio.wait_for(watching, 30)

    assert (news, (tmp_path / "a.csv").exists()) == ([], True)


async def test_a_running_watcher_takes_files_as_they_come(tmp_path: Path) -> None:
    """It needs no restart for what arrives later."""
    stop, load, news = asyncio.Event(), Loads(), list[News]()

    def tell(row: News) -> None:
        news.append(row)
        if row.name == "a.csv":
            filled(tmp_path, "b.csv")
        else:
            stop.set()

    filled(tmp_path, "a.csv")
    watcher = Watcher(Inbox(tmp_path), load, WatchOptions(0.0, look_seconds=0.01), tell)
    await asyncio.wait_for(watcher.run(stop), 30)

    assert load.names == ["a.csv", "b.csv"]


@pytest.mark.stack
@pytest.mark.parametrize(
    ("point", "visit"),
    [
        ("batch_sent", "3"),
        pytest.param("loaded", "1", marks=pytest.mark.long),
        ("put_away", "1"),
        pytest.param("loaded", "2", marks=pytest.mark.long),
    ],
)
def test_a_killed_watcher_goes_on_where_it_was(place: Addresses, tmp_path: Path, point: str, visit: str) -> None:
    """After kill -9 at any point a second watcher leaves every file in `done` and exactly their facts on the log."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    write_twin(inbox / "1.csv", receipts=60)
    expected = expected_contents(write_twin(inbox / "2.csv", receipts=90))  # all of the first, and more
    command = [sys.executable, "-m", "tests.producers.watch_once", place.kafka_bootstrap, place.topic_prefix, str(inbox)]

    killed = subprocess.run([*command, point, visit], timeout=patience(60), check=False)
    left = [file.name for file in (inbox / "done").glob("*.csv")] if (inbox / "done").exists() else []
    again = subprocess.run([*command, "nowhere", "0"], timeout=patience(60), check=False)

    assert (killed.returncode, again.returncode) == (-signal.SIGKILL, 0)
    assert len(left) < 2, "the kill came after the work: the test shows nothing"
    assert sorted(file.name for file in (inbox / "done").iterdir()) == ["1.csv", "1.csv.report.json", "2.csv", "2.csv.report.json"]
    found = contents(asyncio.run(read_log(place)), set(FACT_TYPES))
    assert found == expected


def test_the_command_watches_and_ends_on_a_signal(tmp_path: Path) -> None:
    """Without a stack the file waits; SIGTERM ends the watcher at once and with status 0."""
    filled(tmp_path, "a.csv")
    command = [sys.executable, "-m", "tillstream", "watch", str(tmp_path), "--mapping", "online_retail", "--settle-seconds", "0"]
    output = tmp_path / ".output"
    with output.open("wb") as sink:
        watcher = subprocess.Popen([*command, "--data-dir", str(tmp_path / ".none")], stdout=sink, stderr=sink)
        until(lambda: "a.csv waits" in output.read_text("utf-8"), 30, "the file is tried")
        watcher.send_signal(signal.SIGTERM)

        assert watcher.wait(patience(10)) == 0
    assert (tmp_path / "a.csv").exists()
