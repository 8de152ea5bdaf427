"""A pace is that of the commits alone: not of the time before the first, nor of that after the last."""

from tests.benchmarks.rivals.pacing import Pace, Point, Speed, pace

POINTS = [Point(0, 0, 10), Point(2, 1, 10), Point(3, 1.5, 30), Point(4, 2, 30), Point(5, 2.5, 90), Point(9, 4, 90)]


def test_a_pace_is_from_the_first_commit_to_the_last() -> None:
    """By the clock and by core seconds, with so many units a record."""
    assert pace(POINTS) == Pace(60 / 2, 60 / 1)
    assert pace(POINTS, 4) == Pace(240 / 2, 240 / 1)
    assert str(Speed(Pace(1_200, 2_400), None)).startswith("1,200 lines/s, 2,400 a core second (")


def test_who_did_not_commit_twice_has_no_pace() -> None:
    """One commit says nothing of how long it took."""
    assert pace(POINTS[:4]) is None
    assert pace(()) is None
