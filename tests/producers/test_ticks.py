"""Ticks in event time: every boundary once, before the first fact behind it, the same ids again."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from producers.ticks import SimulatedTicks, floor_to, tick_events

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 2, tzinfo=UTC)
MINUTES = st.lists(st.integers(0, 3000), min_size=1, max_size=40)


@given(MINUTES)
def test_the_clock_has_passed_every_boundary_before_a_fact(minutes: list[int]) -> None:
    """Whatever order facts come in, the highest tick sent is the last boundary not after the latest fact."""
    ticks = SimulatedTicks("s", HOUR, 2)
    clock: list[datetime] = []
    latest = START
    for offset in minutes:
        at = START + timedelta(minutes=offset)
        latest = max(latest, at)
        clock += [event.data.at for event in ticks.before(at) if event.data.partition == 0]
        assert clock[-1] == floor_to(latest, HOUR)

    assert clock == sorted(set(clock))
    assert all(later - earlier == HOUR for earlier, later in pairwise(clock))


def test_the_last_ticks_pass_the_end_of_the_day_and_one_interval_more() -> None:
    """What waits for the end of a shift or a day must see it."""
    ticks = SimulatedTicks("s", HOUR, 1)
    list(ticks.before(START + timedelta(hours=8, minutes=5)))

    closing = [event.data.at for event in ticks.closing(START + timedelta(days=1))]

    assert closing[0] == START + timedelta(hours=9)
    assert closing[-1] == START + timedelta(days=1, hours=1)
    assert [event.data.at for event in ticks.closing(START)] == [START + timedelta(days=1, hours=2)]


def test_a_repeat_derives_the_same_ids_and_partitions_differ() -> None:
    """Ticks sent by two senders, or by a load run again, are the same events."""
    first, again = (tick_events("ticker", START, 3, "live") for _ in range(2))

    assert [event.id for event in first] == [event.id for event in again]
    assert len({event.id for event in first}) == 3
    assert [event.data.partition for event in first] == [0, 1, 2]


def test_no_fact_no_tick() -> None:
    """An empty file moves no clock."""
    assert list(SimulatedTicks("s", HOUR, 1).closing(START)) == []
