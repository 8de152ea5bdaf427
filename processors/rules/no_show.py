"""No-show: a published shift without a clock-in; provisional after the grace, confirmed at the end, retracted by a late punch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from contracts.events.alerts import AlertChanged, Evidence
from contracts.events.registry import ALERT_CHANGED, CLOCKED_IN, SHIFT_PUBLISHED
from contracts.events.shifts import ShiftPublished
from contracts.identifiers import alert_id, transition_id
from contracts.policies.no_show import NoShowPolicy
from processors.rules import attendance as roster
from processors.rules.attendance import ATTENDANCE, Attendance, Punch, Revision
from processors.rules.rule import (
    RETENTION,
    Decision,
    Derived,
    Entity,
    Happening,
    Kind,
    Occurred,
    Policy,
    Recounted,
    State,
    Ticked,
    View,
    microseconds,
    moment_of,
)

RULE_VERSION = 1
BUILT_IN = Policy(0, NoShowPolicy())

_MINUTE = 60_000_000
_RETENTION = RETENTION // RETENTION.resolution
_REVISIONS_KEPT = 100
_NONE, _PROVISIONAL, _CONFIRMED = 0, 1, 2


class ShiftAlert(msgspec.Struct, frozen=True, array_like=True):
    """An alert about one person and one start: its stage (0: none stands) and the number of its last transition."""

    employee: str
    starts_at: int
    ends_at: int
    day: str
    stage: int = _NONE
    transition: int = 0


class ShiftState(State, frozen=True, array_like=True):
    """The revisions of one shift and the alerts that any of them led to."""

    revisions: tuple[Revision, ...] = ()
    alerts: tuple[ShiftAlert, ...] = ()


SHIFT = Kind("no_show", ShiftState, 1, 0)


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What should stand now for the revision in force, and why."""

    stage: int
    policy: Policy
    punch: Punch | None = None

    @property
    def terms(self) -> NoShowPolicy:
        assert isinstance(self.policy.parameters, NoShowPolicy)
        return self.policy.parameters


class NoShow:
    """The rule. It judges a past moment, so history changes what is known but raises nothing.

    It reads the presses that the attendance rules keep, so it comes after them in the list of rules.
    """

    name = "no_show"
    event_types = frozenset({SHIFT_PUBLISHED, CLOCKED_IN})
    kinds = (SHIFT,)

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the shifts that the event may concern."""
        if isinstance(happening, Recounted):
            return _touched_by_correction(happening, view)
        data = happening.event.data
        if isinstance(data, ShiftPublished):
            return [Entity(SHIFT, data.shift_id)]
        around = roster.shifts_around(_attendance(view, data.employee_id), [microseconds(happening.event.envelope.occurred_at)])
        return [Entity(SHIFT, shift) for shift in around]

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Fold the event into the shift, and judge it by the person's clock-ins."""
        known = state if isinstance(state, ShiftState) else ShiftState()
        return _judge_shift(entity.name, _published(known, happening, view), happening, view)


def _touched_by_correction(change: Recounted, view: View) -> list[Entity]:
    shifts = {entity.name for entity in change.mentioned if entity.kind is SHIFT}
    changed = change.voided | change.restored
    for person in (entity for entity in change.mentioned if entity.kind is ATTENDANCE):
        attendance = _attendance(view, person.name)
        shifts.update(roster.shifts_around(attendance, [row.at for row in attendance.punches if row.event in changed]))
    return [Entity(SHIFT, shift) for shift in sorted(shifts)]


def _attendance(view: View, employee: str) -> Attendance:
    state = view.state(Entity(ATTENDANCE, employee))
    return state if isinstance(state, Attendance) else Attendance()


def _clock(view: View) -> int | None:
    return microseconds(view.clock) if view.clock else None


