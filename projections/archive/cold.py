"""Months of the archive that lie in files: which files there are, what is in them, and which months a generation has dropped.

A month is that of the broker's time of its records. What a generation has dropped is read from its files and summed up from what
they are known to hold; whatever ClickHouse may still have of such a month does not count any more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.kafka.consumer import Partition
from projections.reconcile.compare import MODULUS, Digest

_FILES: Final = text(
    """
    SELECT month, topic, part, first_offset, last_offset, records, hash_sum, file, sha256, bytes, exported_at
    FROM write.archive_files WHERE log_id = :log ORDER BY month, topic, part
    """
)
_DROPPED: Final = text("SELECT month FROM write.archive_drops WHERE log_id = :log AND generation = :generation ORDER BY month")
_KEEP: Final = text(
    """
    INSERT INTO write.archive_files (log_id, month, topic, part, first_offset, last_offset, records, hash_sum, file, sha256, bytes)
    VALUES (:log, :month, :topic, :part, :first_offset, :last_offset, :records, :hash_sum, :file, :sha256, :bytes)
    ON CONFLICT (log_id, month, topic, part) DO UPDATE SET
        first_offset = excluded.first_offset, last_offset = excluded.last_offset, records = excluded.records,
        hash_sum = excluded.hash_sum, file = excluded.file, sha256 = excluded.sha256, bytes = excluded.bytes, exported_at = now()
    """
)
_DROP: Final = text("INSERT INTO write.archive_drops (log_id, month, generation) VALUES (:log, :month, :generation) ON CONFLICT DO NOTHING")
_RETENTION: Final = text("SELECT hot_months, decided_by, decided_at FROM write.archive_retention ORDER BY id DESC LIMIT 1")
_DECIDE: Final = text("INSERT INTO write.archive_retention (hot_months, decided_by) VALUES (:hot_months, :decided_by)")
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class ColdFile:
    """One file: the records of a partition in a month (as 202611), all offsets from the first to the last. `file`: its name."""

    month: int
    topic: str
    part: int
    first_offset: int
    last_offset: int
    records: int
    hash_sum: int
    file: str
    sha256: str
    bytes: int
    exported_at: datetime | None = None

    @property
    def partition(self) -> Partition:
        """Whose records it holds."""
        return Partition(self.topic, self.part)

    @property
    def digest(self) -> Digest:
        """Number and hash sum of its records."""
        return Digest(self.records, self.hash_sum)


@dataclass(frozen=True, slots=True)
class Cold:
    """The months that a generation of the archive has dropped, with their files."""

    months: tuple[int, ...] = ()
    files: tuple[ColdFile, ...] = ()

    def covers(self, partition: Partition, offset: int) -> bool:
        """Tell whether a record lies in a file."""
        return any(each.partition == partition and each.first_offset <= offset <= each.last_offset for each in self.files)

    def sums(self, ends: Mapping[Partition, int]) -> dict[Partition, Digest]:
        """Return number and hash sum of the records in files that lie below the ends, per partition."""
        found: dict[Partition, Digest] = {}
        for each in self.files:
            if each.last_offset < ends.get(each.partition, 0):
                found[each.partition] = added(found.get(each.partition), each.digest)
        return found


@dataclass(frozen=True, slots=True)
class Retention:
    """How many months of recording stay in ClickHouse, that of now among them; None: all. Who said so, and when."""

    hot_months: int | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None

    def is_cold(self, month: int, now: datetime) -> bool:
        """Tell whether a month is older than what stays."""
        if self.hot_months is None:
            return False
        return _number(now.year * 100 + now.month) - _number(month) >= self.hot_months


def is_over(month: int, now: datetime) -> bool:
    """Tell whether nothing is recorded in a month any more; a day is left for a broker whose clock goes back."""
    yesterday = now - timedelta(days=1)
    return month < yesterday.year * 100 + yesterday.month


def added(one: Digest | None, other: Digest) -> Digest:
    """Add up two sums over different records."""
    return other if one is None else Digest(one.ids + other.ids, (one.hash_sum + other.hash_sum) % MODULUS)


def _number(month: int) -> int:
    return month // 100 * _MONTHS + month % 100


async def files_of(conn: AsyncConnection, log_id: str) -> list[ColdFile]:
    """Return every file that was exported of a log, by month and partition."""
    rows = (await conn.execute(_FILES, {"log": log_id})).mappings()
    return [ColdFile(**{**row, "hash_sum": int(row["hash_sum"])}) for row in rows]


async def cold_of(conn: AsyncConnection, log_id: str, generation: int) -> Cold:
    """Return what a generation has dropped."""
    months = tuple((await conn.execute(_DROPPED, {"log": log_id, "generation": generation})).scalars())
    return Cold(months, tuple(each for each in await files_of(conn, log_id) if each.month in months))


async def keep_files(conn: AsyncConnection, log_id: str, files: Iterable[ColdFile]) -> None:
    """Note files that were written and read again."""
    for each in files:
        bound = {name: getattr(each, name) for name in ColdFile.__dataclass_fields__ if name != "exported_at"}
        await conn.execute(_KEEP, {"log": log_id, **bound})


async def note_drop(conn: AsyncConnection, log_id: str, month: int, generation: int) -> None:
    """Note that a month is read from its files from now on."""
    await conn.execute(_DROP, {"log": log_id, "month": month, "generation": generation})


async def retention_of(conn: AsyncConnection) -> Retention:
    """Return the decision in force; without one everything stays."""
    row = (await conn.execute(_RETENTION)).one_or_none()
    return Retention() if row is None else Retention(*row)


async def decide_retention(conn: AsyncConnection, hot_months: int | None, decided_by: str) -> None:
    """Decide how much stays; decisions before it are kept."""
    await conn.execute(_DECIDE, {"hot_months": hot_months, "decided_by": decided_by})
