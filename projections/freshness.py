"""How far a read model is: its positions, and the broker's time up to which it has applied everything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.topics import TOPICS

_CLOCKS: Final = frozenset(topic.name for topic in TOPICS.values() if topic.has_clock)


@dataclass(frozen=True, slots=True)
class Freshness:
    """`as_of`: the broker's time of the last applied record, the minimum over partitions that have any; None where none has.

    Partitions of a topic without a clock are left out where one with a clock is read too: reference data may not change for months.
    `positions`: (topic, partition) to the next offset to apply.
    """

    as_of: datetime | None
    positions: Mapping[tuple[str, int], int]
    generation: int

    def limited_by(self, other: "Freshness") -> "Freshness":
        """Return how far an answer is that needs both: the earlier time, and of shared partitions the lower position."""
        as_of = min(self.as_of, other.as_of) if self.as_of and other.as_of else None
        positions = {at: min(offset, other.positions.get(at, offset)) for at, offset in self.positions.items()}
        return Freshness(as_of, positions, self.generation)


async def read_freshness(engine: AsyncEngine, projection: str) -> Freshness:
    """Return the freshness of the serving generation; no positions before its first start."""
    (found,) = await read_freshnesses(engine, projection)
    return found


async def read_freshnesses(engine: AsyncEngine, *projections: str) -> list[Freshness]:
    """Return the freshness of several read models at one moment, in their order."""
    async with engine.connect() as conn:
        rows = (await conn.execute(_POSITIONS, {"projections": list(projections)})).all()
    return [_freshness([row for row in rows if row.projection == projection]) for projection in projections]


def _freshness(rows: Sequence[Row[Any]]) -> Freshness:
    applied = [row for row in rows if row.recorded_at is not None]
    clocks = [row.recorded_at for row in applied if row.topic in _CLOCKS]
    recorded = clocks or [row.recorded_at for row in applied]
    positions = {(row.topic, row.part): row.next_offset for row in rows if row.topic is not None}
    return Freshness(min(recorded, default=None), positions, rows[0].generation if rows else 1)


_POSITIONS: Final = text(
    """
    SELECT projection, generation, topic, part, next_offset, recorded_at
    FROM delivery.generations LEFT JOIN delivery.positions USING (projection, generation)
    WHERE serving AND projection = ANY(:projections)
    """
)
