"""Minor work: hours of people under age, worked and still published, beyond their day or week, or at night. Pure.

Who is under age is said by the reference data. The limits are not waived in small stores: docs/rules/attendance.md says what was read
of the law.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from contracts.evidence import Evidence
from contracts.policies.minor_work import MinorWorkPolicy
from processors.rules.alerting import Finding, Severity, Speaker
from processors.rules.attendance_spans import Calendar
from processors.rules.attendance_words import events, hours, minute
from processors.rules.attendance_work import Look, Work
from processors.rules.labour_law import BUILT_IN_MINOR_WORK, labour_policy
from processors.rules.overtime import Part, is_in, parts_of, week_name
from processors.rules.rule import Policy, View

SPEAKER = Speaker("minor_work", 1)
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Excess:
    """Hours of a day, a night or a week: done, and done or still to be expected, with the limit and what an agreement allows."""

    key: str
    what: str
    begin: datetime
    end: datetime
    done: timedelta
    expected: timedelta
    limit: timedelta
    bound: timedelta
    events: tuple[bytes, ...]
    day: date | None


def judge(work: Work, view: View) -> Iterator[Finding | Look]:
    """Yield a finding for each day, night and week with too many hours, and when to look again, for what is expected may not come."""
    person = view.employee(work.employee)
    if person is None or person.minor_until is None:
        return
    for monday in work.mondays:
        parts = sorted(
            (part for part in parts_of(work, monday, view) if part.day < person.minor_until), key=lambda part: (part.begins, part.name)
        )
        policy = labour_policy(view, "minor_work", BUILT_IN_MINOR_WORK, parts[0].begins) if parts else None
        if policy is None:
            continue
        assert isinstance(policy.parameters, MinorWorkPolicy)
        for excess in _excesses(work, monday, parts, policy.parameters):
            yield from (Look(shift.ends_at, monday) for shift in work.shifts if is_in(shift.day, monday))
            yield Look(excess.end, monday)
            yield _finding(work, excess, policy)


def _excesses(work: Work, monday: date, parts: Sequence[Part], terms: MinorWorkPolicy) -> Iterator[_Excess]:
    name, calendar = week_name(monday), work.calendar
    weekly, daily = timedelta(hours=terms.weekly_hours), timedelta(hours=terms.daily_hours)
    bounds = weekly + timedelta(hours=terms.weekly_extra_hours), daily + timedelta(hours=terms.daily_extra_hours)
    found = [_hours_of(name, name, calendar.begin(monday), calendar.begin(monday + _WEEK), parts, weekly, bounds[0], None)]
    for day in sorted({part.day for part in parts}):
        begin, end, of_day = calendar.begin(day), calendar.begin(day + _DAY), [part for part in parts if part.day == day]
        found.append(_hours_of(f"{name} {day}", str(day), begin, end, of_day, daily, bounds[1], day))
        if not terms.night_allowed:
            found.append(_night_of(work, name, day, of_day, terms))
    yield from (each for each in found if each.expected > each.limit)


def _hours_of(
    key: str, what: str, begin: datetime, end: datetime, parts: Sequence[Part], limit: timedelta, bound: timedelta, day: date | None
) -> _Excess:
    done = sum((part.done for part in parts), timedelta())
    expected = sum((part.expected for part in parts), timedelta())
    return _Excess(key, what, begin, end, done, expected, limit, bound, tuple(each for part in parts for each in part.events), day)


def _night_of(work: Work, week: str, day: date, parts: Sequence[Part], terms: MinorWorkPolicy) -> _Excess:
    """Count the time of a business date that is in the night, breaks included: who rests at work is there at night."""
    stretches = [each for each in work.stretches if each.day == day]
    closed = ((each.came.occurred_at, each.left.occurred_at) for each in stretches if each.came and each.left)
    done = sum((_at_night(came, left, work.calendar, terms) for came, left in closed), timedelta())
    planned = timedelta()
    for shift in (each for each in work.shifts if each.day == day):
        mine = work.of(shift)
        if not work.has_passed(shift.ends_at) or any(each.came and not each.left for each in mine[-1:]):
            planned += _at_night(shift.starts_at, shift.ends_at, work.calendar, terms)
    begin, end = work.calendar.begin(day), work.calendar.begin(day + _DAY)
    named = tuple(each for part in parts for each in part.events)
    nothing = timedelta()
    return _Excess(f"{week} {day} night", f"the night of {day}", begin, end, done, max(done, planned), nothing, nothing, named, day)


def _at_night(begin: datetime, end: datetime, calendar: Calendar, terms: MinorWorkPolicy) -> timedelta:
    zone = ZoneInfo(calendar.zone)
    day, last, total = begin.astimezone(zone).date() - _DAY, end.astimezone(zone).date(), timedelta()
    while day <= last:
        falls = datetime.combine(day, time(terms.night_from_hour), zone).astimezone(UTC)
        lifts = datetime.combine(day + _DAY, time(terms.night_until_hour), zone).astimezone(UTC)
        total += max(min(end, lifts) - max(begin, falls), timedelta())
        day += _DAY
    return total


def _finding(work: Work, excess: _Excess, policy: Policy) -> Finding:
    is_over = work.has_passed(excess.end)
    severity: Severity = "high" if excess.expected > excess.bound else "medium"
    allowed = f"at most {hours(excess.limit)}, and {hours(excess.bound)} by agreement" if excess.bound else "no work at night"
    return Finding(
        key=excess.key,
        subject=work.employee,
        window_start=excess.begin,
        window_end=excess.end,
        severity=severity,
        stage="confirmed" if is_over or excess.done > excess.limit else "provisional",
        summary=f"{work.employee}, under age: {hours(excess.expected)} in {excess.what}",
        evidence=Evidence(
            observed=f"{hours(excess.done)} worked and {hours(excess.expected - excess.done)} still published: {hours(excess.expected)}",
            expected=allowed,
            baseline_window=f"{minute(excess.begin)}/{minute(excess.end)}",
            event_ids=events(excess.events),
        ),
        policy_version=policy.version,
        news="" if is_over else severity,
        business_date=excess.day.isoformat() if excess.day else None,
    )
