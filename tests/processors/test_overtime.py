"""Overtime: hours worked and still published of an ISO week, warned of before the shift that crosses the limit begins."""

from datetime import date, timedelta
from typing import Any

import pytest

from contracts.envelope import Event
from processors.rules.overtime import premium
from tests.processors.attendance_facts import DAY, HOUR, person, policy, press, said, store, told
from tests.processors.events import at, corrected, log_of, shift, tick
from tests.processors.oracle import replica_of

MONDAY = DAY
"""Minutes to a Tuesday 17:00 in Seoul: far from any border of the week."""


def _days(count: int, length: float, first: int = 0, employee: str = "ana") -> list[Event[Any]]:
    """Publish shifts on days that follow each other, all at the begin of the story."""
    return [
        shift(f"s{day}", at(MONDAY + day * DAY), at(MONDAY + day * DAY + length), employee, published=at(0))
        for day in range(first, first + count)
    ]


def _worked(day: int, length: float) -> list[Event[Any]]:
    """Come to a shift, take an hour off, and leave."""
    begin = MONDAY + day * DAY
    return [press("in", begin), press("break", begin + 200), press("back", begin + 260), press("out", begin + length)]


def test_a_published_week_is_warned_of_before_it_is_worked() -> None:
    """Five days of nine hours with their hours of break are forty; of ten hours forty-five; of eleven fifty; of twelve fifty-five."""
    assert said("overtime", store(), *_days(5, 9 * HOUR), tick(at(1))) == []
    assert said("overtime", store(), *_days(5, 10 * HOUR), tick(at(1)))[-1] == ("raised", "provisional", "low")
    assert said("overtime", store(), *_days(5, 11 * HOUR), tick(at(1)))[-1] == ("raised", "provisional", "medium")
    assert said("overtime", store(), *_days(5, 12 * HOUR), tick(at(1)))[-1][2] == "high"


def test_it_names_the_shift_that_crosses_the_limit() -> None:
    """The fifth day is the one to change."""
    rows = told("overtime", replica_of(log_of(store(), *_days(5, 10 * HOUR))))
    assert rows[-1].summary == "ana reaches 44 h in 2026-W10 with s4 of 2026-03-07T08:00+00:00"
    assert rows[-1].evidence.observed == "0:00 h worked and 45:00 h still published: 45:00 h; 5:00 h of it at a premium of 50 %"
    assert rows[-1].evidence.expected == "at most 52 h in the week: 40 h and 12 h of overtime"


def test_three_days_of_fifteen_hours_are_within_the_weekly_limit() -> None:
    """The limit is on the weekly total; the premium is due for each hour over eight."""
    hours = [(date(2026, 3, day), timedelta(hours=15)) for day in (2, 4, 6)]
    assert premium(hours, timedelta(hours=8), timedelta(hours=40)) == timedelta(hours=21)
    rows = told("overtime", replica_of(log_of(store(), *_days(3, 16 * HOUR))))
    assert (rows[-1].severity, rows[-1].evidence.observed.split("; ")[1]) == ("low", "21:00 h of it at a premium of 50 %")


@pytest.mark.parametrize(
    ("lengths", "expected"), [([8] * 5, 0), ([8] * 6, 8), ([10] * 4, 8), ([10] * 5, 10), ([4] * 7, 0), ([12, 8, 8, 8, 8], 4)]
)
def test_an_hour_at_premium_counts_once(lengths: list[int], expected: int) -> None:
    """Beyond the day's or beyond the week's, not both."""
    hours = [(date(2026, 3, 2 + place), timedelta(hours=length)) for place, length in enumerate(lengths)]
    assert premium(hours, timedelta(hours=8), timedelta(hours=40)) == timedelta(hours=expected)


def test_a_cancelled_shift_takes_the_warning_back() -> None:
    """The roster was changed in time."""
    days = _days(5, 10 * HOUR)
    cancelled = shift("s4", at(MONDAY + 4 * DAY), at(MONDAY + 4 * DAY + 600), revision=2, status="cancelled")
    assert [row[0] for row in said("overtime", store(), *days, cancelled)] == ["raised", "retracted"]


