"""Which processes run, seen through `/proc`: who is still the one we started, and who belongs to it.

A process is known by its id *and* its start time, since ids are used again. To a process belongs
what shares its process group or session, and what runs the same program in its private directory:
Postgres gives each backend a session of its own, which no group reaches.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_END_SECONDS = 10.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class ProcessId:
    """A process of this machine since boot; `start_time` is in clock ticks."""

    pid: int
    start_time: int


@dataclass(frozen=True)
class Family:
    """How to find what a process started, also when it is gone itself."""

    leader: ProcessId
    executable: str
    directory: str | None = None


@dataclass(frozen=True)
class _Entry:
    pid: int
    state: str
    group: int
    session: int
    start_time: int


def _read(pid: int) -> _Entry | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text("ascii", errors="replace")
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    return _Entry(pid, fields[0], int(fields[2]), int(fields[3]), int(fields[19]))


def identify(pid: int) -> ProcessId | None:
    """Return the identity of a running process, `None` when it has ended (or waits to be reaped)."""
    entry = _read(pid)
    if entry is None or entry.state in "ZX":
        return None
    return ProcessId(pid, entry.start_time)


def is_running(process: ProcessId) -> bool:
    """Tell whether this very process still runs."""
    return identify(process.pid) == process


def this_process() -> ProcessId:
    """Return the identity of the calling process."""
    found = identify(os.getpid())
    assert found is not None  # it is reading this
    return found


def _entries() -> Iterator[_Entry]:
    for path in _PROC.iterdir():
        entry = _read(int(path.name)) if path.name.isdecimal() else None
        if entry is not None and entry.state not in "ZX":
            yield entry


def _link(pid: int, name: str) -> str | None:
    try:
        return str((_PROC / str(pid) / name).readlink())
    except OSError:
        return None


def executable_of(pid: int) -> str:
    """Return the program file a process runs, empty when it cannot be seen."""
    return _link(pid, "exe") or ""


def members(family: Family) -> list[int]:
    """Return the ids of the leader, if it still runs, and of all that belongs to it."""
    leader = family.leader
    holder = _read(leader.pid)
    reused = holder is not None and holder.start_time != leader.start_time
    return [entry.pid for entry in _entries() if _belongs(entry, family, reused)]


def running_in(directory: Path, executable: Path) -> list[int]:
    """Return the processes of a program whose working directory this is."""
    where, what = str(directory.resolve()), str(executable.resolve())
    return [entry.pid for entry in _entries() if _link(entry.pid, "cwd") == where and _link(entry.pid, "exe") == what]


def _belongs(entry: _Entry, family: Family, reused: bool) -> bool:
    leader = family.leader
    if entry.pid == os.getpid() or entry.start_time < leader.start_time:
        return False
    if not reused and leader.pid in (entry.pid, entry.group, entry.session):
        return True
    if family.directory is None:
        return False
    return _link(entry.pid, "cwd") == family.directory and _link(entry.pid, "exe") == family.executable


def end_family(family: Family, timeout_seconds: float = _END_SECONDS) -> list[int]:
    """Kill everything that belongs to a process; return what would not end in time."""
    deadline = time.monotonic() + timeout_seconds
    while remaining := members(family):
        for pid in remaining:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    return remaining
