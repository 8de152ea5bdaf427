"""Late arrival: the first clock-in to a shift after the grace of the policy in force at its start; and lateness that repeats."""

import pytest

from tests.processors.attendance_facts import DAY, policy, press, said, told
from tests.processors.events import at, corrected, log_of, shift, tick
from tests.processors.oracle import replica_of

SHIFT = shift("s", at(60), at(180))
LOW = ("raised", "confirmed", "low")


@pytest.mark.parametrize(("minute", "expected"), [(58, []), (60, []), (65, []), (66, [LOW]), (90, [("raised", "confirmed", "medium")])])
def test_a_clock_in_after_the_grace_is_late(minute: int, expected: list[tuple[str, str, str]]) -> None:
    """Five minutes of grace without a policy; half an hour is worse."""
    assert said("late_arrival", SHIFT, press("in", minute)) == expected


def test_the_grace_in_force_at_the_shifts_start_decides() -> None:
    """A later version is for later shifts."""
    terms = [policy("late_arrival", grace_minutes=15), policy("late_arrival", since=61, version=2, grace_minutes=0)]
    assert said("late_arrival", *terms, SHIFT, press("in", 70)) == []
    assert said("late_arrival", *terms, shift("s", at(61), at(180)), press("in", 70)) == [LOW]


def test_an_earlier_punch_that_arrives_later_takes_it_back() -> None:
    """The first clock-in counts, whatever order they came in."""
    assert [row[0] for row in said("late_arrival", SHIFT, press("in", 100), press("in", 55))] == ["raised", "retracted"]


def test_coming_back_from_an_errand_is_not_late() -> None:
    """Only the first stretch of a shift can begin late."""
    assert said("late_arrival", SHIFT, press("in", 60), press("out", 80), press("in", 120)) == []


def test_nobody_is_late_for_what_was_announced_afterwards() -> None:
    """A shift that was published after it began has no lateness."""
    assert said("late_arrival", shift("s", at(60), at(180), published=at(61)), press("in", 100)) == []


def test_a_moved_shift_is_judged_at_its_new_start() -> None:
    """The revision in force decides."""
    moved = shift("s", at(90), at(180), revision=2)
    assert [row[0] for row in said("late_arrival", SHIFT, press("in", 85), moved)] == ["raised", "retracted"]


def test_a_shift_handed_on_is_the_other_persons() -> None:
    """Who had it before is told nothing any more."""
    handed = shift("s", at(60), at(180), "ben", revision=2)
    rows = told("late_arrival", replica_of(log_of(SHIFT, press("in", 85), handed, press("in", 75, "ben"))))
    assert [(row.subject, row.status) for row in rows] == [("ana", "raised"), ("ana", "retracted"), ("ben", "raised")]


def test_a_corrected_punch_is_judged_as_it_was() -> None:
    """A punch of somebody else makes nobody late."""
    wrong = press("in", 85)
    fixed = corrected("x", wrong, {"employee_id": "ben"})
    assert [row[0] for row in said("late_arrival", SHIFT, wrong, fixed)] == ["raised", "retracted"]


def test_the_evidence_says_how_late_and_from_what() -> None:
    """Observed, expected, window and events."""
    (row,) = told("late_arrival", replica_of(log_of(SHIFT, press("in", 70))))
    assert (row.subject, row.window_start, row.window_end, row.policy_version) == ("ana", at(60), at(180), 0)
    assert row.evidence.observed == "first clock-in at 2026-03-02T09:10+00:00, 10 minutes after the start"
    assert row.evidence.expected == "a clock-in until 2026-03-02T09:05+00:00"
    assert row.evidence.event_ids == (SHIFT.id, press("in", 70).id)


def test_lateness_that_repeats_within_a_month_is_said_once_more() -> None:
    """Three times by default; a fourth updates it."""
    story = []
    for day in range(4):
        begin = day * DAY + 60
        story += [shift(f"s{day}", at(begin), at(begin + 120)), press("in", begin + 20), press("out", begin + 120), tick(at(begin + 130))]
    assert said("repeated_lateness", *story[:8]) == []
    assert said("repeated_lateness", *story) == [("raised", "confirmed", "medium"), ("updated", "confirmed", "medium")]
