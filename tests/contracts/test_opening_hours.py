"""Opening hours as moments: past midnight, twice a day, through a change of the clocks, and only as times that are written as such."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.events.reference import OpeningHours
from contracts.opening_hours import stretches, trades_on


def hours(weekday: str, opens: Any, closes: Any) -> OpeningHours:
    """Read one stretch."""
    return OpeningHours.model_validate({"weekday": weekday, "opens": opens, "closes": closes})


FRIDAYS = (hours("friday", "10:00", "14:00"), hours("friday", "17:30:00", "02:00:00"))
FRIDAY = date(2026, 11, 27)


def test_a_stretch_that_does_not_close_later_closes_on_the_next_day() -> None:
    """It belongs to the business date on which it opens."""
    assert list(stretches(FRIDAYS, "Asia/Seoul", FRIDAY)) == [
        (datetime(2026, 11, 27, 1, tzinfo=UTC), datetime(2026, 11, 27, 5, tzinfo=UTC)),
        (datetime(2026, 11, 27, 8, 30, tzinfo=UTC), datetime(2026, 11, 27, 17, tzinfo=UTC)),
    ]
    whole = list(stretches([hours("friday", "04:00", "04:00")], "UTC", FRIDAY))
    assert whole == [(datetime(2026, 11, 27, 4, tzinfo=UTC), datetime(2026, 11, 28, 4, tzinfo=UTC))]


def test_the_clock_on_the_wall_decides_in_the_night_in_which_it_changes() -> None:
    """From 22 to 6 hours are seven hours or nine in London."""
    nights = [hours("saturday", "22:00", "06:00")]
    lengths = [
        (end - begin).total_seconds() / 3600 for day in (28, 29) for begin, end in stretches(nights, "Europe/London", date(2026, 3, day))
    ]
    assert lengths == [7.0]
    ((begin, end),) = stretches(nights, "Europe/London", date(2026, 10, 24))
    assert (end - begin).total_seconds() / 3600 == 9.0


def test_a_weekday_without_hours_is_one_of_rest() -> None:
    """It has no stretch either."""
    assert trades_on(FRIDAYS, FRIDAY)
    assert not trades_on(FRIDAYS, date(2026, 11, 28))
    assert list(stretches(FRIDAYS, "UTC", date(2026, 11, 28))) == []


@pytest.mark.parametrize("wrong", [660, 39600, "660", "11:00+09:00", "24:00", "9:00", "11:00:00.5", None])
def test_hours_are_written_as_local_times(wrong: Any) -> None:
    """In YAML `11:00` without quotes is the number 660, which as seconds would be eleven minutes past midnight."""
    with pytest.raises(ValidationError, match="a local time in quotes"):
        hours("friday", wrong, "20:00")
