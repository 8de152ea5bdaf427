"""Minor work: hours of people under age beyond their day or week, or at night, told before they are worked."""

from datetime import date
from typing import Any

import pytest

from contracts.envelope import Event
from tests.processors.attendance_facts import DAY, HOUR, person, policy, press, said, stands, store, told
from tests.processors.events import at, log_of, shift, tick
from tests.processors.oracle import replica_of

TUESDAY = DAY
"""Minutes to 17:00 of a Tuesday in Seoul."""
MORNING = TUESDAY - 8 * HOUR
"""To 09:00 of it."""


def _days(count: int, length: float, begin: float = MORNING) -> list[Event[Any]]:
    return [shift(f"s{day}", at(begin + day * DAY), at(begin + day * DAY + length), published=at(-DAY)) for day in range(count)]


def _said(*story: Event[Any]) -> list[tuple[str, str, str]]:
    return said("minor_work", store(), *story)


def test_a_day_beyond_seven_hours_is_told_before_it_is_worked() -> None:
    """Eight hours with half an hour of break are seven and a half: by agreement; ten with an hour of break are nine: never."""
    assert _said(person(), *_days(1, 7.5 * HOUR)) == []
    assert _said(person(), *_days(1, 8 * HOUR)) == [("raised", "provisional", "medium")]
    assert _said(person(), *_days(1, 10 * HOUR)) == [("raised", "provisional", "high")]


def test_a_week_beyond_thirty_five_hours_is_told() -> None:
    """Six days of six and a half hours are 39, with an agreement lawful; of seven and a half 42, never."""
    rows = told("minor_work", replica_of(log_of(store(), person(), *_days(6, 7 * HOUR, MORNING))))
    assert rows[-1].summary == "ana, under age: 39:00 h in 2026-W10"
    assert (rows[-1].severity, rows[-1].evidence.expected) == ("medium", "at most 35:00 h, and 40:00 h by agreement")
    assert _said(person(), *_days(5, 7.5 * HOUR)) == []
    assert _said(person(), *_days(6, 7.5 * HOUR))[-1] == ("raised", "provisional", "high")


def test_work_at_night_is_told_unless_it_is_permitted() -> None:
    """Until 23:00 of the store's clock is an hour of night; so is an early morning from 05:00."""
    evening = shift("e", at(TUESDAY), at(TUESDAY + 6 * HOUR), published=at(-DAY))
    early = shift("m", at(MORNING - 4 * HOUR), at(MORNING), published=at(-DAY))
    rows = told("minor_work", replica_of(log_of(store(), person(), evening)))
    assert [(row.summary, row.severity) for row in rows] == [("ana, under age: 1:00 h in the night of 2026-03-03", "high")]
    assert _said(person(), early) == [("raised", "provisional", "high")]
    unfinished = [evening, press("in", TUESDAY), tick(at(TUESDAY + 6.5 * HOUR))]
    assert _said(person(), *unfinished) == [("raised", "provisional", "high")], "who has not clocked out may still be there"
    for shift_at_night in (evening, early):
        assert _said(person(), policy("minor_work", night_allowed=True), shift_at_night) == []


@pytest.mark.parametrize("known", [[], [person(None)], [person(date(2026, 3, 3))], [person(), person(None, 2)], [person(employee="ben")]])
def test_who_is_not_known_to_be_under_age_is_an_adult(known: list[Event[Any]]) -> None:
    """On the day itself the rules of minors hold no more; the newest version of a person decides; a colleague's age is not theirs."""
    assert _said(*known, *_days(1, 12 * HOUR)) == []


def test_only_days_before_the_date_count() -> None:
    """Monday and Tuesday of such a week are protected, the rest is not."""
    rows = told("minor_work", replica_of(log_of(store(), person(date(2026, 3, 4)), *_days(3, 10 * HOUR))))
    assert [row.summary for row in rows] == ["ana, under age: 9:00 h in 2026-03-03"]


def test_hours_that_were_worked_confirm_it_and_who_did_not_come_or_left_early_takes_it_back() -> None:
    """What is published is only expected. Time that passes takes it back, and no event is named for that."""
    worked = [press("in", MORNING), press("out", MORNING + 10 * HOUR)]
    assert [row[:2] for row in _said(person(), *_days(1, 10 * HOUR), *worked)] == [("raised", "provisional"), ("updated", "confirmed")]
    for came in ([], [press("in", MORNING), press("out", MORNING + 5 * HOUR)]):
        story = [store(), person(), *_days(1, 10 * HOUR), *came, tick(at(MORNING + 9 * HOUR)), tick(at(MORNING + 11 * HOUR))]
        rows = told("minor_work", replica_of(log_of(*story)))
        assert [(row.status, bool(row.evidence.event_ids)) for row in rows] == [("raised", True), ("retracted", False)]


def test_the_end_of_the_day_gives_the_final_figures() -> None:
    """Nothing else happens then; before it, more hours of one severity are no news."""
    worked = [press("in", MORNING), press("out", MORNING + 10 * HOUR)]
    story = [store(), person(), *_days(1, 11 * HOUR), *worked]
    rows = told("minor_work", replica_of(log_of(*story, tick(at(MORNING + 12 * HOUR)), tick(at(MORNING + DAY)))))
    assert [row.status for row in rows] == ["raised", "updated", "updated"]
    assert rows[-1].evidence.observed == "10:00 h worked and 0:00 h still published: 10:00 h"


def test_small_stores_are_not_exempt_and_other_countries_set_a_policy() -> None:
    """The protection of minors holds for fewer than five people too."""
    days = _days(1, 10 * HOUR)
    assert said("minor_work", store(heads=2), person(), *days) != []
    assert said("minor_work", store("FR"), person(), *days) == []
    assert said("minor_work", store("FR"), policy("minor_work", daily_hours=8, daily_extra_hours=0), person(), *days) != []


def test_the_order_of_arrival_does_not_matter() -> None:
    """Punches before the shift is known, or late, end in the same words."""
    shifts, worked = _days(2, 10 * HOUR), [press("in", MORNING), press("out", MORNING + 9 * HOUR), press("in", MORNING + DAY)]
    end = tick(at(9 * DAY))
    mixed = [worked[2], shifts[1], worked[1], tick(at(MORNING + DAY)), worked[0], shifts[0]]
    ends = [
        stands(replica_of(log_of(store(), person(), *story, end)), ["minor_work"])
        for story in ([*shifts, *worked], [*worked, *shifts], mixed)
    ]
    assert ends[0] == ends[1] == ends[2] != {}
