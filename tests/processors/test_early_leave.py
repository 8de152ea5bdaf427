"""Early leave: the last clock-out before the end, once the person has had time to come back."""

from contracts.events.registry import CLOCKED_OUT
from tests.processors.attendance_facts import policy, press, said, told
from tests.processors.events import at, log_of, shift, tick
from tests.processors.oracle import replica_of

SHIFT = shift("s", at(60), at(300))
START = [SHIFT, press("in", 60)]


def test_it_is_told_an_hour_after_leaving_and_confirmed_at_the_end() -> None:
    """Until then the person may come back."""
    story = [*START, press("out", 200)]
    assert said("early_leave", *story, tick(at(259))) == []
    assert said("early_leave", *story, tick(at(260))) == [("raised", "provisional", "medium")]
    assert said("early_leave", *story, tick(at(260)), tick(at(300))) == [
        ("raised", "provisional", "medium"),
        ("updated", "confirmed", "medium"),
    ]


def test_within_the_grace_it_is_in_time() -> None:
    """Five minutes without a policy, more with one."""
    assert said("early_leave", *START, press("out", 295), tick(at(400))) == []
    assert said("early_leave", *START, press("out", 294), tick(at(400))) == [("raised", "confirmed", "low")]
    assert said("early_leave", policy("early_leave", grace_minutes=10), *START, press("out", 294), tick(at(400))) == []


def test_who_comes_back_has_not_left() -> None:
    """Lunch outside is no leaving, and a return that is heard of late takes the alert back."""
    story = [*START, press("out", 150), press("in", 200), press("out", 301), tick(at(400))]
    assert said("early_leave", *story) == []
    late = [*START, press("out", 150), tick(at(250)), press("in", 200)]
    assert [row[0] for row in said("early_leave", *late)] == ["raised", "retracted"]


def test_what_the_system_pressed_is_no_leaving() -> None:
    """The missed punch says that."""
    story = [*START, press("out", 200, auto_reason="geofence_exit"), tick(at(400))]
    assert said("early_leave", *story) == []
    assert story[2].type == CLOCKED_OUT


def test_the_evidence_says_how_early() -> None:
    """Observed, expected and events."""
    (row,) = told("early_leave", replica_of(log_of(*START, press("out", 280), tick(at(400)))))
    assert row.evidence.observed == "last clock-out at 2026-03-02T12:40+00:00, 20 minutes before the end"
    assert row.evidence.expected == "a clock-out from 2026-03-02T12:55+00:00 on"
    assert row.evidence.event_ids == (SHIFT.id, press("out", 280).id)
