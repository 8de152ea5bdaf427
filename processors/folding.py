"""One event at a time: which states it touches, whether they have it already, and what each becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.codec import corrected_content
from contracts.envelope import Event
from contracts.events.correction import EventCorrected
from contracts.events.registry import EVENT_CORRECTED, POLICY_SET, TICK
from contracts.records import LogRecord
from processors import corrected, partition_clock, policies, seen
from processors.corrected import CORRECTIONS, CORRECTIONS_NAME, Corrections
from processors.outgoing import Outgoing, derived_record
from processors.partition_clock import CLOCK, CLOCK_NAME, Clock
from processors.policies import POLICY, PolicyVersions
from processors.rules.rule import Decision, Entity, Happening, Kind, Occurred, Policy, Recounted, Rule, State, Ticked, moment_of
from processors.seen import SEEN
from processors.state import UnreadableState, address_of, key_of, partition_place
from processors.workspace import Entry, Workspace


@dataclass(frozen=True, slots=True)
class RecordView:
    """What rules may read while one record is folded, for one store."""

    work: Workspace
    partition: int
    tenant_id: str
    store_id: str
    offset: int
    clock: datetime | None
    present: datetime | None
    is_history: bool

    def state(self, entity: Entity) -> State | None:
        """Return another state of the store."""
        return self.work.read(key_of(self.store_id, entity.kind, entity.name), entity.kind).state

    def policy(self, name: str, sku: str | None, at: datetime) -> Policy | None:
        """Return the policy in force at a time; the narrowest scope wins."""
        return policies.in_force(self.tenant_id, self.store_id, name, sku, at, self._versions)

    def _versions(self, store: str | None, name: str) -> State | None:
        return self.work.read(key_of(store or partition_place(self.partition), POLICY, name), POLICY).state


@dataclass(frozen=True, slots=True)
class _Owner:
    """Who decides on states of a kind."""

    rule: Rule
    kind: Kind


def kinds_of(rules: Sequence[Rule]) -> dict[str, Kind]:
    """Return every kind of state by name; ValueError when two share one."""
    kinds: dict[str, Kind] = {}
    for kind in (CLOCK, SEEN, CORRECTIONS, POLICY, *(kind for rule in rules for kind in rule.kinds)):
        if kinds.setdefault(kind.name, kind) is not kind:
            raise ValueError(f"two kinds of state are called {kind.name}")
    return kinds


class Folding:
    """The course of one batch."""

    def __init__(self, partition: int, work: Workspace, rules: Sequence[Rule], kinds: dict[str, Kind], guard: bool) -> None:
        self.derived: list[Outgoing] = []
        self.ticked_by: str | None = None
        self._partition = partition
        self._work = work
        self._rules = rules
        self._kinds = kinds
        self._owners = {kind.name: _Owner(rule, kind) for rule in rules for kind in rule.kinds}
        self._guard = guard
        self._open: list[Outgoing] = []

    def fold(self, event: Event[Any], record: LogRecord) -> None:
        """Fold one event; nothing of it stays unless it is accepted."""
        recorded_at = moment_of(record.timestamp * 1000)
        if event.type == TICK:
            self._tick(event, record.offset, recorded_at)
        elif event.type == POLICY_SET:
            self._policy(event, record.offset)
        elif self._is_first(event, record.offset):
            occurred_at = event.data.corrects_occurred_at if event.type == EVENT_CORRECTED else event.envelope.occurred_at
            view = self._view(event.envelope.tenant_id, event.store_id, record.offset, occurred_at, recorded_at)
            if event.type == EVENT_CORRECTED:
                self._correction(event, view)
            else:
                self._occurred(event, view, event.id.bytes not in corrected.without_effect(self._corrections(event.store_id)))

    def accept(self) -> None:
        """Keep what the event did."""
        self._work.accept()
        self.derived += self._open
        self._open = []

    def reject(self) -> None:
        """Undo what the event did."""
        self._work.reject()
        self._open = []

    def _is_first(self, event: Event[Any], offset: int) -> bool:
        """Return False for a repeat. The same id from the same offset is this record, handed over again."""

        def read(page: str) -> State | None:
            return self._work.read(key_of(event.store_id, SEEN, page), SEEN).state

        first, page, known = seen.look_up(event.id, event.envelope.occurred_at, read)
        if first is not None:
            return first >= offset
        due = seen.forget_at(event.envelope.occurred_at, self._now())
        self._change(key_of(event.store_id, SEEN, page), SEEN, seen.with_id(known, event.id, offset), offset, due)
        return True

    def _clock(self) -> Clock | None:
        state = self._work.read(key_of(partition_place(self._partition), CLOCK, CLOCK_NAME), CLOCK).state
        return state if isinstance(state, Clock) else None

    def _now(self) -> datetime | None:
        clock = self._clock()
        return clock.now if clock else None

    def _view(self, tenant: str, store: str, offset: int, occurred_at: datetime | None, recorded_at: datetime) -> RecordView:
        clock = self._clock()
        present = partition_clock.present(clock, recorded_at)
        late = occurred_at is not None and partition_clock.is_history(occurred_at, present)
        return RecordView(self._work, self._partition, tenant, store, offset, clock.now if clock else None, present, late)

    def _corrections(self, store: str) -> Corrections:
        state = self._work.read(key_of(store, CORRECTIONS, CORRECTIONS_NAME), CORRECTIONS).state
        return state if isinstance(state, Corrections) else Corrections()

    def _occurred(self, event: Event[Any], view: RecordView, counts: bool) -> None:
        happening = Occurred(event, counts)
        for rule in self._rules:
            if event.type in rule.event_types:
                self._route(rule, happening, view)

    def _correction(self, event: Event[EventCorrected], view: RecordView) -> None:
        """Void or restore what the correction changes, then fold the right content under its own id."""
        data, store = event.data, event.store_id
        before = self._corrections(store)
        after = corrected.with_correction(before, event.id, data.corrects_event_id, view.offset, data.corrects_occurred_at, view.clock)
        self._change(key_of(store, CORRECTIONS, CORRECTIONS_NAME), CORRECTIONS, after, view.offset, None)
        was, now = corrected.without_effect(before), corrected.without_effect(after)
        changed = (was ^ now) - {event.id.bytes}
        if changed:
            found = self._work.mentioning(store, {name: owner.kind for name, owner in self._owners.items()}, frozenset(changed))
            mentioned = tuple(Entity(kind, address_of(key).name) for key, kind in found)
            happening = Recounted(event, frozenset(now - was), frozenset(was - now), mentioned)
            for rule in self._rules:
                self._route(rule, happening, view)
        content = corrected_content(event)
        if content is not None:
            self._occurred(content, view, event.id.bytes not in now)

    def _route(self, rule: Rule, happening: Occurred | Recounted, view: RecordView) -> None:
        for entity in rule.touched(happening, view):
            self._decide(rule, entity, happening, view)

    def _decide(self, rule: Rule, entity: Entity, happening: Happening, view: RecordView) -> None:
        """Let the rule decide on one state, unless that state has this record already."""
        key = key_of(view.store_id, entity.kind, entity.name)
        if self._has(key, entity.kind, view.offset):
            return
        decision = rule.decide(entity, self._work.read(key, entity.kind).state, happening, view)
        self._keep(rule, key, entity.kind, decision, happening, view)

    def _keep(self, rule: Rule, key: str, kind: Kind, decision: Decision, happening: Happening, view: RecordView) -> None:
        cause = happening.event if isinstance(happening, Occurred) else happening.cause
        self._open += [derived_record(rule.name, made, view.tenant_id, view.store_id, cause.id) for made in decision.derived]
        self._work.change(key, Entry(kind, decision.state, view.offset, decision.due_at, view.tenant_id))

    def _has(self, key: str, kind: Kind, offset: int) -> bool:
        return self._guard and self._work.is_ahead(key, kind, offset)

    def _change(self, key: str, kind: Kind, state: State | None, offset: int, due_at: int | None) -> None:
        if not self._has(key, kind, offset):
            self._work.change(key, Entry(kind, state, offset, due_at))

    def _policy(self, event: Event[Any], offset: int) -> None:
        store, name = policies.scope_of(event)
        key = key_of(store or partition_place(self._partition), POLICY, name)
        known = self._work.read(key, POLICY).state
        versions = policies.with_version(known if isinstance(known, PolicyVersions) else PolicyVersions(), event.data)
        self._change(key, POLICY, versions, offset, None)

    def _tick(self, event: Event[Any], offset: int, recorded_at: datetime) -> None:
        """Move the clock, and let whatever is due by it be looked at."""
        self.ticked_by = event.envelope.tenant_id
        moved = partition_clock.after_tick(self._clock(), event.data, recorded_at)
        if moved is None:
            return
        self._change(key_of(partition_place(self._partition), CLOCK, CLOCK_NAME), CLOCK, moved, offset, None)
        for key in self._work.due(moved.at):
            self._look(key, event, offset, recorded_at)

    def _look(self, key: str, event: Event[Any], offset: int, recorded_at: datetime) -> None:
        address = address_of(key)
        kind = self._kinds.get(address.kind)
        if kind is None:
            raise UnreadableState(f"no kind of state is called {address.kind}")
        if kind is SEEN:
            self._change(key, SEEN, None, offset, None)
            return
        owner = self._owners[address.kind]
        view = self._view(self._work.read(key, kind).tenant_id, address.place, offset, None, recorded_at)
        self._decide(owner.rule, Entity(kind, address.name), Ticked(event), view)
