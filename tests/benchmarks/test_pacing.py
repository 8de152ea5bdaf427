"""A pace is that of the commits alone: not of the time before the first, nor of that until the last."""

from tests.benchmarks.rivals.pacing import Pace, Point, Speed, figures, pace

POINTS = [Point(0, 0, 10), Point(2, 1, 10), Point(3, 1.5, 30), Point(4, 2, 30), Point(5, 2.5, 90), Point(8, 3, 95), Point(9, 4, 95)]


def test_a_pace_is_from_the_first_commit_to_the_last_but_one() -> None:
    """By the clock and by core seconds, with so many units a record; the last one came when there was nothing left to do."""
    assert pace(POINTS) == Pace(60 / 2, 60 / 1)
    assert pace(POINTS, 4) == Pace(240 / 2, 240 / 1)
    assert str(Speed(Pace(1_200, 2_400), None)).startswith("1,200 lines/s, 2,400 a core second (")


def test_who_did_not_commit_three_times_has_no_pace() -> None:
    """Two commits say nothing of how long it took, for the second one may have waited for its interval."""
    assert pace(POINTS[:5]) is None
    assert pace(()) is None


def _speeds(*by_clock: float) -> list[Speed]:
    return [Speed(Pace(each, each * 2), None) for each in by_clock]


def test_turns_are_compared_one_by_one_and_told_by_the_middle_the_worst_and_the_best() -> None:
    """The machine's speed changes between turns, not within one; who had another number of turns is compared with the middle one."""
    told = [(each.metric, each.value, each.ratio) for each in figures("theirs", _speeds(50, 20, 40), _speeds(100, 100, 50))]
    day = "theirs, a tick per three receipts of a store"
    assert told == [(day, 40, 0.5), (day, 80, 0.5), (f"{day}: the worst of 3 turns", 20, None), (f"{day}: the best of 3 turns", 50, None)]
    once = figures("theirs", _speeds(50), _speeds(100, 200, 25))
    assert [(each.value, each.ratio) for each in once] == [(50, 0.5), (100, 0.5)]
    assert [each.ratio for each in figures("ours", _speeds(50))] == [None, None]
