"""Who owns a partition, and how far it was applied: a row that only the newest owner may advance, by the whole step it expected."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.batching import Batch, Part, PartBatch
from projections.options import Safeguards


class Displaced(Exception):
    """Another owner has taken a partition, or moved it: nothing of this batch may stay."""

    def __init__(self, parts: Sequence[Part]) -> None:
        super().__init__(f"another owner or another position: {', '.join(f'{part.topic}/{part.number}' for part in parts)}")


@dataclass(frozen=True, slots=True)
class Claim:
    """Our ownership of a partition: the epoch that we raised, and where to read on."""

    part: Part
    epoch: int
    next_offset: int
    recorded_at: datetime | None


_CLAIM = text(
    """
    INSERT INTO delivery.positions (projection, generation, topic, part, epoch, next_offset)
    VALUES (:projection, :generation, :topic, :part, 1, 0)
    ON CONFLICT (projection, generation, topic, part)
    DO UPDATE SET epoch = positions.epoch + 1, updated_at = now()
    RETURNING epoch, next_offset, recorded_at
    """
)

_POSITIONS = text("SELECT topic, part, next_offset FROM delivery.positions WHERE projection = :projection AND generation = :generation")
_ADVANCE = text(
    """
    UPDATE delivery.positions
    SET next_offset = :next, recorded_at = greatest(recorded_at, :recorded_at), updated_at = now()
    WHERE projection = :projection AND generation = :generation AND topic = :topic AND part = :part
      AND (epoch = :epoch OR NOT :check_epoch) AND (next_offset = :first OR NOT :check_position)
    """
).bindparams(bindparam("recorded_at"))


async def claim(conn: AsyncConnection, projection: str, generation: int, parts: Iterable[Part]) -> dict[Part, Claim]:
    """Raise the epoch of each partition and return where to read on; a partition never seen begins at 0."""
    claims = {}
    for part in sorted(parts):
        row = (
            await conn.execute(_CLAIM, {"projection": projection, "generation": generation, "topic": part.topic, "part": part.number})
        ).one()
        claims[part] = Claim(part, row.epoch, row.next_offset, row.recorded_at)
    return claims


async def read_positions(conn: AsyncConnection, projection: str, generation: int) -> dict[Part, int]:
    """Return the next offset of every partition that a generation was ever read from."""
    rows = await conn.execute(_POSITIONS, {"projection": projection, "generation": generation})
    return {Part(topic, number): next_offset for topic, number, next_offset in rows}


async def advance(conn: AsyncConnection, batch: Batch, safeguards: Safeguards) -> None:
    """Move every partition of the batch, within the caller's transaction; Displaced when one is no longer ours.

    All are sent at once. Done first in a transaction, it holds the rows, so that a later owner waits for the outcome.
    """
    parts = sorted(batch.parts, key=_by_part)  # everybody locks in this order
    moved = await conn.execute(
        _ADVANCE,
        [
            {
                "projection": batch.projection,
                "generation": batch.generation,
                "topic": part.part.topic,
                "part": part.part.number,
                "epoch": part.epoch,
                "first": part.first,
                "next": part.next,
                "recorded_at": part.recorded_at,
                "check_epoch": safeguards.epoch,
                "check_position": safeguards.expected_position,
            }
            for part in parts
        ],
    )
    if moved.rowcount != len(parts):
        raise Displaced([part.part for part in parts])


def _by_part(batch: PartBatch) -> Part:
    return batch.part