def _published(known: ShiftState, happening: Happening, view: View) -> ShiftState:
    """Return the shift with a new revision, or with what a correction changed."""
    revisions = known.revisions
    if isinstance(happening, Occurred) and isinstance(happening.event.data, ShiftPublished):
        event = happening.event
        in_time = event.envelope.occurred_at < event.data.ends_at
        row = roster.revision_of(event, view.offset, in_time and not view.is_history, happening.counts)
        revisions = (*revisions, row)[-_REVISIONS_KEPT:]
    elif isinstance(happening, Recounted):
        revisions = tuple(msgspec.structs.replace(row, counts=happening.verdict(row.event, row.counts)) for row in revisions)
    return ShiftState(revisions, known.alerts)


def _judge_shift(shift: str, state: ShiftState, happening: Happening, view: View) -> Decision:
    revision = roster.in_force(state.revisions)
    clock, last_end = _clock(view), max((row.ends_at for row in state.revisions), default=0)
    if clock is not None and revision and revision.starts_at - roster.LONGEST_EARLY + _RETENTION <= clock:
        return _left(state, last_end + _RETENTION, clock)
    judgement = _judgement(revision, view)
    if revision and view.is_history and judgement.stage and not _stands(state, revision):
        state = ShiftState(tuple(_unjudged(row, revision) for row in state.revisions), state.alerts)
        judgement = _Judgement(_NONE, judgement.policy)
    alerts, derived = _transitions(shift, state.alerts, revision, judgement, happening, view)
    after = ShiftState(state.revisions, alerts)
    if isinstance(happening, Ticked) and not derived and clock is not None and last_end + _RETENTION <= clock:
        return Decision(None)
    return Decision(after, derived, _next_look(roster.in_force(after.revisions), judgement, clock, last_end))


def _left(state: ShiftState, forget_at: int, clock: int) -> Decision:
    """Leave a shift as it was told, once a punch to it may be forgotten: it would look like nobody came."""
    return Decision(None) if forget_at <= clock else Decision(state, (), forget_at)


def _unjudged(row: Revision, revision: Revision) -> Revision:
    return msgspec.structs.replace(row, judged=False) if row.event == revision.event else row


def _stands(state: ShiftState, revision: Revision) -> bool:
    return any(alert.stage and _is_about(alert, revision) for alert in state.alerts)


def _is_about(alert: ShiftAlert, revision: Revision) -> bool:
    return (alert.employee, alert.starts_at) == (revision.employee, revision.starts_at)


def _judgement(revision: Revision | None, view: View) -> _Judgement:
    """Judge the revision in force at the partition's clock, by the policy in force at the shift's start."""
    clock = _clock(view)
    policy = (view.policy("no_show", None, moment_of(revision.starts_at)) if revision else None) or BUILT_IN
    free = _Judgement(_NONE, policy)
    if revision is None or not revision.planned:
        return free
    opens = revision.starts_at - free.terms.early_minutes * _MINUTE
    came = (row for row in _attendance(view, revision.employee).punches if row.counts and row.pressed == roster.CAME)
    punches = [row for row in came if opens <= row.at <= revision.ends_at]
    if punches:
        return _Judgement(_NONE, policy, min(punches, key=lambda row: (row.at, row.event)))
    if clock is None or not revision.judged or clock < revision.starts_at + free.terms.grace_minutes * _MINUTE:
        return free
    return _Judgement(_CONFIRMED if clock >= revision.ends_at else _PROVISIONAL, policy)


def _next_look(revision: Revision | None, judgement: _Judgement, clock: int | None, last_end: int) -> int:
    """Return when the clock makes a difference next; at the end, when the shift can be forgotten."""
    if revision is not None and revision.planned and revision.judged:
        moments = (revision.starts_at, revision.starts_at + judgement.terms.grace_minutes * _MINUTE, revision.ends_at)
        for moment in moments:
            if clock is None or moment > clock:
                return moment
    return max(last_end, clock or 0) + _RETENTION


