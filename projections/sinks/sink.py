"""What a runner needs of a store, and what a sink is made of."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from infra.addresses import Addresses
from projections.batching import Batch, LedgerRow
from projections.options import CrashPoints, DeadLetterLimit, Safeguards

BREATH_RECORDS: Final = 20
"""After so many records that are read, the other work of the process has its turn."""


class Sink(Protocol):
    """Takes the batches of one projection, one after the other."""

    async def start(self) -> None:
        """Check that the store behaves as needed; called once, before the first batch."""
        ...

    async def look_at(self, batch: Batch) -> None:
        """Read the records of the batch that comes next, while another one is applied: no store is asked, and `apply` may do without.

        It may be called again with a batch that has grown: what was read of it already is not read again.
        """
        ...

    async def apply(self, batch: Batch) -> tuple[LedgerRow, ...]:
        """Make all effects of a batch durable and advance its positions; applying it again changes nothing.

        Raises Displaced when another owner has a partition (nothing may stay that its own work does not
        repeat), LimitPassed when it holds too many dead letters and has to be a shorter one, Unavailable or a
        driver's connection error when the same batch should be tried again.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@dataclass(frozen=True, slots=True)
class SinkContext:
    """What a sink is made of; the engine is shared by all sinks of a process."""

    projection: str
    generation: int
    engine: AsyncEngine
    addresses: Addresses
    safeguards: Safeguards
    crash_points: CrashPoints
    limit: DeadLetterLimit = field(default_factory=DeadLetterLimit)
    answer_seconds: float = 60.0
