"""What becomes of a state within a batch: undone whole, and looked at once."""

from processors.key_index import PartitionKeys
from processors.rules.attendance import ATTENDANCE, Attendance, Punch
from processors.rules.rule import Entry
from processors.state import encode
from processors.workspace import StateCache, Workspace

KEY = "S1|attendance|ana"
FIRST, SECOND, THIRD = (Entry(ATTENDANCE, Attendance((Punch(minute, b"x" * 16, True),)), minute, None) for minute in (1, 2, 3))


def test_a_state_that_changed_twice_is_undone_to_what_it_was() -> None:
    """By a run or by an event: not to what it was in between."""
    held = {KEY: encode(ATTENDANCE, FIRST.state, 1, None, "")}
    work = Workspace(held.get, PartitionKeys(), StateCache())
    for in_run in (True, False):
        before = work.read(KEY, ATTENDANCE)
        if in_run:
            assert list(work.change_all([(KEY, before, SECOND), (KEY, SECOND, THIRD)])) == []
        else:
            work.change(KEY, before, SECOND)
            work.change(KEY, SECOND, THIRD)
        assert work.read(KEY, ATTENDANCE) is THIRD
        work.reject()
        assert work.read(KEY, ATTENDANCE).state == FIRST.state
        work.accept()
        assert work.stages() == []


def test_what_was_looked_at_is_due_no_more_though_it_said_nothing_of_its_own() -> None:
    """A state of a rule that is no more is due by the index alone; once it is empty the index must let go of it."""
    held = {KEY: encode(ATTENDANCE, FIRST.state, 1, None, "")}
    keys = PartitionKeys({KEY: 0}, [(0, KEY)])
    work = Workspace(held.get, keys, StateCache())
    assert work.due(10) == [KEY]
    work.change(KEY, work.read(KEY, ATTENDANCE), Entry(ATTENDANCE, None, 7, None))
    work.accept()
    work.settle(True)
    assert (keys.due, keys.take(10)) == ({}, [])
