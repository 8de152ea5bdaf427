"""Whether a worker has recovered its states: a file in its data directory that names its process."""

import os
from pathlib import Path

_FILE = "ready"


def mark_ready(data_dir: Path) -> None:
    """Say that this process has recovered."""
    part = data_dir / f"{_FILE}.part"
    part.write_text(str(os.getpid()), "ascii")
    part.replace(data_dir / _FILE)


def is_ready(data_dir: Path, pid: int) -> bool:
    """Return whether the process with this id has recovered; a predecessor's word does not count."""
    try:
        return (data_dir / _FILE).read_text("ascii") == str(pid)
    except OSError:
        return False
