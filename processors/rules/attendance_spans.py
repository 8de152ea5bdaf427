"""Which presses and shifts of a person can have to do with each other: spans of time that are judged each by itself.

A press reaches as far as the longest session, a shift as far as a punch may be from it. What does not overlap cannot
change the other, so an event leads to new judgement of its own span and of the weeks that it lies in, not of all that is kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from contracts.business_time import business_date
from contracts.events.reference import StoreDefined
from contracts.pairing import AFTER_SHIFT, BEFORE_SHIFT, LONGEST_SESSION
from processors.rules.attendance import Attendance
from processors.rules.rule import microseconds, moment_of

_WEEK = timedelta(days=7)
_MICROSECOND = timedelta(microseconds=1)
_REACH, _BEFORE, _AFTER = (part // _MICROSECOND for part in (LONGEST_SESSION, BEFORE_SHIFT, AFTER_SHIFT))


@lru_cache(maxsize=512)
def _is_zone(name: str) -> bool:
    """Tell whether a zone exists: a misspelt one must not make every punch of its store a dead letter."""
    try:
        ZoneInfo(name)
    except (LookupError, ValueError):
        return False
    return True


class Span(NamedTuple):
    """From when to when, Unix microseconds, both included."""

    first: int
    last: int

    def overlaps(self, other: "Span") -> bool:
        """Return whether they share a moment."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days and ISO weeks of a store, by its zone and cut-off."""

    zone: str = "UTC"
    cut_off_hour: int = 0

    @classmethod
    def of(cls, store: StoreDefined | None) -> "Calendar":
        """Return the calendar of a store's settings; UTC where they, or their zone, are not known."""
        return cls() if store is None or not _is_zone(store.timezone) else cls(store.timezone, store.cut_off_hour)

    def day(self, moment: datetime) -> date:
        """Return the business date of a moment."""
        return business_date(moment, self.zone, self.cut_off_hour)

    def monday(self, moment: datetime) -> date:
        """Return the first day of the ISO week that a moment belongs to."""
        day = self.day(moment)
        return day - timedelta(days=day.weekday())

    def begin(self, day: date) -> datetime:
        """Return when a business date begins, UTC."""
        return datetime.combine(day, time(self.cut_off_hour), ZoneInfo(self.zone)).astimezone(UTC)

    def week(self, monday: date) -> Span:
        """Return the span of a week."""
        return Span(microseconds(self.begin(monday)), microseconds(self.begin(monday + _WEEK)) - 1)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be judged again: whole spans, and the weeks (by their Mondays) that all of their time is known of."""

    spans: tuple[Span, ...]
    mondays: tuple[date, ...]

    def covers(self, moment: int) -> bool:
        """Return whether a moment is in one of the spans."""
        return any(span.first <= moment <= span.last for span in self.spans)


def spans_of(attendance: Attendance) -> list[Span]:
    """Return the spans that a person's presses and shifts make, in order; they do not overlap."""
    edges = [(row.at, row.at + _REACH) for row in attendance.punches]
    edges += [(row.starts_at - _BEFORE, row.ends_at + _AFTER) for row in attendance.rostered]
    edges.sort()
    spans: list[Span] = []
    for first, last in edges:
        if spans and first <= spans[-1].last:
            if last > spans[-1].last:
                spans[-1] = Span(spans[-1].first, last)
        else:
            spans.append(Span(first, last))
    return spans


def scope_around(attendance: Attendance, moments: Iterable[Span], calendar: Calendar) -> Scope:
    """Return what may have changed where something happened at these times."""
    times = tuple(moments)
    spans = spans_of(attendance)
    concerned = [span for span in spans if any(span.overlaps(time) for time in times)]
    mondays = sorted({monday for span in (*concerned, *times) for monday in _mondays(span, calendar)})
    weeks = [calendar.week(monday) for monday in mondays]
    wide = tuple(span for span in spans if any(span.overlaps(week) for week in weeks))
    return Scope(wide, tuple(mondays))


def _mondays(span: Span, calendar: Calendar) -> list[date]:
    monday, last = calendar.monday(moment_of(span.first)), calendar.monday(moment_of(span.last))
    found = [monday]
    while found[-1] < last:
        found.append(found[-1] + _WEEK)
    return found
