"""The business days of a store: those of a conversion of each time, however they are worked out."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.business_time import business_date
from processors.rules.on_hand import day_of
from processors.rules.rule import microseconds, moment_of
from processors.rules.trading_days import DAYS_KEPT, Calendar, TradingDays, says_something_new, share_left, usual_hours, with_sale
from tests.processors.events import START, sold


@pytest.mark.parametrize(
    ("zone", "begins"),
    [("Asia/Seoul", datetime(2026, 3, 1, 19, tzinfo=UTC)), ("Africa/Monrovia", datetime(1972, 1, 6, 4, 44, 30, tzinfo=UTC))],
)
def test_a_business_date_begins_at_the_very_second(zone: str, begins: datetime) -> None:
    """Also where clocks were 44 minutes and 30 seconds behind."""
    first = microseconds(begins)
    for at, later in ((first - 1, False), (first, True), (first + 59_999_999, True)):
        day = day_of(business_date(moment_of(at), zone, 4))
        assert Calendar(zone, 4).day_at(at) == day
        assert (day == day_of(begins.date()) + (zone == "Asia/Seoul")) is later


NINE, TEN, ELEVEN = (1 << hour for hour in (9, 10, 11))
_HOUR = 3_600_000_000


def test_usual_are_the_hours_of_half_of_the_latest_days_of_trade() -> None:
    """Of the fourteen before the day in question; what was usual before is not, and that day itself says nothing."""
    rows = [(day, NINE | ELEVEN) for day in range(10)]
    rows += [(10 + number, NINE | (TEN if number < 7 else 0) | (ELEVEN if number < 6 else 0)) for number in range(14)]
    assert usual_hours(TradingDays((*rows, (24, ELEVEN))), 24) == NINE | TEN
    assert usual_hours(TradingDays(tuple(rows)), 10) == NINE | ELEVEN
    assert usual_hours(TradingDays(), 24) == 0


def test_the_share_of_a_day_is_that_of_its_usual_hours() -> None:
    """Parts of hours count as such; a day is never more than one; without usual hours all twenty-four are."""
    day = microseconds(START.replace(hour=0))

    def share(hours: int, first: float, last: float) -> float:
        return share_left(hours, day + int(first * _HOUR), day + int(last * _HOUR))

    assert share(NINE | TEN, 0, 24) == share(NINE | TEN, 9.5, 34) == 1
    assert (share(NINE | TEN, 9.5, 11), share(NINE | TEN, 8, 9.25), share(NINE | TEN, 11, 24)) == (0.75, 0.125, 0)
    assert (share(0, 3, 9), share(0, 23.5, 24)) == (0.25, 0.5 / 24)


def test_each_day_and_hour_is_noted_once() -> None:
    """A sale is news where its hour is not known yet; one from before all days that are kept never is."""
    first, again, later = sold("a", START), sold("b", START + timedelta(minutes=30)), sold("c", START + timedelta(hours=1))
    known = with_sale(TradingDays(), first)
    assert [says_something_new(known, each) for each in (again, later)] == [False, True]
    assert with_sale(known, again) == known
    both = with_sale(known, later)
    assert [mask.bit_count() for _, mask in both.rows] == [2]
    assert not says_something_new(both, later)
    day = both.rows[0][0]
    assert says_something_new(TradingDays(((day - 1, NINE), (day + 1, NINE))), first), "a day in between"
    assert says_something_new(TradingDays(((day + 1, NINE),)), first), "an earlier day, and there is room"
    full = TradingDays(tuple((day + 1 + number, NINE) for number in range(DAYS_KEPT)))
    assert not says_something_new(full, first)
    assert with_sale(full, first) == full
