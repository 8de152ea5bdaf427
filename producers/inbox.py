"""A directory into which others put exports: what lies in it, what is still written, and where files go when they are dealt with."""

import fcntl
import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from producers.settling import Stamp

Outcome = Literal["done", "failed"]
_LOCK = ".tillstream-watch.lock"
_UNFINISHED = frozenset({".tmp", ".part", ".partial", ".filepart", ".crdownload", ".lock", ".swp"})
_SET_SIGNAL = 10
"""F_SETSIG of Linux, which Python does not name everywhere."""
REPORT = ".report.json"


class DirectoryTaken(RuntimeError):
    """Another watcher has the directory."""


class Inbox:
    """The files of one directory. Enter `claimed` before taking anything out of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the directory; the lock goes with the process, however it ends. DirectoryTaken where another has it."""
        with (self.directory / _LOCK).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DirectoryTaken(f"another process watches {self.directory}") from None
            yield

    def stamps(self) -> dict[str, Stamp]:
        """Return the files that lie here; hidden ones, locks of spreadsheets and unfinished downloads are none."""
        found = {}
        for entry in os.scandir(self.directory):
            if _is_export(entry.name) and (stamp := stamp_of(Path(entry.path))) is not None:
                found[entry.name] = stamp
        return found

    def path(self, name: str) -> Path:
        """Return where a file lies."""
        return self.directory / name

    def put_away(self, name: str, outcome: Outcome, report: Mapping[str, Any]) -> Path:
        """Write the report, then move the file beside it; return where it is now. Killed in between, the file is still here.

        A file of the same name that went there before keeps its place: the new one gets a number.
        """
        folder = self.directory / outcome
        folder.mkdir(exist_ok=True)
        target = _free(folder, name)
        _write(target.with_name(target.name + REPORT), report)
        self.path(name).rename(target)
        return target


def _is_export(name: str) -> bool:
    return not name.startswith((".", "~$")) and Path(name).suffix.lower() not in _UNFINISHED and not name.endswith(("~", REPORT))


def stamp_of(file: Path) -> Stamp | None:
    """Return how a regular file looks now; None where there is none."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ino) if file.is_file() else None


def is_open_for_writing(file: Path) -> bool:
    """Ask the kernel whether a process of this machine has the file open for writing; False where it cannot tell.

    A read lease is granted only while nobody writes. It is given back at once; should a writer come in between,
    the kernel sends the signal named here, which does nothing, instead of one that ends the process.
    """
    try:
        with file.open("rb") as handle:
            fcntl.fcntl(handle, _SET_SIGNAL, signal.SIGURG)
            fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _free(folder: Path, name: str) -> Path:
    stem, dot, suffixes = name.partition(".")
    names = (name if number == 1 else f"{stem}-{number}{dot}{suffixes}" for number in range(1, 1_000_000))
    return next(folder / candidate for candidate in names if not (folder / candidate).exists())


def _write(file: Path, report: Mapping[str, Any]) -> None:
    """Write a report whole or not at all."""
    unfinished = file.with_name(f".{file.name}.tmp")
    unfinished.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
    unfinished.replace(file)
