"""Times put together from a remembered minute are the times that a conversion of each gives."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.edge.local_times import local_minute, minute_and_seconds
from contracts.business_time import business_date, in_zone

ZONES = ["Asia/Seoul", "Europe/London", "America/St_Johns", "Asia/Kathmandu", "Africa/Monrovia", "Australia/Lord_Howe", "UTC"]
moments = st.datetimes(datetime(1972, 1, 2), datetime(2147, 12, 30)).flatmap(  # noqa: DTZ001 - bounds take no zone
    lambda moment: st.integers(-840, 840).map(lambda minutes: moment.replace(tzinfo=timezone(timedelta(minutes=minutes))))
)


def pieced_together(written: str, zone: str, cut_off_hour: int):
    """Return time and business date as the edge makes them; None where it leaves them to others."""
    minute, seconds = minute_and_seconds(written)
    found = local_minute(minute, zone, cut_off_hour)
    return None if found is None else (f"{found.text}{seconds}{found.offset}", found.business_date)


@given(moments, st.sampled_from(ZONES), st.integers(0, 23), st.integers(0, 6))
def test_a_time_is_the_one_that_a_conversion_of_it_gives(moment, zone, cut_off_hour, digits):
    """In any zone, at any offset, with any number of digits of a second; clocks of before 1982 may be left to others."""
    moment = moment.replace(microsecond=moment.microsecond // 10 ** (6 - digits) * 10 ** (6 - digits))
    offset = moment.isoformat()[-6:]
    fraction = f".{moment.microsecond:06d}"[: digits + 1] if digits else ""
    written = f"{moment.replace(tzinfo=None, microsecond=0).isoformat()}{fraction}{offset}"

    found = pieced_together(written, zone, cut_off_hour)

    assert found in ((in_zone(moment, zone).isoformat(), business_date(moment, zone, cut_off_hour)), None if moment.year < 1983 else ())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-03-02T10:00:07Z", "2026-03-02T19:00:07+09:00"),
        ("2026-03-02T10:00:07.5Z", "2026-03-02T19:00:07.500000+09:00"),
        ("2026-03-02T10:00:07.000Z", "2026-03-02T19:00:07+09:00"),
        ("2026-03-02T10:00:00.000001-05:30", "2026-03-03T00:30:00.000001+09:00"),
    ],
)
def test_seconds_are_written_as_everywhere(written, expected):
    """Six digits of a fraction, or none."""
    found = pieced_together(written, "Asia/Seoul", 4)
    assert found is not None
    assert found[0] == expected


def test_clocks_that_ran_on_odd_seconds_are_left_to_others():
    """Until 1972 Liberia was 44 minutes and 30 seconds behind."""
    assert pieced_together("1972-01-05T10:00:00Z", "Africa/Monrovia", 4) is None
