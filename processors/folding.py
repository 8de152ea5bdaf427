"""One event at a time, or a run of sales of a store: which states it touches, whether they have it already, and what each becomes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias

from contracts.codec import corrected_content
from contracts.envelope import CHAIN_WIDE, Event
from contracts.errors import ContractError
from contracts.events.alerts import AlertChanged
from contracts.events.correction import EventCorrected
from contracts.events.registry import ALERT_ANSWERED, EVENT_CORRECTED, POLICY_SET, RULE_PROGRESSED, TICK
from contracts.policies.alerting import AlertingPolicy
from contracts.quick_codec import built
from contracts.records import LogRecord
from processors import answers, corrected, partition_clock, policies, reference_versions, seen, stages, versions
from processors.answers import ANSWERS
from processors.corrected import CORRECTIONS, CORRECTIONS_NAME, Corrections
from processors.outgoing import Outgoing, derived_record
from processors.partition_clock import CLOCK, CLOCK_NAME, Clock
from processors.policies import POLICY
from processors.quiet_hours import notify_at
from processors.record_view import RecordView
from processors.reference_versions import REFERENCE_TYPES
from processors.rules.rule import (
    Became,
    Decision,
    Derived,
    Entity,
    Entry,
    EventRun,
    Happening,
    Kind,
    Left,
    Occurred,
    Recounted,
    Rule,
    State,
    Ticked,
    exactly,
    microseconds,
    moment_of,
)
from processors.ruling import Ruling
from processors.seen import SEEN, HourIds
from processors.stages import PARTITION_CLOCKS, PARTITION_CLOCKS_NAME, Stage
from processors.state import UnreadableState, address_of, key_of, partition_place
from processors.workspace import Workspace

_IDS = "ids"
_NO_CORRECTIONS = Corrections()
_NEVER_SEEN = Entry(SEEN, None, -1, None)
KEPT_TYPES = REFERENCE_TYPES | {TICK, RULE_PROGRESSED, POLICY_SET, ALERT_ANSWERED}
"""What no rule is handed: the fold keeps it, and rules read it through their view."""


def _one_place(place: str) -> str:
    """Return a store or a chain; ValueError for the sign of every store, whose state could be written but never read again."""
    if place == CHAIN_WIDE:
        raise ValueError(f"{CHAIN_WIDE} is no one place")
    return place


def _whole(happening: Occurred) -> Occurred:
    """Return what happened with the content in its model."""
    event = built(happening.event)
    return happening if event is happening.event else Occurred(event, happening.counts, happening.worked_out)


def _timed(made: Derived, view: RecordView) -> Derived:
    """Say when people are to be told of an alert, where quiet hours put it off."""
    if not isinstance(made.data, AlertChanged):
        return made
    policy, store = view.policy("alerting", None, made.occurred_at), view.store_at(made.occurred_at)
    parameters = policy.parameters if policy and isinstance(policy.parameters, AlertingPolicy) else None
    later = notify_at(made.data, made.occurred_at, parameters, store.timezone if store else None)
    return made if later is None else replace(made, data=made.data.model_copy(update={"notify_at": later}))


DATA_ERRORS = (ContractError, ValueError, ArithmeticError, LookupError)
"""What a record or a state can be the reason of; anything else is the program's or the machine's."""


Taken: TypeAlias = tuple[Event[Any], LogRecord]


def _by_hour(sales: Sequence[Taken], moments: Sequence[int]) -> dict[int, Sequence[Taken]]:
    """Put sales together by their hour; most runs have only one."""
    hour = seen.hour_of(min(moments))
    if hour == seen.hour_of(max(moments)):
        return {hour: sales}
    found = dict[int, list[Taken]]()
    for each, moment in zip(sales, moments, strict=True):
        found.setdefault(seen.hour_of(moment), []).append(each)
    return dict(found)


class Folding:
    """The course of one batch."""

    def __init__(self, partition: int, work: Workspace, ruling: Ruling, guard: bool, stage: Stage) -> None:
        self.derived: list[tuple[int, Outgoing]] = []
        """What came of the events, each with the position that it came of."""
        self.refused: list[str] = []
        """Which states could not be looked at by the last tick, and why."""
        self.ticked_by: str | None = None
        self._partition = partition
        self._work = work
        self._ruling = ruling
        self._guard = guard
        self._stage = stage
        self._open: list[tuple[int, Outgoing]] = []
        self._clock_key = key_of(partition_place(partition), CLOCK, CLOCK_NAME)
        self._told_clock: tuple[Clock | None, datetime | None] = (None, None)
        self._without_effect: dict[str, frozenset[bytes]] = {}
        self._looking: RecordView | None = None  # of the look before, which most often was at the same store

    def fold_run(self, place: str, sales: Sequence[Taken]) -> None:
        """Fold sales of one chain's store that came one behind the other; nothing of them stays unless they are accepted."""
        place = _one_place(place)
        moments = [exactly(event.envelope.occurred_at) for event, _ in sales]
        if not self._note_new(place, sales, moments):
            sales = [(event, record) for event, record in sales if self._is_first(event, place, record.offset)]
            moments = [exactly(event.envelope.occurred_at) for event, _ in sales]
        if not sales:
            return
        taken_back = self._taken_back(place)
        happenings = [Occurred(event, not taken_back or event.id.bytes not in taken_back) for event, _ in sales]

        def view_of(number: int) -> RecordView:
            event, record = sales[number]
            recorded_at = moment_of(record.timestamp * 1000)
            return self._view(event.envelope.tenant_id, place, record.offset, event.envelope.occurred_at, recorded_at)

        self._occurred(EventRun(view_of(0), happenings, [record.offset for _, record in sales], moments), view_of)

    def _note_new(self, place: str, sales: Sequence[Taken], moments: Sequence[int]) -> bool:
        """Note the ids of sales that are all new, and say so; False, with nothing noted, where any needs a closer look."""
        memo, read, changes = self._work.memo(place), self._work.reader(place, SEEN), list[Became]()
        clock = self._clock()
        for hour, taken in _by_hour(sales, moments).items():
            known = memo.get(_IDS)
            if not isinstance(known, HourIds) or known.hour != hour:
                known = memo[_IDS] = HourIds(hour)
            ids, offsets = [event.envelope.id.bytes for event, _ in taken], [record.offset for _, record in taken]
            found = known.with_new(ids, offsets, clock.at if clock else None, read)
            if found is None:
                return False
            changes += found
        for change in changes:
            self._work.change(*change)
        return True

    def fold(self, event: Event[Any], record: LogRecord) -> None:
        """Fold one event; nothing of it stays unless it is accepted."""
        recorded_at = moment_of(record.timestamp * 1000)
        if event.type in KEPT_TYPES:
            self._kept(event, record.offset, recorded_at)
            return
        place = _one_place(self.place_of(event))
        if self._is_first(event, place, record.offset):
            occurred_at = event.data.corrects_occurred_at if event.type == EVENT_CORRECTED else event.envelope.occurred_at
            view = self._view(event.envelope.tenant_id, place, record.offset, occurred_at, recorded_at)
            if event.type == EVENT_CORRECTED:
                self._correction(event, view)
            else:
                self._occurred_alone(event, view, self._counts(event, place))

    def _kept(self, event: Event[Any], offset: int, recorded_at: datetime) -> None:
        """Take in what the shell itself keeps for the rules; repeats of it say nothing new."""
        if event.type == TICK:
            self._tick(event, offset, recorded_at)
        elif event.type == RULE_PROGRESSED:
            self._progressed(event, offset, recorded_at)
        elif event.type == POLICY_SET:
            store, name = policies.scope_of(event)
            self._version(store, POLICY, name, lambda known: versions.with_version(known, policies.version_of(event.data)), offset)
        elif event.type == ALERT_ANSWERED:
            self._answer(event, offset, self._counts(event, event.store_id))
        else:
            kind, store, name = reference_versions.address(event)
            self._version(store, kind, name, lambda known: reference_versions.with_version(known, event.data), offset)

    def place_of(self, event: Event[Any]) -> str:
        """Return what an event's states belong to."""
        return event.envelope.store_id if self._stage.name == "stores" else event.envelope.tenant_id

    def accept(self) -> None:
        """Keep what the event did."""
        self._work.accept()
        self.derived += self._open
        self._open = []

    def reject(self) -> None:
        """Undo what the event did."""
        self._work.reject()
        self._open = []

    def _is_first(self, event: Event[Any], place: str, offset: int) -> bool:
        """Return False for a repeat. The same id from the same offset is this record, handed over again."""
        work, occurred_at = self._work, event.envelope.occurred_at
        key, held = "", _NEVER_SEEN

        def read(page: str) -> State | None:
            nonlocal key, held
            key = f"{place}|{SEEN.name}|{page}"
            held = work.read(key, SEEN)
            return held.state

        first, _, known = seen.look_up(event.id, occurred_at, read)
        if first is not None:
            return first >= offset
        if held.applied < offset or not self._has(key, SEEN, offset):
            clock = self._clock()
            due = seen.forget_at(seen.hour_of(microseconds(occurred_at)), clock.at if clock else None)
            work.change(key, held, Entry(SEEN, seen.with_id(known, event.id, offset), offset, due))
        return True

    def _clock(self) -> Clock | None:
        state = self._work.read(self._clock_key, CLOCK).state
        return state if isinstance(state, Clock) else None

    def _now(self) -> datetime | None:
        """Return the clock as a time; made once for each place where it stands."""
        clock = self._clock()
        known, now = self._told_clock
        if clock is not known:
            now = clock.now if clock else None
            self._told_clock = clock, now
        return now

    def _view(self, tenant: str, store: str, offset: int, occurred_at: datetime | None, recorded_at: datetime) -> RecordView:
        now = self._now()
        clock, books = self._told_clock[0], self._work.policy_books()
        present = now if clock is not None and clock.simulated else partition_clock.present(clock, recorded_at)
        late = occurred_at is not None and partition_clock.is_history(occurred_at, present)
        live = partition_clock.is_live(clock)
        at = clock.at if clock is not None else None
        return RecordView(self._work, self._partition, tenant, store, offset, now, at, present, late, live, books)

    def _corrections(self, store: str) -> Corrections:
        state = self._work.read(key_of(store, CORRECTIONS, CORRECTIONS_NAME), CORRECTIONS).state
        return state if isinstance(state, Corrections) else _NO_CORRECTIONS

    def _taken_back(self, store: str) -> frozenset[bytes]:
        """Return the events that corrections have taken back, worked out once for each change."""
        found = self._without_effect.get(store)
        if found is None:
            found = self._without_effect[store] = corrected.without_effect(self._corrections(store))
        return found

    def _counts(self, event: Event[Any], store: str) -> bool:
        """Return whether no correction has taken an event back."""
        found = self._taken_back(store)
        return not found or event.id.bytes not in found

    def _occurred_alone(self, event: Event[Any], view: RecordView, counts: bool) -> None:
        run = EventRun(view, [Occurred(event, counts)], [view.offset], [microseconds(event.envelope.occurred_at)])
        self._occurred(run, lambda _: view)

    def _occurred(self, run: EventRun, view_of: Callable[[int], RecordView]) -> None:
        """Let each rule see the run: as a whole where it can, else one event after the other."""
        views, whole = dict[int, RecordView](), dict[int, Occurred]()
        for rule, in_run in self._ruling.wanting.get(run.happenings[0].event.type, ()):
            every = (Left(number) for number in range(len(run.happenings)))
            for left in every if in_run is None else self._work.change_all(in_run(run)):
                number = left.number
                view = views.get(number)
                if view is None:
                    view = views[number] = view_of(number)
                if left.entity is not None:
                    self._decide(rule, left.entity, run.happenings[number], view)
                    continue
                if number not in whole:
                    whole[number] = _whole(run.happenings[number])
                self._route(rule, whole[number], view)

    def _correction(self, event: Event[EventCorrected], view: RecordView) -> None:
        """Void or restore what the correction changes, then fold the right content under its own id."""
        data, store = event.data, event.store_id
        self._without_effect.pop(store, None)
        before = corrected.remembered(self._corrections(store), view.clock)
        after = corrected.with_correction(before, event.id, data.corrects_event_id, view.offset, data.corrects_occurred_at)
        self._change(key_of(store, CORRECTIONS, CORRECTIONS_NAME), CORRECTIONS, after, view.offset, None)
        was, now = corrected.without_effect(before), corrected.without_effect(after)
        if (was ^ now) - {event.id.bytes}:
            self._recount(event, was, now, view)
        content = corrected_content(event)
        if content is not None and content.type == ALERT_ANSWERED:
            self._answer(content, view.offset, event.id.bytes not in now)
        elif content is not None:
            self._occurred_alone(content, view, event.id.bytes not in now)

    def _recount(self, event: Event[Any], was: frozenset[bytes], now: frozenset[bytes], view: RecordView) -> None:
        """Tell whatever holds one of the events that count otherwise now; `was` and `now` are those without effect.

        Where a state that holds one has the correction already, all that is written before it has it too, and may know nothing of
        events that came later: states that are ahead of the correction say nothing to those.
        """
        store, offset, changed = event.store_id, view.offset, (was ^ now) - {event.id.bytes}
        kinds = {ANSWERS.name: ANSWERS, **{name: owner.kind for name, owner in self._ruling.owners.items()}}
        found = [(key, address_of(key).name, kind) for key, kind in self._work.mentioning(store, kinds, changed)]
        told = max((kind.level for key, _, kind in found if self._has(key, kind, offset)), default=None)
        for name in [name for _, name, kind in found if kind is ANSWERS]:
            self._version(store, ANSWERS, name, lambda known: answers.judged_again(known, changed, now), offset)
        mentioned = tuple(Entity(kind, name) for _, name, kind in found if kind is not ANSWERS)
        happening = Recounted(event, now - was, was - now, mentioned)
        for rule in self._ruling.rules:
            for entity in rule.touched(happening, view):
                if told is None or entity.kind.level >= told:
                    self._decide(rule, entity, happening, view)

    def _answer(self, event: Event[Any], offset: int, counts: bool) -> None:
        """Keep a person's word on an alert, also where it came in a correction."""
        name = answers.name_of(event.data.rule, event.data.subject)
        self._version(event.store_id, ANSWERS, name, lambda known: answers.with_answer(known, event, counts), offset)

    def _route(self, rule: Rule, happening: Occurred, view: RecordView) -> None:
        decide = self._decide
        for entity in rule.touched(happening, view):
            decide(rule, entity, happening, view)

    def _decide(self, rule: Rule, entity: Entity, happening: Happening, view: RecordView) -> None:
        """Let the rule decide on one state, unless that state has this record already."""
        kind, work, offset = entity.kind, self._work, view.offset
        key = f"{view.store_id}|{kind.name}|{entity.name}"
        held = work.read(key, kind)
        if held.applied >= offset and self._has(key, kind, offset):
            return
        decision = rule.decide(entity, held.state, happening, view)
        if decision.derived:
            self._tell(rule, decision, happening, view)
        work.change(key, held, Entry(kind, decision.state, offset, decision.due_at, view.tenant_id))

    def _tell(self, rule: Rule, decision: Decision, happening: Happening, view: RecordView) -> None:
        cause = happening.event if isinstance(happening, Occurred) else happening.cause
        made = (_timed(each, view) for each in decision.derived)
        self._open += [(view.offset, derived_record(rule.name, each, view.tenant_id, view.store_id, cause.id)) for each in made]

    def _has(self, key: str, kind: Kind, offset: int) -> bool:
        return self._guard and self._work.is_ahead(key, kind, offset)

    def _change(self, key: str, kind: Kind, state: State | None, offset: int, due_at: int | None) -> None:
        held = self._work.read(key, kind)
        if held.applied < offset or not self._has(key, kind, offset):
            self._work.change(key, held, Entry(kind, state, offset, due_at))

    def _version(self, store: str | None, kind: Kind, name: str, change: Callable[[State | None], State], offset: int) -> None:
        key = key_of(_one_place(store) if store else partition_place(self._partition), kind, name)
        self._change(key, kind, change(self._work.read(key, kind).state), offset, None)

    def _tick(self, event: Event[Any], offset: int, recorded_at: datetime) -> None:
        """Move the clock, and let whatever is due by it be looked at."""
        self.ticked_by = event.envelope.tenant_id
        self._move(partition_clock.after_tick(self._clock(), event.data, recorded_at), event, offset, recorded_at)

    def _progressed(self, event: Event[Any], offset: int, recorded_at: datetime) -> None:
        """Let the clock of the chains follow the slowest partition of the stores."""
        self.ticked_by = event.envelope.tenant_id
        key = key_of(partition_place(self._partition), PARTITION_CLOCKS, PARTITION_CLOCKS_NAME)
        clocks = stages.with_progress(self._work.read(key, PARTITION_CLOCKS).state, event.data)
        self._change(key, PARTITION_CLOCKS, clocks, offset, None)
        at, clock = stages.slowest(clocks), self._clock()
        moved = at is not None and (clock is None or at > clock.at)
        self._move(Clock(at, event.data.time == "simulated") if at is not None and moved else None, event, offset, recorded_at)

    def _move(self, moved: Clock | None, event: Event[Any], offset: int, recorded_at: datetime) -> None:
        if moved is None:
            return
        self._change(self._clock_key, CLOCK, moved, offset, None)
        for key in self._work.due(moved.at):
            self.accept()
            try:
                self._look(key, event, offset, recorded_at)
            except DATA_ERRORS as error:
                self.reject()
                self._give_up(key, offset, error)

    def _give_up(self, key: str, offset: int, error: Exception) -> None:
        """Leave a state as it is until its next event: one that cannot be looked at must not hold the clock for all others."""
        self.refused.append(f"{key}: {error!r}")
        kind = self._ruling.kinds[address_of(key).kind]
        held = self._work.read(key, kind)
        self._work.change(key, held, Entry(kind, held.state, offset, None, held.tenant_id))

    def _look(self, key: str, event: Event[Any], offset: int, recorded_at: datetime) -> None:
        address = address_of(key)
        kind = self._ruling.kinds.get(address.kind)
        if kind is None:
            raise UnreadableState(f"no kind of state is called {address.kind}")
        if kind is SEEN:
            self._change(key, SEEN, None, offset, None)
            return
        owner = self._ruling.owners[address.kind]
        tenant, view = self._work.read(key, kind).tenant_id, self._looking
        if view is None or view.offset != offset or view.store_id != address.place or view.tenant_id != tenant:
            view = self._looking = self._view(tenant, address.place, offset, None, recorded_at)
        self._decide(owner.rule, Entity(kind, address.name), Ticked(event), view)
