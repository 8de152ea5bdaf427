"""Buddy punching: two people seconds apart at one time clock, more often than chance would have it."""

from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.codec import build_event
from contracts.envelope import Event
from contracts.events.registry import ALERT_ANSWERED
from processors.fold import Fold
from processors.rules.buddy_punching import BuddyPunching, tail
from processors.rules.punch_pairs import DeviceDay, DevicePress, Meeting, neighbours
from tests.examples import examples
from tests.processors.attendance_facts import DAY, policy, press, said, stands, told
from tests.processors.events import at, corrected, event, identity, log_of, record, tick
from tests.processors.oracle import Replica, replica_of

SECOND = 1 / 60


def at_device(happened: Event[Any], device: str = "clock-1") -> Event[Any]:
    """Say at which device it happened."""
    return build_event(happened.envelope.model_copy(update={"device_id": device}), happened.data.model_dump(exclude_none=True))


def met(day: int, seconds: float, device: str = "clock-1", direction: str = "in", **more: Any) -> list[Event[Any]]:
    """Two people press the clock so many seconds apart on a day."""
    minute = day * DAY + 60
    pair = [press(direction, minute, "ana", **more), press(direction, minute + seconds * SECOND, "ben", **more)]
    return [at_device(each, device) for each in pair]


def _days(gaps: list[float], **more: Any) -> list[Event[Any]]:
    return [each for day, gap in enumerate(gaps) for each in met(day, gap, **more)]


def test_a_pair_that_is_always_together_is_told() -> None:
    """Three times of three within seconds are no accident."""
    assert said("buddy_punching", *_days([4, 5])) == []
    assert said("buddy_punching", *_days([4, 5, 6])) == [("raised", "confirmed", "medium")]


def test_a_pair_that_begins_at_the_same_time_is_not() -> None:
    """Once in a while they meet at the door."""
    gaps = [float(gap) for gap in (200, 4, 340, 90, 610, 55, 700, 8, 150, 420, 30, 510)]
    assert said("buddy_punching", *_days(gaps)) == []


def test_another_clock_another_direction_or_no_clock_is_no_meeting() -> None:
    """Only the same press at the same device."""
    apart = [each for day in range(4) for each in (met(day, 5)[0], at_device(met(day, 5)[1], "clock-2"))]
    assert said("buddy_punching", *apart) == []
    assert said("buddy_punching", *[press("in", day * DAY + gap, who) for day in range(4) for gap, who in ((0, "ana"), (0.1, "ben"))]) == []


def test_the_very_same_evidence_of_the_place_makes_it_grave() -> None:
    """Two phones are never at one distance with one accuracy so often."""
    place = {"verdict": "inside", "distance_m": 13, "accuracy_m": 9, "fence_id": "front"}
    assert said("buddy_punching", *_days([4, 5, 6], location=place)) == [("raised", "confirmed", "high")]


def test_over_midnight_they_are_neighbours_still() -> None:
    """Days are only how presses are kept."""
    midnight = 16 * 60
    story = []
    for day in range(4):
        pair = (press("in", day * DAY + midnight - 3 * SECOND), press("in", day * DAY + midnight + 3 * SECOND, "ben"))
        story += [at_device(each) for each in pair]
    assert len(said("buddy_punching", *story)) >= 1


def test_the_policy_says_how_near_how_often_and_how_sure() -> None:
    """All three can be changed."""
    assert said("buddy_punching", policy("buddy_punching", seconds=3), *_days([4, 5, 6])) == []
    assert said("buddy_punching", policy("buddy_punching", least=4), *_days([4, 5, 6])) == []
    assert said("buddy_punching", policy("buddy_punching", chance="0.00001"), *_days([4, 5, 6])) == []


def test_answers_that_it_was_wrong_quieten_later_periods() -> None:
    """A pair that lives together is asked about once, not every four weeks."""
    early = _days([4, 5, 6])
    (alert,) = told("buddy_punching", replica_of(log_of(*early)))
    answers = [
        event(
            ALERT_ANSWERED,
            f"answer/{number}",
            at(5 * DAY + number),
            {"alert_id": identity(str(number)), "rule": "buddy_punching", "subject": alert.subject, "answer": "false_alarm"},
        )
        for number in range(8)
    ]
    late = [each for day in (28, 29, 30) for each in met(day, 5)]
    assert len(said("buddy_punching", *early, *late)) == 2
    assert len(said("buddy_punching", *early, *answers, *late)) == 1


