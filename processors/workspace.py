"""The states of one partition while a batch is folded: read on demand, changed aside, written together.

Changes of one event are kept apart until it is accepted, so an event that fails leaves no trace.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from processors.key_index import PartitionKeys
from processors.policies import POLICY, PolicyBooks
from processors.rules.rule import Became, Entry, Kind, Left, State
from processors.state import address_of, encode, is_partition, read_held, read_state

Lookup = Callable[[str], bytes | None]
_CACHED_STATES = 131_072
"""Of some 800 bytes each: twice as many are kept at most, what 200 stores of 1,000 goods have in use."""
_NEVER = -1


class StateCache:
    """Decoded states, valid as long as the table holds the very bytes that they were decoded from.

    In two halves: when the young one is full it becomes the old one, and what is not asked for until then is forgotten.
    """

    def __init__(self) -> None:
        self.young: dict[str, tuple[bytes, Entry]] = {}
        """For who looks first where most of what is asked for lies; another one after each `age`."""
        self._old: dict[str, tuple[bytes, Entry]] = {}

    def get(self, key: str, value: bytes) -> Entry | None:
        """Return the decoded state of exactly these bytes."""
        found = self.young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is None:
                return None
            self.young[key] = found
        return found[1] if found[0] is value else None

    def put(self, key: str, value: bytes, entry: Entry) -> None:
        """Remember a decoded state."""
        self.young[key] = (value, entry)

    def age(self) -> None:
        """Forget what was not asked for lately, where there is too much; to be called now and then."""
        if len(self.young) > _CACHED_STATES:
            self._old, self.young = self.young, {}


class Workspace:
    """Reads through to the table, remembers what changed."""

    def __init__(self, lookup: Lookup, keys: PartitionKeys, cache: StateCache) -> None:
        self._lookup = lookup
        self._keys = keys
        self._cache = cache
        self._now: dict[str, Entry] = {}
        self._undo: dict[str, Entry] = {}
        self._accepted: dict[str, Entry] = {}  # as they were before the batch
        self._fresh: list[str] = []
        self._soon: list[tuple[int, str]] = []
        self._recalled: set[str] = set()
        self._policies_changed = False
        self.taken: list[tuple[int, str]] = []

    def read(self, key: str, kind: Kind) -> Entry:
        """Return a state with the changes of this batch and of the open event."""
        entry = self._now.get(key)
        if entry is None:
            value = self._lookup(key)
            found = self._cache.young.get(key)
            entry = found[1] if found is not None and found[0] is value else self._looked_up(key, kind, value)
            self._now[key] = entry
        return entry

    def reader(self, place: str, kind: Kind) -> Callable[[str], tuple[str, Entry]]:
        """Return what gives the key and the state of a kind by its name, in one step: most are asked for once a batch."""
        prefix = f"{place}|{kind.name}|"
        now, lookup, young, looked_up = self._now, self._lookup, self._cache.young, self._looked_up

        def read(name: str) -> tuple[str, Entry]:
            key = prefix + name
            entry = now.get(key)
            if entry is None:
                value = lookup(key)
                found = young.get(key)
                entry = now[key] = found[1] if found is not None and found[0] is value else looked_up(key, kind, value)
            return key, entry

        return read

    def notes(self, key: str) -> dict[str, Any]:
        """Return what was noted under a key; see `View.notes`."""
        found = self._keys.notes.get(key)
        if found is None:
            found = self._keys.notes[key] = {}
        return found

    def memo(self, place: str) -> dict[str, Any]:
        """Return what was worked out of the states of a place; see `View.memo`."""
        self._recalled.add(place)
        found = self._keys.memos.get(place)
        if found is None:
            found = self._keys.memos[place] = {}
        return found

    def before(self, key: str, kind: Kind) -> Entry:
        """Return a state with the changes of this batch, without those of the open event."""
        entry = self._undo.get(key)
        return self.read(key, kind) if entry is None else entry

    def _looked_up(self, key: str, kind: Kind, value: bytes | None) -> Entry:
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

    def change(self, key: str, before: Entry, after: Entry) -> None:
        """Replace a state, given as it was read; it takes effect when the event is accepted."""
        self._undo.setdefault(key, before)
        self._now[key] = after
        if after.kind is POLICY:
            self._policies_changed = True

    def change_all(self, became: Iterable[Became | Left]) -> Iterator[Left]:
        """Change what became otherwise (no policies), and yield what is left to be done before that goes on."""
        now, undo = self._now, self._undo
        for each in became:
            if type(each) is tuple:
                key, before, now[key] = each
                if key not in undo:
                    undo[key] = before
            else:
                assert isinstance(each, Left)
                yield each

    def accept(self) -> None:
        """Make the open event's changes part of the batch."""
        self._recalled.clear()
        if self._policies_changed:
            self._note_policies()
        if self._undo:
            self._fresh += self._undo
            accepted = self._accepted
            for key, before in self._undo.items():
                if key not in accepted:
                    accepted[key] = before
            self._undo = {}

    def _note_policies(self) -> None:
        self._policies_changed = False
        self._keys.notes.clear()
        for key in self._undo:
            entry = self._now[key]
            if entry.kind is POLICY:
                self._note_policy(key, entry.state)

    def reject(self) -> None:
        """Drop the open event's changes."""
        self._policies_changed = False
        if self._undo:
            self._keys.notes.clear()
        for place in self._recalled:
            self._keys.memos.pop(place, None)
        self._recalled.clear()
        self._now.update(self._undo)
        self._undo = {}

    def due(self, clock: int) -> list[str]:
        """Return the keys that are due by the clock, by due time and key; each only once a call."""
        rows = self._keys.take(clock)
        self.taken += rows
        for key in dict.fromkeys(self._fresh):
            due_at = self._settled(key).due_at
            if due_at is not None:
                heapq.heappush(self._soon, (due_at, key))
        self._fresh.clear()
        while self._soon and self._soon[0][0] <= clock:
            rows.append(heapq.heappop(self._soon))
        return [key for due_at, key in sorted(set(rows)) if self._due_at(key) == due_at]

    def _due_at(self, key: str) -> int | None:
        return self._settled(key).due_at if key in self._accepted else self._keys.due.get(key)

    def _settled(self, key: str) -> Entry:
        """Return a state that the batch changed, without the changes of the open event."""
        return self._undo.get(key) or self._now[key]

    def mentioning(self, store: str, kinds: dict[str, Kind], ids: frozenset[bytes]) -> Iterator[tuple[str, Kind]]:
        """Find the states of a store that hold one of the ids; corrections are rare, so this may look at all of them."""
        for key in sorted({*self._keys.stores.get(store, ()), *(key for key in self._accepted if key.startswith(f"{store}|"))}):
            kind = kinds.get(key.split("|")[1])
            if kind is None:
                continue
            raw = encode(kind, self._settled(key).state, 0, None, "") if key in self._accepted else self._lookup(key)
            if raw is not None and any(each in raw for each in ids):
                yield key, kind

    def stages(self) -> list[dict[str, bytes]]:
        """Return the changed values, one group a level, in the order in which they must be written."""
        levels: dict[int, dict[str, bytes]] = {}
        young, now = self._cache.young, self._now
        for key in self._accepted:
            entry = now[key]
            kind = entry.kind
            value = encode(kind, entry.state, entry.applied, entry.due_at, entry.tenant_id)
            young[key] = value, entry
            stage = levels.get(kind.level)
            if stage is None:
                stage = levels[kind.level] = {}
            stage[key] = value
        self._cache.age()
        return [levels[level] for level in sorted(levels)]

    def settle(self, committed: bool) -> None:
        """Bring the index in line with what was written, or put back what was taken from it."""
        if committed:
            looked_at = {key for _, key in self.taken}
            for key, before in self._accepted.items():
                due_at = self._now[key].due_at
                if due_at != before.due_at or before.applied == _NEVER or key in looked_at:  # others are known, and due when they were
                    self._keys.note(key, due_at)
        else:
            self._keys.policies = None
            self._keys.notes.clear()
            self._keys.memos.clear()
        self._keys.give_back(self.taken)
        self.taken = []
