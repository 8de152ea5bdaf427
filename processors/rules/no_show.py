"""No-show: a published shift without a clock-in; provisional after the grace, confirmed at the end, taken back by a late punch. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from contracts.evidence import Evidence
from contracts.policies.no_show import NoShowPolicy
from processors.rules.alerting import Finding, Speaker
from processors.rules.attendance_words import events, minute
from processors.rules.attendance_work import Look, Planned, Work
from processors.rules.rule import Policy, View

SPEAKER = Speaker("no_show", 2)
BUILT_IN = Policy(0, NoShowPolicy())


def judge(work: Work, view: View) -> Iterator[Finding | Look]:
    """Yield a finding for each shift to which nobody came, and when to look again. Nobody can miss what was announced after its end."""
    for shift in work.shifts:
        if not shift.missable:
            continue
        policy = view.policy("no_show", None, shift.starts_at) or BUILT_IN
        assert isinstance(policy.parameters, NoShowPolicy)
        opens = shift.starts_at - timedelta(minutes=policy.parameters.early_minutes)
        latest = shift.starts_at + timedelta(minutes=policy.parameters.grace_minutes)
        if _came(work, opens, shift.ends_at):
            continue
        yield from _next_look(work, shift, latest)
        if work.has_passed(latest):
            yield _finding(work, shift, opens, latest, policy)


def _came(work: Work, opens: datetime, ends_at: datetime) -> bool:
    return any(press.direction == "in" and opens <= press.occurred_at <= ends_at for press in work.presses)


def _next_look(work: Work, shift: Planned, latest: datetime) -> Iterator[Look]:
    """Yield when the clock makes a difference next; at the start, for until then the policy may change."""
    ahead = (moment for moment in (shift.starts_at, latest, shift.ends_at) if not work.has_passed(moment))
    yield from (Look(moment) for moment in list(ahead)[:1])


def _finding(work: Work, shift: Planned, opens: datetime, latest: datetime, policy: Policy) -> Finding:
    is_over = work.has_passed(shift.ends_at)
    return Finding(
        key=f"{shift.shift_id} {shift.starts_at.isoformat()}",
        subject=work.employee,
        window_start=shift.starts_at,
        window_end=shift.ends_at,
        severity="high" if is_over else "medium",
        stage="confirmed" if is_over else "provisional",
        summary=f"{'No-show' if is_over else 'Not clocked in yet'}: {work.employee}, shift {shift.shift_id} of {minute(shift.starts_at)}",
        evidence=Evidence(
            observed=f"no clock-in since {minute(opens)}",
            expected=f"a clock-in from {minute(opens)} to {minute(latest)}",
            baseline_window=f"{minute(shift.starts_at)}/{minute(shift.ends_at)}",
            event_ids=events([shift.event]),
        ),
        policy_version=policy.version,
        business_date=shift.day.isoformat(),
    )