def _transitions(
    shift: str, alerts: tuple[ShiftAlert, ...], revision: Revision | None, judgement: _Judgement, happening: Happening, view: View
) -> tuple[tuple[ShiftAlert, ...], list[Derived]]:
    """Move every alert of the shift to where it should stand, one numbered transition at a time."""
    derived: list[Derived] = []

    def move(alert: ShiftAlert, stage: int) -> ShiftAlert:
        moved = msgspec.structs.replace(alert, stage=stage, transition=alert.transition + 1)
        derived.append(_transition(shift, alert, moved, revision, judgement, happening, view))
        return moved

    rows = list(alerts)
    if revision and judgement.stage and not any(_is_about(row, revision) for row in rows):
        rows.append(ShiftAlert(revision.employee, revision.starts_at, revision.ends_at, revision.day))
    for place, alert in enumerate(rows):
        wanted = judgement.stage if revision and _is_about(alert, revision) else _NONE
        if alert.stage and not wanted:
            rows[place] = move(alert, _NONE)
        while rows[place].stage < wanted:
            rows[place] = move(rows[place], rows[place].stage + 1)
    return tuple(rows), derived


def _transition(
    shift: str,
    before: ShiftAlert,
    after: ShiftAlert,
    revision: Revision | None,
    judgement: _Judgement,
    happening: Happening,
    view: View,
) -> Derived:
    cause = happening.event if isinstance(happening, Occurred) else happening.cause
    start, end = moment_of(after.starts_at), moment_of(after.ends_at)
    stage = max(before.stage, after.stage)
    status: Literal["raised", "updated", "retracted"] = (
        "retracted" if not after.stage else "raised" if after.stage == _PROVISIONAL else "updated"
    )
    alert = alert_id("no_show", view.store_id, f"{after.employee}/{shift}", start.isoformat())
    content = AlertChanged(
        alert_id=alert,
        transition=after.transition,
        rule="no_show",
        rule_version=RULE_VERSION,
        policy_version=judgement.policy.version,
        status=status,
        stage="confirmed" if stage == _CONFIRMED else "provisional",
        severity="high" if stage == _CONFIRMED else "medium",
        subject=after.employee,
        window_start=start,
        window_end=end,
        summary=_summary(after, shift, start),
        evidence=_evidence(after, revision, judgement, start, end),
    )
    at = view.clock if isinstance(happening, Ticked) and view.clock else cause.envelope.occurred_at
    return Derived(ALERT_CHANGED, transition_id(alert, after.transition), at, content, after.employee, after.day)


def _summary(alert: ShiftAlert, shift: str, start: datetime) -> str:
    who = f"{alert.employee}, shift {shift} of {start.isoformat(timespec='minutes')}"
    if not alert.stage:
        return f"No no-show after all: {who}"
    return f"No-show: {who}" if alert.stage == _CONFIRMED else f"Not clocked in yet: {who}"


def _evidence(alert: ShiftAlert, revision: Revision | None, judgement: _Judgement, start: datetime, end: datetime) -> Evidence:
    opens = start - timedelta(minutes=judgement.terms.early_minutes)
    latest = start + timedelta(minutes=judgement.terms.grace_minutes)
    about = [UUID(bytes=revision.event)] if revision else []
    if alert.stage:
        observed = f"no clock-in since {opens.isoformat(timespec='minutes')}"
    elif judgement.punch is not None:
        observed = f"clocked in at {moment_of(judgement.punch.at).isoformat(timespec='minutes')}"
        about.append(UUID(bytes=judgement.punch.event))
    else:
        observed = "the shift was cancelled, moved or corrected"
    return Evidence(
        observed=observed,
        expected=f"a clock-in from {opens.isoformat(timespec='minutes')} to {latest.isoformat(timespec='minutes')}",
        baseline_window=f"{start.isoformat(timespec='minutes')}/{end.isoformat(timespec='minutes')}",
        event_ids=tuple(about),
    )
