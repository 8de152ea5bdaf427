"""Whether a worker has recovered its states, or how far it is: files in its data directory that name its process."""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

_READY, _RECOVERING = "ready", "recovering"


@dataclass(frozen=True, slots=True)
class Recovering:
    """A process that reads its states back from the changelog: how many of how many records it has."""

    pid: int
    records: int
    of: int


def mark_ready(data_dir: Path) -> None:
    """Say that this process has recovered."""
    _write(data_dir / _READY, str(os.getpid()).encode())
    (data_dir / _RECOVERING).unlink(missing_ok=True)


def mark_recovering(data_dir: Path, records: int, of: int) -> None:
    """Say how far this process is with its recovery; it is not ready until that is over."""
    (data_dir / _READY).unlink(missing_ok=True)
    _write(data_dir / _RECOVERING, msgspec.json.encode(Recovering(os.getpid(), records, of)))


def is_ready(data_dir: Path, pid: int) -> bool:
    """Return whether the process with this id has recovered; a predecessor's word does not count."""
    try:
        return (data_dir / _READY).read_text("ascii") == str(pid)
    except OSError:
        return False


def recovering(data_dir: Path) -> Recovering | None:
    """Return how far the recovery is that goes on here; None where none does. The word of a process that is gone does not count."""
    try:
        found = msgspec.json.decode((data_dir / _RECOVERING).read_bytes(), type=Recovering)
        os.kill(found.pid, 0)
    except (OSError, msgspec.MsgspecError):
        return None
    return found


def _write(file: Path, content: bytes) -> None:
    part = file.with_name(f"{file.name}.part")
    part.write_bytes(content)
    part.replace(file)
