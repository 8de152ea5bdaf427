"""Duplicate punch: presses of one kind within a minute are one press."""

from tests.processors.attendance_facts import policy, press, said, told
from tests.processors.events import log_of
from tests.processors.oracle import replica_of

LOW = ("raised", "confirmed", "low")


def test_the_same_press_within_a_minute_is_told_once() -> None:
    """At sixty seconds still, later no more."""
    assert said("duplicate_punch", press("in", 60), press("in", 61)) == [LOW]
    assert said("duplicate_punch", press("in", 60), press("in", 61.1)) == []


def test_other_kinds_and_other_people_are_no_duplicates() -> None:
    """In and out within a minute are two presses."""
    assert said("duplicate_punch", press("in", 60), press("out", 60.5), press("in", 60, "ben")) == []


def test_a_chain_of_presses_is_one_group_whatever_order_they_came_in() -> None:
    """The last words name all of it."""
    chain = [press("in", 60 + place * 0.5) for place in range(4)]
    for story in (chain, chain[::-1], [chain[0], chain[3], chain[1], chain[2]]):
        rows = told("duplicate_punch", replica_of(log_of(*story)))
        last = [row for row in rows if row.status in {"raised", "updated"}][-1]
        assert last.evidence.event_ids == tuple(each.id for each in chain)
        assert last.summary == "Pressed 4 times, counted once: ana, in, 2026-03-02T09:00:00+00:00"


def test_the_policy_says_how_near_and_how_many() -> None:
    """Three presses within ten seconds."""
    terms = policy("duplicate_punch", seconds=10, presses=3)
    two = [press("in", 60), press("in", 60.1)]
    assert said("duplicate_punch", terms, *two) == []
    assert said("duplicate_punch", terms, *two, press("in", 60.2)) == [LOW]
    assert said("duplicate_punch", terms, *two, press("in", 60.5)) == []
