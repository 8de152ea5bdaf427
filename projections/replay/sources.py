"""What a replay reads with: up to some ends from a source of its own, after that from the log as everybody does."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from contracts.records import RawRecord
from infra.kafka.consumer import Partition, Record
from infra.kafka.group import GroupMember


class Source(Protocol):
    """Has the records of partitions before their ends."""

    def begins(self, positions: Mapping[Partition, int]) -> None:
        """Hear from where on partitions are read."""
        ...

    async def some(
        self, places: Mapping[Partition, int], ends: Mapping[Partition, int], max_records: int
    ) -> Mapping[Partition, Sequence[RawRecord]]:
        """Return some records from these places on, each before its end; OutOfRange where there are none and never will be."""
        ...


class SourceMember(GroupMember):
    """A member of a group that reads from a source first: below `ends` nothing is asked of the log."""

    def __init__(self, source: Source, ends: Mapping[Partition, int], *given: Any, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self._source, self._ends = source, ends
        self._next: dict[Partition, int] = {}

    def read_from(self, positions: Mapping[Partition, int]) -> None:
        """Begin to read partitions at these offsets."""
        early = {tp: offset for tp, offset in positions.items() if offset < self._ends.get(tp, 0)}
        self._next = {tp: offset for tp, offset in self._next.items() if tp in self.assigned and tp not in positions} | early
        self._source.begins(positions)
        super().read_from({tp: offset for tp, offset in positions.items() if tp not in early})

    async def fetch(self, timeout_ms: int, max_records: int) -> dict[Partition, list[Record]]:
        """Return what was read, from the source and from the log."""
        found: dict[Partition, list[Record]] = await super().fetch(1 if self._next else timeout_ms, max_records)
        if not self._next:
            return found
        for tp, records in (await self._source.some(self._next, self._ends, max_records)).items():
            found[tp] = [*records]
            self._next[tp] += len(records)
            if self._next[tp] >= self._ends[tp]:
                super().read_from({tp: self._next.pop(tp)})
        return found


def members_of(source: Source, ends: Mapping[Partition, int]) -> Callable[..., GroupMember]:
    """Return what makes the members of a runner that reads from a source first."""
    return lambda *given, **settings: SourceMember(source, ends, *given, **settings)
