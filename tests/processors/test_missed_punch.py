"""Missed punch: reminded two hours after the end, confirmed after four or after the longest session; and presses that do not alternate."""

from tests.processors.attendance_facts import HOUR, policy, press, said, told
from tests.processors.events import at, log_of, shift, tick
from tests.processors.oracle import replica_of

SHIFT = shift("s", at(60), at(180))


def test_a_missing_clock_out_is_reminded_of_and_then_confirmed() -> None:
    """Two and four hours after the end."""
    story = [SHIFT, press("in", 60)]
    assert said("missed_punch", *story, tick(at(180 + 119))) == []
    assert said("missed_punch", *story, tick(at(180 + 120))) == [("raised", "provisional", "low")]
    assert said("missed_punch", *story, tick(at(180 + 120)), tick(at(180 + 240))) == [
        ("raised", "provisional", "low"),
        ("updated", "confirmed", "medium"),
    ]


def test_without_a_shift_it_is_confirmed_after_the_longest_session() -> None:
    """Sixteen hours."""
    assert said("missed_punch", press("in", 60), tick(at(60 + 16 * HOUR - 1))) == []
    assert said("missed_punch", press("in", 60), tick(at(60 + 16 * HOUR))) == [("raised", "confirmed", "medium")]


def test_the_policy_sets_both_times() -> None:
    """Minutes after the end."""
    story = [policy("missed_punch", remind_minutes=10, confirm_minutes=20), SHIFT, press("in", 60)]
    assert said("missed_punch", *story, tick(at(190)))[-1] == ("raised", "provisional", "low")
    assert said("missed_punch", *story, tick(at(200)))[-1] == ("raised", "confirmed", "medium")


def test_a_clock_out_that_arrives_late_takes_it_back() -> None:
    """It was never missing."""
    assert [row[0] for row in said("missed_punch", SHIFT, press("in", 60), tick(at(500)), press("out", 181))] == ["raised", "retracted"]


def test_a_second_clock_in_while_clocked_in_is_told() -> None:
    """The first is kept; a clock-out between them takes it back; the same press within a minute is none."""
    story = [press("in", 60), press("in", 120)]
    assert said("missed_punch", *story) == [("raised", "confirmed", "medium")]
    assert [row[0] for row in said("missed_punch", *story, press("out", 100))] == ["raised", "retracted"]
    assert said("missed_punch", press("in", 60), press("in", 60.5)) == []


def test_a_clock_out_without_a_clock_in_is_told() -> None:
    """Until the clock-in arrives; a second clock-out within a minute is the same press."""
    assert [row[0] for row in said("missed_punch", press("out", 180), press("in", 60))] == ["raised", "retracted"]
    assert said("missed_punch", press("in", 60), press("out", 180), press("out", 180.5)) == []
    assert len(said("missed_punch", press("in", 60), press("out", 180), press("out", 200))) == 1


def test_a_clock_out_by_the_system_is_told() -> None:
    """A session that was closed for the person is to be looked at before it is paid."""
    (row,) = told("missed_punch", replica_of(log_of(press("in", 60), press("out", 200, auto_reason="daily_limit"))))
    assert (row.status, row.evidence.observed) == ("raised", "clocked out by the system, 2026-03-02T11:20+00:00")


def test_a_night_shift_belongs_to_the_day_of_its_start() -> None:
    """A session over midnight is one session."""
    night = shift("n", at(14 * HOUR), at(22 * HOUR))
    story = [night, press("in", 14 * HOUR), press("out", 22 * HOUR), tick(at(48 * HOUR))]
    assert said("missed_punch", *story) == []
