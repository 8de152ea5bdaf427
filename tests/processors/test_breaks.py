"""Breaks: half an hour in four hours of work and an hour in eight, within the work; labour law as policy data."""

from datetime import timedelta

import pytest

from contracts.policies.breaks import BreaksPolicy
from processors.rules.labour_law import required_break, shortest_break
from tests.processors.attendance_facts import DAY, HOUR, policy, press, presses, said, store, told
from tests.processors.events import at, log_of, shift, tick
from tests.processors.oracle import replica_of

KOREA = BreaksPolicy()


@pytest.mark.parametrize(("worked", "due"), [(239, 0), (240, 30), (479, 30), (480, 60), (720, 60)])
def test_the_law_asks_for_breaks_by_the_work_done(worked: int, due: int) -> None:
    """Labour Standards Act of Korea, article 54."""
    assert required_break(KOREA, timedelta(minutes=worked)) == timedelta(minutes=due)


@pytest.mark.parametrize(("present", "due"), [(239, 0), (240, 30), (270, 30), (480, 30), (509, 30), (510, 60), (540, 60)])
def test_the_shortest_lawful_break_of_a_presence(present: int, due: int) -> None:
    """What is a break is not work, so nine hours of presence with one of break are eight of work."""
    assert shortest_break(KOREA, timedelta(minutes=present)) == timedelta(minutes=due)


def test_a_day_without_a_break_is_grave_and_one_too_short_is_less_so() -> None:
    """Said when the person has left."""
    assert said("breaks", store(), *presses(**{"in": 0, "out": 5 * HOUR})) == [("raised", "confirmed", "high")]
    short = presses(**{"in": 0, "break": 100, "back": 120, "out": 5 * HOUR})
    assert said("breaks", store(), *short) == [("raised", "confirmed", "medium")]


def test_enough_break_is_nothing_to_say() -> None:
    """Pressed as a break, or spent outside between two stretches of one shift."""
    assert said("breaks", store(), *presses(**{"in": 0, "break": 100, "back": 130, "out": 5 * HOUR})) == []
    assert said("breaks", store(), *presses(**{"in": 0, "break": 100, "back": 120, "out": 255})) == [], "less than four hours of work"
    outside = [press("in", 0), press("out", 200), press("in", 260), press("out", 9 * HOUR)]
    assert said("breaks", store(), shift("s", at(0), at(9 * HOUR), published=at(-60)), *outside, tick(at(10 * HOUR))) == []


def test_a_break_after_the_work_is_none() -> None:
    """And one that nobody ended proves nothing."""
    assert len(said("breaks", store(), *presses(**{"in": 0, "out": 5 * HOUR, "break": 301, "back": 360}))) == 1
    assert len(said("breaks", store(), *presses(**{"in": 0, "break": 200, "out": 5 * HOUR}))) == 1


def test_a_break_that_arrives_late_takes_it_back() -> None:
    """The break had been taken."""
    story = presses(**{"in": 0, "out": 5 * HOUR, "break": 100, "back": 130})
    assert [row[0] for row in said("breaks", store(), *story)] == ["raised", "updated", "retracted"]


def test_there_is_a_warning_while_the_break_still_fits() -> None:
    """Half an hour before the last moment at which it could begin; who is in a break is not warned."""
    start = [store(), shift("s", at(0), at(5 * HOUR), published=at(-60)), press("in", 0)]
    assert said("breaks", *start, tick(at(239))) == []
    assert said("breaks", *start, tick(at(240))) == [("raised", "provisional", "medium")]
    assert said("breaks", *start, press("break", 238), tick(at(240))) == []
    assert said("breaks", *start, press("break", 100), press("back", 130), tick(at(299))) == [], "it was long enough"
    rested = [*start, tick(at(240)), press("break", 245), press("back", 275), press("out", 300)]
    assert [row[0] for row in said("breaks", *rested)] == ["raised", "retracted"]


def test_elsewhere_only_a_policy_sets_breaks() -> None:
    """Korean law is built in for stores in Korea; an unknown store is in no country."""
    day = presses(**{"in": 0, "out": 5 * HOUR})
    assert said("breaks", *day) == said("breaks", store("JP"), *day) == []
    terms = policy("breaks", steps=[{"worked_minutes": 270, "break_minutes": 45}])
    assert len(said("breaks", store("JP"), terms, *day)) == 1


def test_the_hour_that_the_clocks_skip_is_not_worked() -> None:
    """From midnight to five on the night on which Berlin goes forward are four hours; on the night after they are five."""
    terms = policy("breaks", steps=[{"worked_minutes": 270, "break_minutes": 30}])
    begin = 26 * DAY + 15 * HOUR
    assert said("breaks", store("DE", zone="Europe/Berlin"), terms, *presses(**{"in": begin, "out": begin + 4 * HOUR})) == []
    night = begin + 23 * HOUR
    assert len(said("breaks", store("DE", zone="Europe/Berlin"), terms, *presses(**{"in": night, "out": night + 5 * HOUR}))) == 1


def test_a_store_with_a_zone_that_does_not_exist_is_judged_in_utc() -> None:
    """A misspelt setting loses no punch."""
    assert len(said("breaks", store(zone="Asia/Seol"), *presses(**{"in": 0, "out": 5 * HOUR}))) == 1


def test_small_stores_owe_breaks_too() -> None:
    """The exemption of stores with fewer than five people is for hours, not for breaks."""
    assert len(said("breaks", store(heads=3), *presses(**{"in": 0, "out": 5 * HOUR}))) == 1


def test_a_missing_punch_is_not_a_missing_break() -> None:
    """What is not known cannot be judged."""
    assert said("breaks", store(), press("out", 5 * HOUR)) == []


def test_the_evidence_says_what_was_and_what_is_due() -> None:
    """Minutes, and every press."""
    story = presses(**{"in": 0, "break": 100, "back": 120, "out": 5 * HOUR})
    (row,) = told("breaks", replica_of(log_of(store(), *story)))
    assert (row.evidence.observed, row.evidence.expected) == ("20 minutes of break in 5:00 h", "at least 30 minutes")
    assert set(row.evidence.event_ids) == {each.id for each in story}
