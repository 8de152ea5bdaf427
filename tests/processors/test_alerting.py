"""The life of an alert follows from what a rule finds now, whatever was found on the way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.evidence import Evidence
from processors.rules.alerting import Finding, Speaker, Told, forgotten_at, settle
from processors.rules.rule import RETENTION, Derived, Occurred, View, microseconds
from tests.processors.events import at, sold

SPEAKER = Speaker("tried_rule", 1)


@dataclass(frozen=True)
class Seen:
    """As much of a view as the life of alerts needs."""

    clock: datetime | None = None
    late: bool = False
    store_id: str = "S1"

    def too_late(self, window_end: datetime) -> bool:  # noqa: ARG002
        """Return what the test says."""
        return self.late


def finding(news: str = "a", key: str = "k", **changed: Any) -> Finding:
    """Find something that holds from the first to the second hour of the story."""
    made = Finding(key, "till-1", at(0), at(60), "medium", "provisional", "it holds", Evidence(observed="1", expected="2"), 3, news)
    return replace(made, **changed)


def settled(told: tuple[Told, ...], findings: Sequence[Finding], seen: Seen = Seen()) -> tuple[tuple[Told, ...], list[Derived]]:
    """Settle because of some sale."""
    return settle(SPEAKER, told, findings, Occurred(sold("x", at(61)), True), cast("View", seen))


def statuses(derived: Sequence[Derived]) -> list[str]:
    """Return the statuses that were told."""
    return [cast("Any", each.data).status for each in derived]


def test_an_alert_is_raised_updated_resolved_and_raised_again_under_one_identity() -> None:
    """Transitions count up; the alert stays the same."""
    told: tuple[Told, ...] = ()
    course = [[finding()], [finding()], [finding("b")], [finding("b", over=True)], [finding("c")], []]
    heard: list[Derived] = []
    for findings in course:
        told, derived = settled(told, findings)
        heard += derived
    assert statuses(heard) == ["raised", "updated", "resolved", "raised", "retracted"]
    assert len({cast("Any", each.data).alert_id for each in heard}) == 1
    assert [cast("Any", each.data).transition for each in heard] == [1, 2, 3, 4, 5]
    assert len({each.id for each in heard}) == 5


def test_an_alert_about_another_store_is_taken_back_and_closed_as_that_stores() -> None:
    """In the stage of chains the state is the chain's: the alert stays the one that was raised, also when its finding is gone."""
    for seen, end in ((Seen(), "retracted"), (OVER, "orphaned")):
        told, first = settled((), [finding(store_id="S9")], Seen(store_id="chain"))
        _, last = settled(told, [], replace(seen, store_id="chain"))
        assert statuses([*first, *last]) == ["raised", end]
        assert len({cast("Any", each.data).alert_id for each in [*first, *last]}) == 1
        assert {each.store_id for each in [*first, *last]} == {"S9"}


@given(st.lists(st.lists(st.sampled_from("ab"), max_size=1), max_size=6), st.lists(st.sampled_from("ab"), max_size=1))
def test_what_stands_at_the_end_does_not_depend_on_the_way(way: list[list[str]], end: list[str]) -> None:
    """After any course, what people see is what a rule finds last."""
    told: tuple[Told, ...] = ()
    heard: list[Derived] = []
    for news in [*way, end]:
        told, derived = settled(told, [finding(each) for each in news])
        heard += derived
    assert [row.news for row in told if row.stands] == end
    assert [status == "retracted" for status in statuses(heard[-1:])] == ([not end] if heard else [])


def test_a_finding_that_was_never_raised_is_not_resolved() -> None:
    """What was over before anybody heard of it is no news."""
    assert settled((), [finding(over=True)])[1] == []


def test_history_is_never_raised_not_even_later() -> None:
    """A finding that was too late when it was found first stays mute while it holds."""
    told, first = settled((), [finding()], Seen(late=True))
    told, second = settled(told, [finding("b")])
    assert (first, second) == ([], [])
    assert [row.stands for row in told] == [False]


def test_late_data_still_takes_back_what_stands() -> None:
    """History raises nothing, but what it disproves is retracted."""
    told, _ = settled((), [finding()])
    assert statuses(settled(told, [], Seen(late=True))[1]) == ["retracted"]


@pytest.mark.parametrize("days", [0, 36])
def test_a_row_is_forgotten_only_when_late_data_cannot_come_any_more(days: int) -> None:
    """Its number is kept through the retention, so that a second raise is a new transition."""
    told, _ = settled((), [finding()])
    told, _ = settled(told, [])
    told, _ = settled(told, [], Seen(at(60) + timedelta(days=days)))
    assert bool(told) == (timedelta(days=days) < RETENTION)


OVER = Seen(at(60) + RETENTION)


def test_an_alert_that_stands_when_its_retention_is_over_is_orphaned_and_forgotten() -> None:
    """Nobody can resolve it any more, whether the rule still finds it or has forgotten it; and it is not raised again."""
    for still in ([finding()], []):
        told, first = settled((), [finding()])
        told, last = settled(told, still, OVER)
        again, more = settled(told, still, OVER)
        assert statuses([*first, *last]) == ["raised", "orphaned"]
        assert [cast("Any", each.data).transition for each in last] == [2]
        assert (told, again, more) == ((), (), [])


def test_an_alert_is_not_orphaned_before_its_retention_is_over_nor_while_its_window_moves_on() -> None:
    """A microsecond earlier it stands; what still goes on has a window that ends later."""
    told, _ = settled((), [finding()])
    assert forgotten_at(told) == microseconds(at(60) + RETENTION)
    assert statuses(settled(told, [finding()], Seen(at(60) + RETENTION - timedelta(microseconds=1)))[1]) == []
    assert statuses(settled(told, [finding("b", window_end=at(600))], OVER)[1]) == ["updated"]


def test_what_has_ended_by_the_end_of_its_retention_is_resolved_not_orphaned() -> None:
    """The last word is the truest one, and the row is forgotten all the same."""
    told, _ = settled((), [finding()])
    told, last = settled(told, [finding(over=True)], OVER)
    assert (told, statuses(last)) == ((), ["resolved"])


def test_an_alert_that_is_resolved_or_taken_back_has_nothing_left_to_say() -> None:
    """Its row goes without a word when its retention is over, and nothing without rows has a time to look."""
    for end in ([finding(over=True)], []):
        told, _ = settled((), [finding()])
        told, _ = settled(told, end)
        assert settled(told, end, OVER) == ((), [])
    assert forgotten_at(()) is None