def test_a_corrected_punch_takes_it_back() -> None:
    """It was another person after all."""
    story = _days([4, 5, 6])
    assert [row[0] for row in said("buddy_punching", *story, corrected("x", story[-1]))] == ["raised", "retracted"]


def test_the_evidence_counts_and_gives_the_probability() -> None:
    """Observed, expected by chance, and every press."""
    story = _days([4, 5, 6, 300])
    row = told("buddy_punching", replica_of(log_of(*story)))[-1]
    assert (row.subject, row.evidence.observed) == ("ana/ben", "3 of 4 times within 10 seconds")
    assert row.evidence.expected == "0.1 times by chance"
    assert set(row.evidence.event_ids) == {each.id for each in story[:6]}
    assert row.evidence.probability is not None
    assert abs(float(row.evidence.probability) - tail(4, 3, 20 / 900)) < 1e-5
    assert (row.window_start.weekday(), row.window_end - row.window_start) == (0, timedelta(days=28) - timedelta(microseconds=1))
    assert all(row.window_start <= each.envelope.occurred_at <= row.window_end for each in story)


def test_neighbours_are_those_within_a_quarter_of_an_hour() -> None:
    """On either side, to the microsecond; a meeting begins with the first of the two, whoever that is."""

    def pressed(at_: int, who: str) -> DevicePress:
        return DevicePress(at_, who.encode(), True, who, True, "")

    quarter = 15 * 60 * 1_000_000
    times = {"before": -quarter, "after": quarter, "too early": -quarter - 1, "too late": quarter + 1}
    day = DeviceDay(tuple(pressed(at_, who) for who, at_ in times.items()))
    assert {row.employee for row in neighbours(day, pressed(0, "ana"))} == {"before", "after"}
    pair = pressed(0, "ana"), pressed(5, "ben")
    assert Meeting(*pair).begin == Meeting(*reversed(pair)).begin == 0
    assert Meeting(*pair).gap == Meeting(*reversed(pair)).gap == 5


def test_every_day_belongs_to_one_period() -> None:
    """Three days in a row are told as one, whenever they begin, but for the two beginnings from which they reach into the next period."""
    stories = [[each for gap in (4, 5, 6) for each in met(first + gap, gap)] for first in range(28)]
    assert [len(said("buddy_punching", *story)) for story in stories].count(1) == 26


def test_chance_is_the_tail_of_the_binomial() -> None:
    """By hand."""
    assert abs(tail(3, 0, 0.1) - 1) < 1e-12
    assert abs(tail(3, 2, 0.1) - (3 * 0.01 * 0.9 + 0.001)) < 1e-12


_CLOCKS = st.lists(st.integers(0, 10 * DAY), min_size=1, max_size=4)


@settings(max_examples=examples(30))
@given(st.lists(st.integers(0, 900), min_size=3, max_size=8), st.randoms(use_true_random=False), st.booleans(), _CLOCKS)
def test_the_order_of_arrival_does_not_matter(gaps: list[int], random: Random, is_wrong: bool, clocks: list[int]) -> None:
    """Shuffled, with a clock in between and a correction, the same is told in the end."""
    world = _days([gap / 20 for gap in gaps])
    world += [corrected("x", world[0])] if is_wrong else []
    shuffled = random.sample(world, len(world))
    for clock, place in zip(sorted(clocks), sorted(random.sample(range(len(world)), len(clocks))), strict=True):
        shuffled.insert(place, tick(at(clock)))
    ends = [stands(replica_of(log_of(*story, tick(at(12 * DAY)))), {"buddy_punching"}) for story in (world, shuffled)]
    assert ends[0] == ends[1]


def test_history_on_a_live_clock_raises_nothing() -> None:
    """What happened last year is known and not told."""
    story = [tick(at(400 * DAY), time="live"), *_days([4, 5, 6])]
    assert stands(replica_of([record(each, offset, recorded_at=at(400 * DAY)) for offset, each in enumerate(story)])) == {}


def test_forgetting_is_complete_and_what_is_kept_is_small() -> None:
    """Two months of a pair that always comes together: 15 kB at most, and nothing in the end."""
    story = []
    for day in range(60):
        story += [*met(day, 5), *met(day, 5, direction="out"), tick(at(day * DAY + 120))]
    replica = Replica(Fold((BuddyPunching(),)))
    replica.apply(log_of(*story))
    assert max(len(value) for key, value in replica.held.items() if "|punch_" in key) < 15_000
    replica.apply([record(tick(at(140 * DAY)), len(story))])
    assert [key for key, (_, body) in replica.states().items() if "|punch_" in key and body] == []
