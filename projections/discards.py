"""Which records of a batch a person has discarded for this projection: they are dead, and no generation maps them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from contracts.records import LogRecord
from projections.batching import Batch, DeadLetter, Sorted, Source, retry_of, source_of
from projections.facts import recorded_at

_DISCARDS: Final = text(
    """
    SELECT topic, part, record_offset, recorded_at, decided_at, letter_reason, letter_detail
    FROM write.letter_decisions JOIN unnest(CAST(:topics AS text[]), CAST(:parts AS int[]), CAST(:firsts AS bigint[]),
                                            CAST(:nexts AS bigint[])) AS asked (topic, part, first, next) USING (topic, part)
    WHERE projection = :projection AND decision = 'discarded' AND record_offset >= first AND record_offset < next
    """
)


_CLOCKS_DIFFER: Final = timedelta(minutes=1)


class Discard(NamedTuple):
    """A record that was discarded, and why it was a dead letter."""

    recorded_at: datetime
    decided_at: datetime
    reason: str
    detail: str


async def set_aside(engine: AsyncEngine, batch: Batch, splits: Sequence[Sorted]) -> tuple[list[LogRecord], list[DeadLetter]]:
    """Return the taken records without the discarded ones and the failed retries of those, and these as dead letters."""
    async with engine.connect() as conn:
        return await set_aside_on(conn, batch, splits)


async def set_aside_on(conn: AsyncConnection, batch: Batch, splits: Sequence[Sorted]) -> tuple[list[LogRecord], list[DeadLetter]]:
    """Do the same on a connection.

    A place alone does not name a record: a decision about another log, or a topic made anew, has another time of the broker. A
    retry does not say the time of what it repeats, but nothing is retried any more once it is discarded: a later one is of another log.
    """
    taken = [record for split in splits for record in split.taken]
    if not taken:
        return taken, []
    rows = await conn.execute(_DISCARDS, {"projection": batch.projection, **_asked(batch, splits)})
    discards = {Source(*row[:3]): Discard(*row[3:]) for row in rows}
    if not discards:
        return taken, []
    kept, letters = [], []
    for record in taken:
        found = _discard_of(record, discards)
        if found is None:
            kept.append(record)
        else:
            letters.append(DeadLetter(record, found.reason, found.detail))
    return kept, letters


def _asked(batch: Batch, splits: Sequence[Sorted]) -> dict[str, list[object]]:
    ranges = {(*part.part, part.first, part.next) for part in batch.parts}
    ranges |= {(*earlier, earlier.offset + 1) for split in splits for _, earlier in split.retries}
    return {name: list(column) for name, column in zip(("topics", "parts", "firsts", "nexts"), zip(*ranges, strict=True), strict=True)}


def _discard_of(record: LogRecord, discards: dict[Source, Discard]) -> Discard | None:
    found = discards.get(source_of(record))
    if found is not None and found.recorded_at == recorded_at(record):
        return found
    earlier = retry_of(record)
    found = None if earlier is None else discards.get(earlier)
    return found if found is not None and recorded_at(record) <= found.decided_at + _CLOCKS_DIFFER else None
