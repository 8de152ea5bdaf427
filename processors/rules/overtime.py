"""Overtime: the hours of an ISO week, worked and still published, that reach a warning before the shift that does so begins. Pure.

Two calculations, as Korean law has it since the Supreme Court's 2020do15393 of 2023-12-07: the limit is on the weekly total,
the premium is due for every hour beyond the day's or the week's. What is a break is not work.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from contracts.evidence import Evidence
from contracts.policies.breaks import BreaksPolicy
from contracts.policies.minor_work import MinorWorkPolicy
from contracts.policies.overtime import OvertimePolicy
from processors.rules.alerting import Finding, Severity, Speaker
from processors.rules.attendance_words import events, hours, minute
from processors.rules.attendance_work import Look, Planned, Stretch, Work
from processors.rules.labour_law import BUILT_IN_BREAKS, BUILT_IN_MINOR_WORK, is_exempt, labour_policy, shortest_break
from processors.rules.rule import Policy, View, moment_of

SPEAKER = Speaker("overtime", 2)
BUILT_IN = Policy(0, OvertimePolicy())


@dataclass(frozen=True, slots=True)
class Part:
    """What one shift, or one stretch without a shift, adds to a week: hours done, and hours done or still to be expected."""

    begins: datetime
    day: date
    name: str
    done: timedelta
    expected: timedelta
    events: tuple[bytes, ...]


def judge(work: Work, view: View) -> Iterator[Finding | Look]:
    """Yield a finding for each week whose hours reach a warning; and when to look again, for what is expected may not come."""
    for monday in work.mondays:
        parts = sorted(parts_of(work, monday, view), key=lambda part: (part.begins, part.name))
        policy = labour_policy(view, "overtime", BUILT_IN, parts[0].begins) if parts else None
        if policy is None:
            continue
        terms = policy.parameters
        assert isinstance(terms, OvertimePolicy)
        total = sum((part.expected for part in parts), timedelta())
        reached = [limit for limit in terms.warn_hours if timedelta(hours=limit) <= total]
        if reached and not is_exempt(view, terms.least_head_count, parts[0].begins):
            yield from (Look(shift.ends_at, monday) for shift in work.shifts if is_in(shift.day, monday))
            yield Look(moment_of(work.calendar.week(monday).last), monday)
            yield _finding(work, monday, parts, reached[-1], policy, _ordinary(work.employee, parts, terms, view))


def week_name(monday: date) -> str:
    """Return the name of an ISO week."""
    return f"{monday:%G}-W{monday:%V}"


def is_in(day: date, monday: date) -> bool:
    """Return whether a business date is in the week of a Monday."""
    return monday <= day < monday + timedelta(days=7)


def parts_of(work: Work, monday: date, view: View) -> Iterator[Part]:
    """Yield what each shift, and each stretch without one, adds to a week."""
    for shift in work.shifts:
        if is_in(shift.day, monday):
            yield _of_shift(work, shift, view)
    for stretch in work.stretches:
        if stretch.shift is None and is_in(stretch.day, monday):
            first = stretch.came or stretch.left
            assert first is not None
            yield Part(first.occurred_at, stretch.day, "", stretch.worked, stretch.worked, _presses([stretch]))


def _of_shift(work: Work, shift: Planned, view: View) -> Part:
    """Count what was worked; while the shift is not over, or a clock-out is missing, at least what is planned."""
    stretches = work.of(shift)
    done = sum((each.worked for each in stretches if each.left), timedelta())
    expected = done
    if not work.has_passed(shift.ends_at) or any(each.came and not each.left for each in stretches[-1:]):
        expected = max(done, _planned(shift, view))
    return Part(shift.starts_at, shift.day, shift.shift_id, done, expected, (shift.event, *_presses(stretches)))


def _planned(shift: Planned, view: View) -> timedelta:
    """Return the planned length less the breaks that it must have."""
    policy = labour_policy(view, "breaks", BUILT_IN_BREAKS, shift.starts_at)
    length = shift.ends_at - shift.starts_at
    if policy is None:
        return length
    assert isinstance(policy.parameters, BreaksPolicy)
    return length - shortest_break(policy.parameters, length)


def _presses(stretches: Sequence[Stretch]) -> tuple[bytes, ...]:
    return tuple(press.event_id for each in stretches for press in (each.came, each.left) if press is not None)


def premium(parts: Sequence[tuple[date, timedelta]], daily: timedelta, weekly: timedelta) -> timedelta:
    """Return the hours beyond the day's or the week's, each counted once."""
    by_day: defaultdict[date, timedelta] = defaultdict(timedelta)
    for day, length in parts:
        by_day[day] += length
    beyond_days = sum((max(length - daily, timedelta()) for length in by_day.values()), timedelta())
    within_days = sum((min(length, daily) for length in by_day.values()), timedelta())
    return beyond_days + max(within_days - weekly, timedelta())


def _ordinary(employee: str, parts: Sequence[Part], terms: OvertimePolicy, view: View) -> tuple[timedelta, timedelta]:
    """Return the hours of a day and of a week without premium: fewer for a week of somebody under age."""
    person = view.employee(employee)
    minor = labour_policy(view, "minor_work", BUILT_IN_MINOR_WORK, parts[0].begins)
    until = person.minor_until if person is not None else None
    if until is None or minor is None or any(part.day >= until for part in parts):
        return timedelta(hours=terms.daily_hours), timedelta(hours=terms.weekly_hours)
    assert isinstance(minor.parameters, MinorWorkPolicy)
    return timedelta(hours=minor.parameters.daily_hours), timedelta(hours=minor.parameters.weekly_hours)


def _crossing(parts: Sequence[Part], limit: timedelta) -> Part:
    """Return the part with which the hours reach the limit."""
    total = timedelta()
    for part in parts:
        total += part.expected
        if total >= limit:
            return part
    return parts[-1]


def _finding(
    work: Work, monday: date, parts: Sequence[Part], reached: int, policy: Policy, ordinary: tuple[timedelta, timedelta]
) -> Finding:
    terms = policy.parameters
    assert isinstance(terms, OvertimePolicy)
    week, limit = work.calendar.week(monday), terms.weekly_hours + terms.extra_hours
    done = sum((part.done for part in parts), timedelta())
    total = sum((part.expected for part in parts), timedelta())
    is_over = work.has_passed(moment_of(week.last))
    crossing = _crossing(parts, timedelta(hours=reached))
    name = week_name(monday)
    paid = premium([(part.day, part.expected) for part in parts], *ordinary)
    severity: Severity = "high" if total > timedelta(hours=limit) else "low" if reached == terms.warn_hours[0] else "medium"
    return Finding(
        key=name,
        subject=work.employee,
        window_start=moment_of(week.first),
        window_end=moment_of(week.last),
        severity=severity,
        stage="confirmed" if is_over or done >= timedelta(hours=reached) else "provisional",
        summary=f"{work.employee} reaches {reached} h in {name} with {crossing.name or 'work'} of {minute(crossing.begins)}",
        evidence=Evidence(
            observed=f"{hours(done)} worked and {hours(total - done)} still published: {hours(total)}; "
            f"{hours(paid)} of it at a premium of {terms.premium_percent} %",
            expected=f"at most {limit} h in the week: {terms.weekly_hours} h and {terms.extra_hours} h of overtime",
            baseline_window=f"{minute(moment_of(week.first))}/{minute(moment_of(week.last))}",
            event_ids=events(each for part in parts for each in part.events),
        ),
        policy_version=policy.version,
        news="" if is_over else str(reached),
    )
