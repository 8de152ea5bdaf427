"""Which keys a partition holds: those that want a look when the clock passes, and those of each store."""

import heapq
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from processors.policies import PolicyBooks
from processors.state import address_of, read_held

_AT_ONCE = 0


@dataclass(slots=True)
class PartitionKeys:
    """The keys of one owned partition; `queue` may hold outdated entries, `due` says which are not.

    `policies` None: to be gathered. `notes` are what rules noted of places to be quick, `memos` what they worked out of the states of a
    place; both are dropped when in doubt.
    """

    due: dict[str, int] = field(default_factory=dict)
    queue: list[tuple[int, str]] = field(default_factory=list)
    stores: dict[str, set[str]] = field(default_factory=dict)
    policies: PolicyBooks | None = None
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    memos: dict[str, dict[str, Any]] = field(default_factory=dict)

    def note(self, key: str, due_at: int | None) -> None:
        """Remember a key and when it is due."""
        place = key[: key.index("|")]
        known = self.stores.get(place)
        if known is None:
            known = self.stores[address_of(key).place] = set()
        known.add(key)
        if due_at is None:
            self.due.pop(key, None)
        elif self.due.get(key) != due_at:
            self.due[key] = due_at
            heapq.heappush(self.queue, (due_at, key))

    def take(self, clock: int) -> list[tuple[int, str]]:
        """Take out what is due by the clock; give back what did not come to be."""
        taken = []
        while self.queue and self.queue[0][0] <= clock:
            row = heapq.heappop(self.queue)
            if self.due.get(row[1]) == row[0]:
                taken.append(row)
        return taken

    def give_back(self, taken: Iterable[tuple[int, str]]) -> None:
        """Put back entries that were taken and are still as due as they were."""
        for row in taken:
            if self.due.get(row[1]) == row[0]:
                heapq.heappush(self.queue, row)


class KeyIndex:
    """The keys of every owned partition; built anew from the table after each recovery. States of `retired` kinds are due at once."""

    def __init__(self, retired: AbstractSet[str] = frozenset()) -> None:
        self._retired = retired
        self._partitions: dict[int, PartitionKeys] = {}

    def of(self, partition: int) -> PartitionKeys:
        """Return the keys of a partition."""
        return self._partitions.setdefault(partition, PartitionKeys())

    def rebuild(self, held: Mapping[str, bytes], partition_of: Mapping[str, int]) -> None:
        """Forget everything and index what the table holds now."""
        self._partitions.clear()
        for key, value in held.items():
            state = read_held(value)
            place, kind, _ = key.split("|")
            keys = self.of(partition_of[key])
            keys.stores.setdefault(place, set()).add(key)
            due_at = _AT_ONCE if kind in self._retired and state.body else state.due_at
            if due_at is not None:
                keys.due[key] = due_at
        for keys in self._partitions.values():
            keys.queue = [(due_at, key) for key, due_at in keys.due.items()]
            heapq.heapify(keys.queue)
