"""Early leave: the last clock-out of a published shift came before its end, and the person did not come back. Pure."""

from collections.abc import Iterator
from datetime import timedelta

from contracts.evidence import Evidence
from contracts.policies.early_leave import EarlyLeavePolicy
from processors.rules.alerting import Finding, Speaker
from processors.rules.attendance_words import events, minute, minutes
from processors.rules.attendance_work import Look, Planned, Pressed, Work
from processors.rules.rule import Policy, View

SPEAKER = Speaker("early_leave", 1)
BUILT_IN = Policy(0, EarlyLeavePolicy())


def judge(work: Work, view: View) -> Iterator[Finding | Look]:
    """Yield a finding for each shift that was left early, provisional until its end, and when to look again.

    What the system pressed is no leaving: the missed punch says that.
    """
    for shift in work.shifts:
        stretches = work.of(shift)
        last = stretches[-1].left if stretches else None
        if last is None or last.auto or not shift.announced or last.occurred_at >= shift.ends_at:
            continue
        policy = view.policy("early_leave", None, shift.starts_at) or BUILT_IN
        terms = policy.parameters
        assert isinstance(terms, EarlyLeavePolicy)
        if shift.ends_at - last.occurred_at <= timedelta(minutes=terms.grace_minutes):
            continue
        told_at = min(last.occurred_at + timedelta(minutes=terms.wait_minutes), shift.ends_at)
        yield from (Look(told_at), Look(shift.ends_at))
        if work.has_passed(told_at):
            yield _finding(work, shift, last, policy, terms)


def _finding(work: Work, shift: Planned, last: Pressed, policy: Policy, terms: EarlyLeavePolicy) -> Finding:
    early = minutes(shift.ends_at - last.occurred_at)
    earliest = shift.ends_at - timedelta(minutes=terms.grace_minutes)
    return Finding(
        key=f"{shift.shift_id} {shift.starts_at.isoformat()}",
        subject=work.employee,
        window_start=shift.starts_at,
        window_end=shift.ends_at,
        severity="medium" if early >= terms.medium_minutes else "low",
        stage="confirmed" if work.has_passed(shift.ends_at) else "provisional",
        summary=f"Left {early} minutes early: {work.employee}, shift {shift.shift_id} until {minute(shift.ends_at)}",
        evidence=Evidence(
            observed=f"last clock-out at {minute(last.occurred_at)}, {early} minutes before the end",
            expected=f"a clock-out from {minute(earliest)} on",
            baseline_window=f"{minute(shift.starts_at)}/{minute(shift.ends_at)}",
            event_ids=events([shift.event, last.event_id]),
        ),
        policy_version=policy.version,
        business_date=shift.day.isoformat(),
    )
