"""The business days of a store: those of a conversion of each time, however they are worked out."""

from datetime import UTC, datetime

import pytest

from contracts.business_time import business_date
from processors.rules.on_hand import day_of
from processors.rules.rule import microseconds, moment_of
from processors.rules.trading_days import Calendar


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
