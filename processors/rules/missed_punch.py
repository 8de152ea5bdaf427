"""Missed punch: a clock-out that never came, one that the system pressed, a clock-in while clocked in, a clock-out without one. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from contracts.evidence import Evidence
from contracts.pairing import LONGEST_SESSION
from contracts.policies.missed_punch import MissedPunchPolicy
from processors.rules.alerting import Finding, Severity, Speaker, Stage
from processors.rules.attendance_words import events, minute
from processors.rules.attendance_work import Look, Pressed, Stretch, Work
from processors.rules.rule import Policy, View

SPEAKER = Speaker("missed_punch", 1)
BUILT_IN = Policy(0, MissedPunchPolicy())


def judge(work: Work, view: View) -> Iterator[Finding | Look]:
    """Yield what is missing in each stretch of work, and when to look again while a clock-out may still come."""
    for stretch in work.stretches:
        if stretch.came is None:
            if stretch.left is not None:
                yield _said(work, view, stretch, stretch.left, "clocked out", "a clock-in before it")
        elif stretch.left is None:
            yield from _open(work, view, stretch, stretch.came)
        elif stretch.left.auto:
            yield _said(work, view, stretch, stretch.left, "clocked out by the system", "a clock-out by the person")
        for press in stretch.again:
            yield _said(work, view, stretch, press, "clocked in while clocked in", "a clock-out before it")


def _terms(view: View, at: datetime) -> tuple[Policy, MissedPunchPolicy]:
    policy = view.policy("missed_punch", None, at) or BUILT_IN
    assert isinstance(policy.parameters, MissedPunchPolicy)
    return policy, policy.parameters


def _open(work: Work, view: View, stretch: Stretch, came: Pressed) -> Iterator[Finding | Look]:
    policy, terms = _terms(view, _begin(stretch))
    latest = came.occurred_at + LONGEST_SESSION
    remind = confirm = latest
    if stretch.shift is not None:
        remind = min(stretch.shift.ends_at + timedelta(minutes=terms.remind_minutes), latest)
        confirm = max(remind, min(stretch.shift.ends_at + timedelta(minutes=terms.confirm_minutes), latest))
    yield from (Look(remind), Look(confirm))
    if work.has_passed(confirm):
        yield _finding(work, stretch, came, policy, "clocked in and never out", f"a clock-out until {minute(remind)}", end=confirm)
    elif work.has_passed(remind):
        expected = f"a clock-out until {minute(remind)}"
        yield _finding(work, stretch, came, policy, "still clocked in", expected, "provisional", "low", confirm)


def _said(work: Work, view: View, stretch: Stretch, press: Pressed, what: str, expected: str) -> Finding:
    policy, _ = _terms(view, _begin(stretch))
    return _finding(work, stretch, press, policy, what, expected)


def _begin(stretch: Stretch) -> datetime:
    first = stretch.came or stretch.left
    assert first is not None
    return stretch.shift.starts_at if stretch.shift else first.occurred_at


def _finding(
    work: Work,
    stretch: Stretch,
    press: Pressed,
    policy: Policy,
    what: str,
    expected: str,
    stage: Stage = "confirmed",
    severity: Severity = "medium",
    end: datetime | None = None,
) -> Finding:
    at, about = minute(press.occurred_at), f"shift {stretch.shift.shift_id}" if stretch.shift else "no shift"
    return Finding(
        key=f"{press.direction} {press.event_id.hex()}",
        subject=work.employee,
        window_start=press.occurred_at,
        window_end=end or press.occurred_at,
        severity=severity,
        stage=stage,
        summary=f"Punch missing: {work.employee} {what}, {at}, {about}",
        evidence=Evidence(
            observed=f"{what}, {at}",
            expected=expected,
            baseline_window=about,
            event_ids=events([press.event_id, *([stretch.shift.event] if stretch.shift else [])]),
        ),
        policy_version=policy.version,
        business_date=stretch.day.isoformat(),
    )
