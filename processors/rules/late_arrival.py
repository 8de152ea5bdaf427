"""Late arrival: the first clock-in to a published shift came after the grace; and who is late often within a month. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from contracts.evidence import Evidence
from contracts.policies.late_arrival import LateArrivalPolicy
from processors.rules.alerting import Finding, Speaker, Told
from processors.rules.attendance_spans import Calendar
from processors.rules.attendance_words import events, minute, minutes
from processors.rules.attendance_work import Look, Planned, Pressed, Work
from processors.rules.rule import Policy, View

SPEAKER = Speaker("late_arrival", 1)
REPEATED = Speaker("repeated_lateness", 1)
BUILT_IN = Policy(0, LateArrivalPolicy())


def judge(work: Work, view: View) -> Iterator[Finding | Look]:
    """Yield a finding for each shift to which its person came late. A shift announced after its start cannot be late for."""
    for shift in work.shifts:
        first = next((each.came for each in work.of(shift)), None)
        if first is None or not shift.announced or first.occurred_at <= shift.starts_at:
            continue
        policy, terms = _terms(view, shift.starts_at)
        late = first.occurred_at - shift.starts_at
        if late > timedelta(minutes=terms.grace_minutes):
            yield _finding(work, shift, first, late, policy, terms)


def _terms(view: View, at: datetime) -> tuple[Policy, LateArrivalPolicy]:
    policy = view.policy("late_arrival", None, at) or BUILT_IN
    assert isinstance(policy.parameters, LateArrivalPolicy)
    return policy, policy.parameters


def _finding(work: Work, shift: Planned, first: Pressed, late: timedelta, policy: Policy, terms: LateArrivalPolicy) -> Finding:
    latest = shift.starts_at + timedelta(minutes=terms.grace_minutes)
    return Finding(
        key=f"{shift.shift_id} {shift.starts_at.isoformat()}",
        subject=work.employee,
        window_start=shift.starts_at,
        window_end=shift.ends_at,
        severity="medium" if minutes(late) >= terms.medium_minutes else "low",
        stage="confirmed",
        summary=f"Late by {minutes(late)} minutes: {work.employee}, shift {shift.shift_id} of {minute(shift.starts_at)}",
        evidence=Evidence(
            observed=f"first clock-in at {minute(first.occurred_at)}, {minutes(late)} minutes after the start",
            expected=f"a clock-in until {minute(latest)}",
            baseline_window=f"{minute(shift.starts_at)}/{minute(shift.ends_at)}",
            event_ids=events([shift.event, first.event_id]),
        ),
        policy_version=policy.version,
        business_date=shift.day.isoformat(),
    )


def repeated(employee: str, late: Iterable[Told], calendar: Calendar, view: View) -> Iterator[Finding]:
    """Yield a finding for each calendar month in which so many late arrivals stand that it is no accident."""
    days = sorted(row.day for row in late if row.stands and row.day is not None)
    for month, count in sorted(Counter(day[:7] for day in days).items()):
        begin = calendar.begin(date.fromisoformat(f"{month}-01"))
        policy, terms = _terms(view, begin)
        if count < terms.often:
            continue
        end = calendar.begin((date.fromisoformat(f"{month}-01") + timedelta(days=32)).replace(day=1))
        named = ", ".join(day for day in days if day.startswith(month))
        yield Finding(
            key=month,
            subject=employee,
            window_start=begin,
            window_end=end,
            severity="medium",
            stage="confirmed",
            summary=f"Late {count} times in {month}: {employee}",
            evidence=Evidence(
                observed=f"late on {named}"[:500],
                expected=f"fewer than {terms.often} late arrivals in a month",
                baseline_window=month,
            ),
            policy_version=policy.version,
        )
