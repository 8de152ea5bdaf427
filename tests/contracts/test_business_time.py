"""Business date and local hour around cut-offs and clock changes."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.business_time import business_date, in_zone, local_hour_start
from contracts.envelope import Envelope
from tests.contracts.strategies import moments

zones = st.sampled_from(["Asia/Seoul", "Asia/Tokyo", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])


@pytest.mark.parametrize(
    ("local", "cut_off", "expected"),
    [
        ("2026-11-21T03:59:59+09:00", 4, date(2026, 11, 20)),
        ("2026-11-21T04:00:00+09:00", 4, date(2026, 11, 21)),
        ("2026-11-21T00:00:00+09:00", 0, date(2026, 11, 21)),
        ("2026-11-20T14:59:59+00:00", 0, date(2026, 11, 20)),
        ("2026-11-20T15:00:00+00:00", 0, date(2026, 11, 21)),
    ],
)
def test_the_day_begins_at_the_cut_off_of_the_store(local: str, cut_off: int, expected: date) -> None:
    """A sale before the cut-off belongs to the day before, whatever offset the device wrote."""
    assert expected == business_date(datetime.fromisoformat(local), "Asia/Seoul", cut_off)


@pytest.mark.parametrize(
    "utc", ["2026-10-25T00:30:00+00:00", "2026-10-25T01:30:00+00:00", "2026-03-29T00:59:59+00:00", "2026-03-29T01:00:00+00:00"]
)
def test_clock_changes_move_no_sale_to_another_day(utc: str) -> None:
    """Both passes of London's repeated hour, and both sides of its missing hour, stay on their date."""
    moment = datetime.fromisoformat(utc)

    assert moment.date() == business_date(moment, "Europe/London", 0)


@pytest.mark.parametrize(
    ("utc", "expected"), [("2026-10-25T02:59:59+00:00", date(2026, 10, 24)), ("2026-10-25T03:00:00+00:00", date(2026, 10, 25))]
)
def test_the_cut_off_is_wall_clock_time_on_the_day_the_clock_changes(utc: str, expected: date) -> None:
    """With a cut-off at 3 the day after a repeated hour still begins when the wall clock says 3."""
    assert expected == business_date(datetime.fromisoformat(utc), "Europe/London", 3)


def test_the_repeated_hour_is_two_buckets() -> None:
    """01:30 before and after London's clock goes back are an hour apart and so are their buckets."""
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    assert [datetime(2026, 10, 25, 0, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)] == [
        local_hour_start(moment, "Europe/London") for moment in (first, second)
    ]


@given(moments, zones, st.integers(0, 23))
def test_the_business_date_does_not_depend_on_the_offset_the_time_is_written_in(moment: datetime, zone: str, cut_off: int) -> None:
    """The same instant has one business date."""
    assert business_date(moment, zone, cut_off) == business_date(moment.astimezone(UTC), zone, cut_off)


@given(moments, zones, st.integers(0, 22))
def test_a_later_cut_off_never_gives_a_later_date(moment: datetime, zone: str, cut_off: int) -> None:
    """Moving the cut-off on by an hour keeps the date or takes the day before."""
    earlier, later = business_date(moment, zone, cut_off), business_date(moment, zone, cut_off + 1)

    assert earlier - later in (timedelta(0), timedelta(days=1))


@given(moments, zones)
def test_an_event_lies_within_the_hour_it_is_counted_in(moment: datetime, zone: str) -> None:
    """The bucket begins at most an hour before; where an offset moves within the hour, never more than that."""
    start = local_hour_start(moment, zone)

    assert timedelta(0) <= moment - start < timedelta(hours=1)
    assert start == local_hour_start(start, zone)


@given(moments, zones, st.integers(0, 23))
def test_a_time_that_was_taken_has_a_business_date_that_is_taken(moment: datetime, zone: str, cut_off: int) -> None:
    """Whatever the store's zone and cut-off, an event at the edge of what can be kept stays readable when it is placed."""
    placed = {"occurred_at": in_zone(moment, zone), "business_date": business_date(moment, zone, cut_off)}

    read = Envelope(id=UUID(int=1), source="t", type="clock.in.v1", tenant_id="t", store_id="s", **placed)

    assert placed == {"occurred_at": read.occurred_at, "business_date": read.business_date}


@given(
    st.sampled_from(["Asia/Seoul", "Europe/London", "America/St_Johns", "Antarctica/Casey", "Africa/Monrovia", "Australia/Lord_Howe"]),
    st.integers(31_536_000, 5_600_000_000) | st.integers(-90, 90).map(lambda seconds: 986_095_860 + seconds),
)
@example("America/St_Johns", 986_095_859)
@example("America/St_Johns", 986_095_860)
@example("Africa/Monrovia", 63_593_069)
def test_a_moment_in_a_zone_has_the_offset_that_the_zone_had(zone: str, seconds: int) -> None:
    """Also where a clock was changed at a minute past midnight, or by 44 minutes and 30 seconds."""
    moment = datetime.fromtimestamp(seconds, UTC)
    assert in_zone(moment, zone).isoformat() == moment.astimezone(ZoneInfo(zone)).isoformat()
