"""A pace is that of a stretch alone: what was done before it, after it, or in one partition only, is not in it."""

from tests.benchmarks.rivals.pacing import Pace, Point, Stretch, pace, speed

SOLD, RUSHED = Stretch({0: 10, 1: 10}, {0: 110, 1: 110}), Stretch({0: 110, 1: 110}, {0: 210, 1: 210})
POINTS = [
    Point(0.0, 0.0, {0: 10}),
    Point(1.0, 0.5, {0: 60, 1: 10}),  # the second partition is not yet within
    Point(2.0, 1.0, {0: 60, 1: 20}),
    Point(3.0, 1.4, {0: 60, 1: 20}),  # nothing new
    Point(4.0, 2.0, {0: 110, 1: 100}),
    Point(5.0, 2.5, {0: 160, 1: 100}),  # the first is past it
    Point(6.0, 3.0, {0: 160, 1: 130}),
    Point(8.0, 4.0, {0: 200, 1: 210}),
]


def test_a_pace_is_of_the_commits_within_a_stretch() -> None:
    """From the first that leaves every partition within it to the last, by the clock and by core seconds."""
    assert pace(POINTS, SOLD) == Pace(130 / 2, 130 / 1)
    assert pace(POINTS, RUSHED) == Pace(120 / 2, 120 / 1)
    assert speed(POINTS, SOLD, RUSHED, 4) is not None
    assert str(speed(POINTS, SOLD, RUSHED, 4)).startswith("260 lines/s, 520 a core second (")


def test_who_did_not_come_to_a_stretch_has_no_pace_there() -> None:
    """Nor who was seen there once only; without a pace on the day there is nothing to say."""
    assert pace(POINTS[:4], SOLD) is None
    assert speed(POINTS[:4], SOLD, RUSHED, 4) is None
    slow = speed(POINTS[:6], SOLD, RUSHED, 4)
    assert slow is not None
    assert slow.rush is None
