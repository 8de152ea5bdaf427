"""What a sink reads of the records of a batch before its turn comes: piece by piece, as the batch grows. No store is asked."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar

from contracts.records import LogRecord
from projections.batching import Batch, Covers, Part, PartBatch, Sorted, sort_records

Item = TypeVar("Item")
"""What a sink makes of one record."""
_NOTHING = Sorted((), 0, 0)
_RECORDS_PER_TURN: Final = 64
"""A turn of the loop for so many: what the log sends comes in pieces of some hundred records, of which a turn takes one at most."""


@dataclass(slots=True)
class Looked(Generic[Item]):
    """What was read of a batch. `taken`: the records that concern the model, in the order in which they were read; `items`: one of each."""

    batch: Batch
    splits: dict[Part, Sorted] = field(default_factory=dict)
    taken: list[LogRecord] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    def in_order(self) -> list[Sorted]:
        """Return the splits in the order of the batch's parts."""
        return [self.splits[part.part] for part in self.batch.parts]


class Reading(Generic[Item]):
    """Reads batches for a sink; `read` is given records that follow each other, and the place of the first of them.

    `portion`: how many of them at once, before the other work of the process has its turn.
    """

    def __init__(self, covers: Covers, read: Callable[[int, Sequence[LogRecord]], Sequence[Item]], portion: int) -> None:
        self._covers, self._read, self._portion = covers, read, portion
        self._turns = max(1, portion // _RECORDS_PER_TURN)
        self._looked: Looked[Item] | None = None

    async def look_at(self, batch: Batch) -> None:
        """Read a batch, or what was added to the one that was looked at before, and remember it until another one is looked at."""
        looked, self._looked = self._looked, None  # not kept when it is cut off in the middle
        grows = looked is not None and _goes_on(looked.batch, batch)
        self._looked = await self._grown(looked if looked is not None and grows else Looked(batch), batch)

    async def take(self, batch: Batch) -> Looked[Item]:
        """Return what was read of a batch, or read it now."""
        if self._looked is not None and self._looked.batch is batch:
            looked, self._looked = self._looked, None
            return looked
        return await self._grown(Looked(batch), batch)

    async def items(self, records: Sequence[LogRecord], first: int = 0) -> list[Item]:
        """Read records whose first has this place."""
        found: list[Item] = []
        for begin in range(0, len(records), self._portion):
            for _ in range(self._turns):
                await asyncio.sleep(0)  # heartbeats, the answers of stores and the records of the log share this loop
            found += self._read(first + begin, records[begin : begin + self._portion])
        return found

    async def _grown(self, looked: Looked[Item], batch: Batch) -> Looked[Item]:
        reached = {part.part: part.next for part in looked.batch.parts if part.part in looked.splits}
        fresh: list[LogRecord] = []
        for part in batch.parts:
            known = looked.splits.get(part.part, _NOTHING)
            added = sort_records(_from(part, reached.get(part.part, part.first)), self._covers)
            looked.splits[part.part] = known + added
            fresh += added.taken
        looked.batch = batch
        looked.items += await self.items(fresh, len(looked.taken))
        looked.taken += fresh
        return looked


def _goes_on(before: Batch, batch: Batch) -> bool:
    """Tell whether a batch is an earlier one and more."""
    parts = {part.part: part for part in batch.parts}
    pairs = [(part, parts.get(part.part)) for part in before.parts]
    return all(more is not None and (more.epoch, more.first) == (part.epoch, part.first) and more.next >= part.next for part, more in pairs)


def _from(part: PartBatch, offset: int) -> PartBatch:
    return part if offset == part.first else replace(part, records=part.records[offset - part.first :], first=offset)