def test_a_shift_to_which_nobody_came_takes_the_warning_back() -> None:
    """It stood for hours that were not worked."""
    worked = [each for day in range(4) for each in _worked(day, 10 * HOUR)]
    rows = said("overtime", store(), *_days(5, 10 * HOUR), *worked, tick(at(MONDAY + 4 * DAY + 600)))
    assert [row[0] for row in rows] == ["raised", "retracted"]


def test_hours_that_were_worked_confirm_it_and_the_end_of_the_week_gives_the_figure() -> None:
    """After Sunday nothing is expected any more."""
    worked = [each for day in range(5) for each in _worked(day, 10 * HOUR)]
    rows = told("overtime", replica_of(log_of(store(), *_days(5, 10 * HOUR), *worked, tick(at(9 * DAY)))))
    assert [row.status for row in rows] == ["raised", "updated", "updated"]
    assert [row.stage for row in rows] == ["provisional", "confirmed", "confirmed"]
    assert rows[-1].evidence.observed.startswith("45:00 h worked and 0:00 h still published")


def test_a_punch_that_was_wrong_changes_the_hours() -> None:
    """A correction gives what would have been without it."""
    worked = [each for day in range(5) for each in _worked(day, 10 * HOUR)]
    gone = corrected("x", worked[0])
    rows = said("overtime", store(), *worked, gone, tick(at(9 * DAY)))
    assert [row[0] for row in rows] == ["raised", "retracted"]


def test_a_week_is_that_of_the_stores_zone() -> None:
    """Monday 00:00 in Seoul is Sunday 15:00 UTC; with a cut-off of four hours the night still belongs to Sunday."""
    late_sunday = 6 * DAY + 6.5 * HOUR
    night = shift("night", at(late_sunday + 30), at(late_sunday + 10 * HOUR + 30))
    four = _days(4, 10 * HOUR)
    assert said("overtime", store(), *four, night) == []
    assert len(said("overtime", store(cut_off=4), *four, night)) == 1


def test_people_under_age_are_due_a_premium_from_fewer_hours() -> None:
    """Beyond seven hours a day and 35 a week; in the week of their birthday and where no terms of minors hold, as everybody."""
    days, germany = _days(5, 10 * HOUR), policy("overtime")
    for known, premium_hours in ((person(), "10:00"), (person(date(2026, 3, 5)), "5:00"), (person(None), "5:00")):
        rows = told("overtime", replica_of(log_of(store(), known, *days)))
        assert rows[-1].evidence.observed.split("; ")[1] == f"{premium_hours} h of it at a premium of 50 %"
    rows = told("overtime", replica_of(log_of(store("DE"), germany, person(), *days)))
    assert rows[-1].evidence.observed.split("; ")[1].startswith("10:00 h")


def test_small_stores_are_exempt() -> None:
    """Fewer than five people: no limit and no premium; of an unknown number the law holds."""
    days = _days(5, 12 * HOUR)
    assert said("overtime", store(heads=4), *days) == []
    assert said("overtime", store(heads=5), *days) != []
    assert said("overtime", store(heads=None), *days) != []


def test_elsewhere_only_a_policy_sets_limits() -> None:
    """A chain of another country says what its law is."""
    days = _days(5, 9 * HOUR)
    terms = policy("overtime", weekly_hours=35, extra_hours=13, warn_hours=[40], daily_hours=7)
    assert said("overtime", store("FR"), *days) == []
    assert said("overtime", store("FR"), terms, *days) == [("raised", "provisional", "low")]


def test_a_punch_of_the_day_before_yesterday_still_counts_for_this_week() -> None:
    """A week that goes on is no history."""
    worked = [each for day in range(4) for each in _worked(day, 12 * HOUR)]
    late, known = worked[:4], worked[4:]
    story = [store(), *_days(1, 9 * HOUR, first=4), *known, tick(at(MONDAY + 4 * DAY)), *late]
    assert [row[0] for row in said("overtime", *story)][:1] == ["raised"]
