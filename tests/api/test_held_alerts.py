"""Alerts that wait for the end of quiet hours: each told once, the newest word only, and never passed by the place to come back to."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from api.held_alerts import HeldAlerts, Waiting
from contracts.events.alerts import AlertChanged, Evidence
from tests.api.events import event_id

NIGHT = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
MORNING = NIGHT + timedelta(hours=8)


def waiting(offset: int, subject: str = "e1", number: int = 1, status: str = "raised", notify_at: datetime | None = MORNING) -> Waiting:
    """Make a transition at a place of partition 0."""
    alert: dict[str, Any] = {
        "alert_id": event_id("alert", subject), "transition": number, "rule": "no_show", "rule_version": 1, "policy_version": 0,
        "status": status, "stage": "provisional", "severity": "low", "subject": subject, "window_start": NIGHT, "window_end": NIGHT,
        "summary": "", "evidence": Evidence(observed="", expected=""), "notify_at": notify_at,
    }  # fmt: skip
    return Waiting(0, offset, event_id("transition", subject, number), "A", NIGHT, AlertChanged(**alert))


def told(rows: Iterable[Waiting]) -> list[tuple[str, int]]:
    """Return subject and number of what is told."""
    return [(row.alert.subject, row.alert.transition) for row in rows]


def test_an_alert_waits_until_its_time_and_is_told_once() -> None:
    """Not a moment before, and not again."""
    held = HeldAlerts()
    assert told(held.take(waiting(5), NIGHT)) == []
    assert told(held.due(MORNING - timedelta(microseconds=1))) == []
    assert held.soonest == MORNING
    assert told(held.due(MORNING)) == [("e1", 1)]
    assert told(held.due(MORNING)) == []


def test_what_is_not_put_off_is_told_at_once() -> None:
    """So is everything for a listener who does not wait, or where nobody knows what time it is."""
    held = HeldAlerts()
    assert told(held.take(waiting(1, notify_at=None), NIGHT)) == [("e1", 1)]
    assert told(held.take(waiting(2, "e2"), None)) == [("e2", 1)]
    assert held.soonest is None


def test_of_several_transitions_the_newest_is_told() -> None:
    """A raise that was updated in the night is one message in the morning."""
    held = HeldAlerts()
    for number, status in ((1, "raised"), (2, "updated"), (3, "updated")):
        assert told(held.take(waiting(number, number=number, status=status), NIGHT)) == []
    assert told(held.due(MORNING)) == [("e1", 3)]


def test_an_alert_that_came_and_went_while_it_waited_is_not_told_at_all() -> None:
    """But the end of one that people had been told of is, whenever it is due."""
    held = HeldAlerts()
    for row in (waiting(1), waiting(2, number=2, status="retracted"), waiting(3, "e2", 4, "resolved")):
        assert told(held.take(row, NIGHT)) == []
    assert told(held.due(MORNING)) == [("e2", 4)]


def test_what_becomes_grave_overtakes_what_waits() -> None:
    """The update that breaks the quiet is told, and the raise before it is not told after it."""
    held = HeldAlerts()
    assert told(held.take(waiting(1), NIGHT)) == []
    assert told(held.take(waiting(2, number=2, status="updated", notify_at=None), NIGHT)) == [("e1", 2)]
    assert told(held.due(MORNING)) == []


def test_what_waits_anew_waits_for_its_own_time() -> None:
    """An earlier time, at which something of the alert was to be told that has been told since, tells nothing of it."""
    held = HeldAlerts()
    assert told(held.take(waiting(1), NIGHT)) == []
    assert told(held.take(waiting(2, number=2, status="updated", notify_at=None), NIGHT)) == [("e1", 2)]
    assert told(held.take(waiting(3, number=3, status="updated", notify_at=MORNING + timedelta(hours=1)), NIGHT)) == []
    assert told(held.due(MORNING)) == []
    assert told(held.due(MORNING + timedelta(hours=1))) == [("e1", 3)]


def test_beyond_its_limit_what_is_due_next_is_told_early() -> None:
    """Memory is bounded, and nothing is lost for it."""
    held = HeldAlerts(limit=2)
    rows = [waiting(n, f"e{n}", notify_at=MORNING + timedelta(minutes=n)) for n in (3, 1, 2)]
    assert [told(held.take(row, NIGHT)) for row in rows] == [[], [], [("e1", 1)]]
    assert told(held.due(MORNING + timedelta(hours=1))) == [("e2", 1), ("e3", 1)]


@example([(1, 1, "raised"), (2, 1, "raised"), (3, 1, "raised"), (1, 0, "resolved")], 1)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 5), st.sampled_from(("raised", "updated", "resolved"))), max_size=15),
    st.integers(0, 15),
)
def test_who_comes_back_to_the_place_misses_nothing(arrivals: list[tuple[int, int, str]], cut: int) -> None:
    """Cut off at any message, a listener that reads again from the place named with it hears, of each alert, its last word.

    Of an alert that came and went while it waited it may hear the end: the raise may lie before the place.
    """
    numbers: dict[str, int] = {}
    rows = []
    for offset, (who, wait, status) in enumerate(arrivals):
        subject = f"e{who}"
        numbers[subject] = numbers.get(subject, 0) + 1
        first = "raised" if numbers[subject] == 1 else status
        rows.append(waiting(offset, subject, numbers[subject], first, NIGHT + timedelta(minutes=wait) if wait else None))
    whole = heard(rows, 0, None)[0]
    before, place = heard(rows, 0, min(cut, len(whole)))
    after = heard(rows, place, None)[0]
    words, expected = last_words([*before, *after]), last_words(whole)
    assert all(words.get(subject, 0) >= number for subject, number in expected.items())
    ends = {(row.alert.subject, row.alert.transition) for row in rows if row.alert.status == "resolved"}
    assert words.items() - expected.items() <= ends
    assert len(before) + len(after) >= len(whole)


def heard(rows: list[Waiting], begin: int, messages: int | None) -> tuple[list[tuple[str, int]], int]:
    """Listen from a place until the end, or until so many messages were sent; return them and the place named with the last."""
    held, at, found = HeldAlerts(), begin, []
    if messages == 0:
        return [], begin
    for row in rows[begin:]:
        at = row.offset + 1
        for each in held.take(row, NIGHT):
            found.append((each.alert.subject, each.alert.transition))
            if len(found) == messages:
                return found, held.place([at])[0]
    for each in held.due(MORNING):
        found.append((each.alert.subject, each.alert.transition))
        if len(found) == messages:
            return found, held.place([at])[0]
    return found, held.place([at])[0]


def last_words(told_rows: list[tuple[str, int]]) -> dict[str, int]:
    """Return the highest transition heard of each alert."""
    found: dict[str, int] = {}
    for subject, number in told_rows:
        found[subject] = max(number, found.get(subject, 0))
    return found
