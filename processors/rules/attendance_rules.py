"""The attendance rules as one: keeps what a person pressed and was to work, and lets each rule judge what an event may have changed.

The facts of a person and of a shift are states of their own, which other rules read too. What was told about a person, by which
rule, is a third; it holds no fact, so it can always be worked out again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from contracts.events.registry import SHIFT_PUBLISHED
from contracts.events.shifts import ShiftPublished
from processors.rules import attendance as rows
from processors.rules.alerting import Speaker
from processors.rules.attendance import ATTENDANCE, PRESSES, SHIFT, Attendance, Revision, Shift
from processors.rules.attendance_judging import JUDGES, WATCHED, Judge, Judging, Watched
from processors.rules.attendance_spans import Calendar, Scope, Span, scope_around
from processors.rules.attendance_work import work_of
from processors.rules.rule import (
    RETENTION,
    Decision,
    Entity,
    Happening,
    Occurred,
    Recounted,
    State,
    Ticked,
    View,
    microseconds,
)

_RETENTION = RETENTION // RETENTION.resolution
_LATEST = datetime(2148, 1, 1, tzinfo=UTC)
"""One calendar for all that is kept of a person: that of the newest settings of the store."""


Scoping = Callable[[Attendance, Iterable[Span], Calendar], Scope]
"""Says what is to be judged again after what happened at some times."""


class AttendanceRules:
    """The rule. A window that is over and known too late raises nothing; a week that goes on is never history."""

    name = "attendance"
    event_types = frozenset({SHIFT_PUBLISHED, *PRESSES})
    kinds = (ATTENDANCE, SHIFT, WATCHED)

    def __init__(self, judges: Sequence[tuple[Speaker, Judge]] = JUDGES, scoping: Scoping = scope_around) -> None:
        self._judges = tuple(judges)
        self._scoping = scoping

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the facts first, then every person whom they concern."""
        if isinstance(happening, Recounted):
            facts = [entity for entity in happening.mentioned if entity.kind in (ATTENDANCE, SHIFT)]
        else:
            data = happening.event.data
            facts = [Entity(ATTENDANCE, data.employee_id)]
            if isinstance(data, ShiftPublished):
                facts.append(Entity(SHIFT, data.shift_id))
        return [*facts, *(Entity(WATCHED, person) for person in sorted(_people(facts, view)))]

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Keep the fact, or judge the person."""
        if entity.kind is ATTENDANCE:
            return _attend(state if isinstance(state, Attendance) else Attendance(), happening, view)
        if entity.kind is SHIFT:
            return _publish(state if isinstance(state, Shift) else Shift(), happening, view)
        return self._watch(entity.name, state if isinstance(state, Watched) else Watched(), happening, view)

    def _watch(self, employee: str, known: Watched, happening: Happening, view: View) -> Decision:
        attendance = view.state(Entity(ATTENDANCE, employee))
        if not isinstance(attendance, Attendance):
            attendance = Attendance()
        moments = tuple(_moments(attendance, known, happening, view))
        calendar = Calendar.of(view.store_at(_LATEST))
        scope = self._scoping(attendance, moments, calendar)
        work = work_of(employee, attendance, _in_force(attendance, scope, view), scope, calendar, view.clock)
        return Judging(self._judges, work, scope, known, happening, view).decision()


def _people(facts: Sequence[Entity], view: View) -> Iterator[str]:
    """Yield who is concerned: also those whom another revision of a shift names."""
    for fact in facts:
        if fact.kind is ATTENDANCE:
            yield fact.name
        elif isinstance(shift := view.state(fact), Shift):
            yield from (row.employee for row in shift.revisions)


def _attend(known: Attendance, happening: Happening, view: View) -> Decision:
    if isinstance(happening, Occurred):
        event = happening.event
        if isinstance(event.data, ShiftPublished):
            known = rows.with_shift(known, event.data)
        else:
            known = rows.with_punch(known, event, happening.counts)
    elif isinstance(happening, Recounted):
        known = rows.repunched(known, happening)
    clock = _clock(view)
    kept = rows.pruned(known, clock)
    return _kept(kept if kept.punches or kept.rostered else None, rows.forget_at(kept), clock)


def _publish(known: Shift, happening: Happening, view: View) -> Decision:
    if isinstance(happening, Occurred):
        known = rows.with_revision(known, happening.event, view.offset, happening.counts)
    elif isinstance(happening, Recounted):
        known = rows.revised(known, happening)
    return _kept(known, max((row.ends_at for row in known.revisions), default=0) + _RETENTION, _clock(view))


def _kept(state: State | None, forget_at: int, clock: int | None) -> Decision:
    if state is None or (clock is not None and forget_at <= clock):
        return Decision(None)
    return Decision(state, (), forget_at)


def _clock(view: View) -> int | None:
    return microseconds(view.clock) if view.clock else None


def _moments(attendance: Attendance, known: Watched, happening: Happening, view: View) -> Iterator[Span]:
    """Yield the times of what happened, or of what is due."""
    if isinstance(happening, Ticked):
        clock = _clock(view)
        yield from (Span(look, look) for look, _ in known.looks if clock is not None and look <= clock)
    elif isinstance(happening, Occurred) and not isinstance(happening.event.data, ShiftPublished):
        at = microseconds(happening.event.envelope.occurred_at)
        yield Span(at, at)
    elif isinstance(happening, Occurred):
        yield from (Span(row.starts_at, row.ends_at) for row in attendance.rostered if row.shift == happening.event.data.shift_id)
    else:
        changed = happening.voided | happening.restored
        yield from (Span(row.at, row.at) for row in attendance.punches if row.event in changed)
        yield from (Span(row.starts_at, row.ends_at) for row in attendance.rostered if changed & _events(row.shift, view))


def _events(shift: str, view: View) -> set[bytes]:
    state = view.state(Entity(SHIFT, shift))
    return {row.event for row in state.revisions} if isinstance(state, Shift) else set()


def _in_force(attendance: Attendance, scope: Scope, view: View) -> Iterator[tuple[str, Revision]]:
    for row in attendance.rostered:
        if any(span.first <= row.ends_at and row.starts_at <= span.last for span in scope.spans):
            state = view.state(Entity(SHIFT, row.shift))
            revision = rows.in_force(state.revisions) if isinstance(state, Shift) else None
            if revision is not None:
                yield row.shift, revision
