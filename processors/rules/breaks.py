"""Breaks: too little of them within the work of a shift, or soon too late for what is missing. Pure.

The time between two stretches of one shift is a break like one that was pressed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.evidence import Evidence
from contracts.policies.breaks import BreaksPolicy
from processors.rules.alerting import Finding, Speaker, Stage
from processors.rules.attendance_words import events, hours, minute, minutes
from processors.rules.attendance_work import Look, Planned, Pressed, Stretch, Work
from processors.rules.labour_law import BUILT_IN_BREAKS, labour_policy, required_break, shortest_break
from processors.rules.rule import Policy, View

SPEAKER = Speaker("breaks", 1)


@dataclass(frozen=True, slots=True)
class _Duty:
    """The stretches of one shift, or one that belongs to none, from the first clock-in on."""

    shift: Planned | None
    came: Pressed
    stretches: Sequence[Stretch]

    @property
    def rest(self) -> timedelta:
        """Return the breaks within stretches and the time between them."""
        between = timedelta()
        for first, second in zip(self.stretches, self.stretches[1:], strict=False):
            if first.left and second.came:
                between += second.came.occurred_at - first.left.occurred_at
        return between + sum((each.rest for each in self.stretches), timedelta())

    @property
    def is_known(self) -> bool:
        """Return whether no punch is missing but perhaps the last."""
        return all(each.came for each in self.stretches) and all(each.left for each in self.stretches[:-1])


def judge(work: Work, view: View) -> Iterator[Finding | Look]:
    """Yield what is missing, and when to look again while it can still be made good."""
    for duty in _duties(work):
        policy = labour_policy(view, "breaks", BUILT_IN_BREAKS, duty.came.occurred_at)
        if policy is None or not duty.is_known:
            continue
        assert isinstance(policy.parameters, BreaksPolicy)
        left = duty.stretches[-1].left
        if left is None:
            yield from _during(work, duty, policy, policy.parameters)
        else:
            yield from _after(work, duty, left, policy, policy.parameters)


def _duties(work: Work) -> Iterator[_Duty]:
    alone = ((None, [each]) for each in work.stretches if each.shift is None)
    for shift, stretches in (*((shift, work.of(shift)) for shift in work.shifts), *alone):
        if stretches and stretches[0].came is not None:
            yield _Duty(shift, stretches[0].came, stretches)


def _after(work: Work, duty: _Duty, left: Pressed, policy: Policy, terms: BreaksPolicy) -> Iterator[Finding]:
    present = left.occurred_at - duty.came.occurred_at
    required = required_break(terms, present - duty.rest)
    if duty.rest < required:
        yield _finding(work, duty, present, required, policy, "confirmed", left)


def _during(work: Work, duty: _Duty, policy: Policy, terms: BreaksPolicy) -> Iterator[Finding | Look]:
    """Warn while what is missing still fits before the planned end; who is in a break now is not warned."""
    if duty.shift is None or duty.shift.ends_at <= duty.came.occurred_at:
        return
    present = duty.shift.ends_at - duty.came.occurred_at
    required = shortest_break(terms, present)
    if duty.rest >= required or _is_in_a_break(work, duty.came.occurred_at, duty.shift.ends_at):
        return
    warn_at = duty.shift.ends_at - (required - duty.rest) - timedelta(minutes=terms.warn_minutes)
    yield Look(warn_at)
    if work.has_passed(warn_at):
        yield _finding(work, duty, present, required, policy, "provisional", None)


def _is_in_a_break(work: Work, came: datetime, until: datetime) -> bool:
    return [press.direction for press in work.presses if came <= press.occurred_at <= until][-1:] == ["break"]


def _rested(work: Work, came: Pressed, left: Pressed) -> list[bytes]:
    within = (press for press in work.presses if came.occurred_at <= press.occurred_at <= left.occurred_at)
    return [press.event_id for press in within if press.direction in {"break", "back"}]


def _finding(
    work: Work, duty: _Duty, present: timedelta, required: timedelta, policy: Policy, stage: Stage, left: Pressed | None
) -> Finding:
    missing = minutes(required - duty.rest)
    begin = duty.shift.starts_at if duty.shift else duty.came.occurred_at
    until = duty.shift.ends_at if duty.shift else duty.came.occurred_at
    done = f"{minutes(duty.rest)} minutes of break in {hours(present)}"
    about = [duty.came.event_id, *([left.event_id] if left else []), *([duty.shift.event] if duty.shift else [])]
    return Finding(
        key=f"{duty.shift.shift_id} {begin.isoformat()}" if duty.shift else duty.came.event_id.hex(),
        subject=work.employee,
        window_start=begin,
        window_end=max(until, left.occurred_at) if left else until,
        severity="high" if left and not duty.rest else "medium",
        stage=stage,
        summary=f"{'Break too short' if left else 'No time left for a break soon'}: {work.employee}, {missing} minutes missing",
        evidence=Evidence(
            observed=done if left else f"{minutes(duty.rest)} minutes of break so far, at work until {minute(until)}",
            expected=f"at least {minutes(required)} minutes",
            baseline_window=f"{minute(duty.came.occurred_at)}/{minute(left.occurred_at if left else until)}",
            event_ids=events([*about, *(_rested(work, duty.came, left) if left else [])]),
        ),
        policy_version=policy.version,
        news="" if left else "soon",
        business_date=duty.stretches[0].day.isoformat(),
    )
