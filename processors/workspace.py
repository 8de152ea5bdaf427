"""The states of one partition while a batch is folded: read on demand, changed aside, written together.

Changes of one event are kept apart until it is accepted, so an event that fails leaves no trace.
"""

import heapq
from collections.abc import Callable, Iterator

import msgspec

from processors.key_index import PartitionKeys
from processors.policies import POLICY, PolicyBooks
from processors.rules.rule import Kind, State
from processors.state import address_of, encode, is_partition, read_held, read_state

Lookup = Callable[[str], bytes | None]
_CACHED_STATES = 16_384
_NEVER = -1


class Entry(msgspec.Struct, frozen=True):
    """A state as read or changed; `applied` is the highest source offset folded into it."""

    kind: Kind
    state: State | None
    applied: int
    due_at: int | None
    tenant_id: str = ""


class StateCache:
    """Decoded states, valid as long as the table holds the very bytes that they were decoded from.

    In two halves: when the young one is full it becomes the old one, and what is not asked for until then is forgotten.
    """

    def __init__(self) -> None:
        self._young: dict[str, tuple[bytes, Entry]] = {}
        self._old: dict[str, tuple[bytes, Entry]] = {}

    def get(self, key: str, value: bytes) -> Entry | None:
        """Return the decoded state of exactly these bytes."""
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is None:
                return None
            self._young[key] = found
        return found[1] if found[0] is value else None

    def put(self, key: str, value: bytes, entry: Entry) -> None:
        """Remember a decoded state."""
        self._young[key] = (value, entry)

    def age(self) -> None:
        """Forget what was not asked for lately, where there is too much; to be called now and then."""
        if len(self._young) > _CACHED_STATES:
            self._old, self._young = self._young, {}


class Workspace:
    """Reads through to the table, remembers what changed."""

    def __init__(self, lookup: Lookup, keys: PartitionKeys, cache: StateCache) -> None:
        self._lookup = lookup
        self._keys = keys
        self._cache = cache
        self._accepted: dict[str, Entry] = {}
        self._before: dict[str, Entry] = {}
        self._open: dict[str, Entry] = {}
        self._fresh: list[str] = []
        self._soon: list[tuple[int, str]] = []
        self._policies_changed = False
        self.taken: list[tuple[int, str]] = []

    def read(self, key: str, kind: Kind) -> Entry:
        """Return a state with the changes of this batch and of the open event."""
        entry = self._open.get(key)
        if entry is None:
            entry = self._before.get(key)
            if entry is None:
                entry = self._before[key] = self._looked_up(key, kind)
        return entry

    def opened(self, key: str, before: Entry) -> Entry:
        """Return a state with the changes of the open event, given what it was before."""
        return self._open.get(key, before)

    def before(self, key: str, kind: Kind) -> Entry:
        """Return a state with the changes of this batch, without those of the open event."""
        entry = self._before.get(key)
        if entry is None:
            entry = self._before[key] = self._looked_up(key, kind)
        return entry

    def _looked_up(self, key: str, kind: Kind) -> Entry:
        value = self._lookup(key)
        if value is None:
            return Entry(kind, None, _NEVER, None)
        entry = self._cache.get(key, value)
        if entry is None:
            held = read_held(value)
            entry = Entry(kind, read_state(kind, held) if held.body else None, held.applied, held.due_at, held.tenant_id)
            self._cache.put(key, value, entry)
        return entry

    def of_kind(self, kind: Kind) -> Iterator[tuple[str, State | None]]:
        """Go through the states of one kind of the partition, but for the open event's; for what is gathered once and kept up to date."""
        mark = f"|{kind.name}|"
        held = {key for keys in self._keys.stores.values() for key in keys if mark in key}
        for key in sorted(held | {key for key in self._accepted if mark in key}):
            yield key, self.before(key, kind).state

    def policy_books(self) -> PolicyBooks:
        """Return the policies of the partition, gathered when they are asked for first."""
        if self._keys.policies is None:
            self._keys.policies = PolicyBooks()
            for key, state in self.of_kind(POLICY):
                self._note_policy(key, state)
        return self._keys.policies

    def _note_policy(self, key: str, state: State | None) -> None:
        """Keep the books, where there are any, up to date with a policy."""
        if self._keys.policies is not None:
            address = address_of(key)
            self._keys.policies.note(None if is_partition(address.place) else address.place, address.name, state)

    def is_ahead(self, key: str, kind: Kind, offset: int) -> bool:
        """Return whether the state had this offset before the open event: then it comes again."""
        return self.before(key, kind).applied >= offset

    def change(self, key: str, entry: Entry) -> None:
        """Replace a state; it takes effect when the event is accepted."""
        self._open[key] = entry
        if entry.kind is POLICY:
            self._policies_changed = True

    def accept(self) -> None:
        """Make the open event's changes part of the batch."""
        if self._policies_changed:
            self._note_policies()
        self._fresh += self._open
        self._accepted.update(self._open)
        self._before.update(self._open)
        self._open.clear()

    def _note_policies(self) -> None:
        self._policies_changed = False
        for key, entry in self._open.items():
            if entry.kind is POLICY:
                self._note_policy(key, entry.state)

    def reject(self) -> None:
        """Drop the open event's changes."""
        self._policies_changed = False
        self._open.clear()

    def due(self, clock: int) -> list[str]:
        """Return the keys that are due by the clock, by due time and key; each only once a call."""
        rows = self._keys.take(clock)
        self.taken += rows
        for key in dict.fromkeys(self._fresh):
            due_at = self._accepted[key].due_at
            if due_at is not None:
                heapq.heappush(self._soon, (due_at, key))
        self._fresh.clear()
        while self._soon and self._soon[0][0] <= clock:
            rows.append(heapq.heappop(self._soon))
        return [key for due_at, key in sorted(set(rows)) if self._due_at(key) == due_at]

    def _due_at(self, key: str) -> int | None:
        entry = self._accepted.get(key)
        return entry.due_at if entry is not None else self._keys.due.get(key)

    def mentioning(self, store: str, kinds: dict[str, Kind], ids: frozenset[bytes]) -> Iterator[tuple[str, Kind]]:
        """Find the states of a store that hold one of the ids; corrections are rare, so this may look at all of them."""
        for key in sorted({*self._keys.stores.get(store, ()), *(key for key in self._accepted if key.startswith(f"{store}|"))}):
            kind = kinds.get(key.split("|")[1])
            if kind is None:
                continue
            entry = self._accepted.get(key)
            raw = self._lookup(key) if entry is None else encode(kind, entry.state, 0, None, "")
            if raw is not None and any(each in raw for each in ids):
                yield key, kind

    def stages(self) -> list[dict[str, bytes]]:
        """Return the changed values, one group a level, in the order in which they must be written."""
        levels: dict[int, dict[str, bytes]] = {}
        remember = self._cache.put
        for key, entry in self._accepted.items():
            kind = entry.kind
            value = encode(kind, entry.state, entry.applied, entry.due_at, entry.tenant_id)
            remember(key, value, entry)
            if kind.level not in levels:
                levels[kind.level] = {}
            levels[kind.level][key] = value
        self._cache.age()
        return [levels[level] for level in sorted(levels)]

    def settle(self, committed: bool) -> None:
        """Bring the index in line with what was written, or put back what was taken from it."""
        if committed:
            for key, entry in self._accepted.items():
                self._keys.note(key, entry.due_at)
        else:
            self._keys.policies = None
        self._keys.give_back(self.taken)
        self.taken = []
