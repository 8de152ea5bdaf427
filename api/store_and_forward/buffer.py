"""The list of what waits: put at the end, taken from the front, removed when the centre has it, set aside when it refuses.

Each method is a part of a transaction that its caller begins and ends; nothing here knows of threads or of the centre.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from api.store_and_forward.items import Item

Outcome = Literal["buffered", "duplicate", "conflict"]


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of an item, and the local sequence number under which its id is known."""

    outcome: Outcome
    sequence: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item in the order of sending."""

    sequence: int
    id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Room:
    """How much may be kept; `free_bytes` asks the disk."""

    max_bytes: int
    min_free_bytes: int
    free_bytes: Callable[[], int]


class BufferFull(Exception):
    """There is no room for new items; what waits stays."""


class Buffer:
    """The tables of one buffer on an open connection."""

    def __init__(self, connection: sqlite3.Connection, room: Room, remembered_ids: int) -> None:
        self._connection = connection
        self._room = room
        self._remembered_ids = remembered_ids

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do everything in the body or nothing; it is on the disk when the body has been left."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def put(self, items: Sequence[Item], now: datetime) -> list[Placed]:
        """Add items at the end and say what became of each; BufferFull, with none of them added, when there is no room."""
        self._check_room(sum(len(item.body) for item in items))
        return [self._put(item, now.isoformat()) for item in items]

    def _put(self, item: Item, now: str) -> Placed:
        row = self._connection.execute("SELECT sequence, digest FROM known WHERE id = ?", (item.id,)).fetchone()
        if row is not None:
            return Placed("duplicate" if row[1] == item.digest else "conflict", row[0])
        cursor = self._connection.execute("INSERT INTO known (id, digest) VALUES (?, ?)", (item.id, item.digest))
        sequence = int(cursor.lastrowid or 0)
        self._connection.execute("INSERT INTO waiting VALUES (?, ?, ?)", (sequence, now, item.body))
        return Placed("buffered", sequence)

    def _check_room(self, coming: int) -> None:
        used = (self._pragma("page_count") - self._pragma("freelist_count")) * self._pragma("page_size")
        if used + coming > self._room.max_bytes:
            raise BufferFull(f"{used} of {self._room.max_bytes} bytes are used")
        free = self._room.free_bytes()
        if free - coming < self._room.min_free_bytes:
            raise BufferFull(f"{free} bytes are free on the disk, {self._room.min_free_bytes} are left free")

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    def oldest(self, most_items: int, most_bytes: int) -> list[Waiting]:
        """Return the front of the list, at least one item if any waits."""
        rows = self._connection.execute(
            "SELECT sequence, id, body FROM waiting JOIN known USING (sequence) ORDER BY sequence LIMIT ?", (most_items,)
        )
        found: list[Waiting] = []
        size = 0
        for row in rows:
            size += len(row[2]) + 1
            if found and size > most_bytes:
                break
            found.append(Waiting(*row))
        rows.close()
        return found

    def remove(self, sequences: Iterable[int]) -> None:
        """Take items off the list that the centre has; their ids are remembered for a while."""
        self._connection.executemany("DELETE FROM waiting WHERE sequence = ?", [(sequence,) for sequence in sequences])
        self._forget()

    def refuse(self, refused: Mapping[int, Sequence[Mapping[str, Any]]], now: datetime) -> None:
        """Set items aside with the centre's problems, by sequence number."""
        self._connection.executemany(
            "INSERT INTO refused SELECT sequence, buffered_at, ?, ?, body FROM waiting WHERE sequence = ?",
            [(now.isoformat(), json.dumps(problems), sequence) for sequence, problems in refused.items()],
        )
        self._connection.executemany("DELETE FROM waiting WHERE sequence = ?", [(sequence,) for sequence in refused])

    def put_back(self, item_id: str) -> bool:
        """Let a refused item wait again at its old place, which is before what came later; False when there is none."""
        row = self._connection.execute("SELECT sequence FROM refused JOIN known USING (sequence) WHERE id = ?", (item_id,)).fetchone()
        if row is None:
            return False
        self._connection.execute("INSERT INTO waiting SELECT sequence, buffered_at, body FROM refused WHERE sequence = ?", row)
        self._connection.execute("DELETE FROM refused WHERE sequence = ?", row)
        return True

    def note_contact(self, now: datetime) -> None:
        """Remember that the centre has decided on events, which ends whatever was wrong."""
        self._connection.execute("UPDATE contact SET last_contact_at = ?, last_error = NULL, needs_token = 0", (now.isoformat(),))

    def note_error(self, reason: str, needs_token: bool, now: datetime) -> None:
        """Remember why nothing could be sent."""
        self._connection.execute(
            "UPDATE contact SET last_error = ?, last_error_at = ?, needs_token = ?", (reason, now.isoformat(), needs_token)
        )

    def _forget(self) -> None:
        """Forget the oldest ids beyond the number that is remembered, never one that waits or was refused."""
        self._connection.execute(
            """
            DELETE FROM known
            WHERE sequence <= (SELECT max(sequence) FROM known) - ?
            AND sequence < coalesce((SELECT min(sequence) FROM waiting), 9223372036854775807)
            AND sequence NOT IN (SELECT sequence FROM refused)
            """,
            (self._remembered_ids,),
        )
