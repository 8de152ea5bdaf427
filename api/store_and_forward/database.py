"""The file of an edge buffer: its tables, and how it is opened so that a commit is on the disk before anybody is told."""

import sqlite3
from pathlib import Path

from infra.embedded.stack_error import StackError

FILE_NAME = "buffer.sqlite3"
_BUSY_SECONDS = 2.0

_TABLES = """
CREATE TABLE IF NOT EXISTS known (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    digest BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS waiting (
    sequence INTEGER PRIMARY KEY,
    buffered_at TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS waiting_counted ON waiting (sequence);
CREATE TABLE IF NOT EXISTS refused (
    sequence INTEGER PRIMARY KEY,
    buffered_at TEXT NOT NULL,
    refused_at TEXT NOT NULL,
    problems TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS contact (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    last_contact_at TEXT,
    last_error TEXT,
    last_error_at TEXT,
    needs_token INTEGER NOT NULL DEFAULT 0
);
INSERT OR IGNORE INTO contact (only_row) VALUES (1);
"""
# The index on `waiting` holds nothing but numbers: counting what waits must not read all bodies.

_DURABLE = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # in WAL mode, NORMAL would lose the last commits in a power cut
    "PRAGMA fullfsync = ON",
    "PRAGMA journal_size_limit = 16777216",
)


class BufferMissing(StackError):
    """There is no buffer in a directory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(f"there is no edge buffer in {directory}: `tillstream edge run` makes one")


class BufferUnreadable(StackError):
    """The file is damaged, no buffer at all, or held by another process."""

    def __init__(self, directory: Path, error: sqlite3.Error) -> None:
        super().__init__(f"the edge buffer in {directory} cannot be opened: {error}")


def open_durable(directory: Path) -> sqlite3.Connection:
    """Open the buffer of a directory for writing, making it first where there is none; transactions are begun by hand."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = sqlite3.connect(directory / FILE_NAME, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _DURABLE:
            connection.execute(pragma)
        connection.executescript(_TABLES)
    except sqlite3.Error as error:
        connection.close()
        raise BufferUnreadable(directory, error) from error
    return connection


def open_existing(directory: Path, read_only: bool = True) -> sqlite3.Connection:
    """Open a buffer that is there, also beside the process that runs it; BufferMissing or BufferUnreadable otherwise."""
    path = directory / FILE_NAME
    if not path.is_file():
        raise BufferMissing(directory)
    if not read_only:
        return open_durable(directory)
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("SELECT 1 FROM contact")
    except sqlite3.Error as error:
        connection.close()
        raise BufferUnreadable(directory, error) from error
    return connection
