"""What the rule says of an alert and what people answer are folded apart: in any order of arrival people see the same."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.topics import ALERTS
from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.read_models.open_alerts.reader import AlertRow, AlertsAsked, read_alerts, read_answers
from tests.examples import examples
from tests.projections.alert_story import GRAVITY, answered, changed, status_seen
from tests.projections.folding import empty, fold, rows_of, split
from tests.projections.story import at, corrected, log_of

pytestmark = pytest.mark.stack

on_real_tables = settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
minutes = st.integers(0, 50)


def seen(place: Addresses, *statuses: str) -> list[AlertRow]:
    """Return the alerts that people see, of all statuses unless some are named."""

    async def read() -> list[AlertRow]:
        engine = async_engine(place.postgres_dsn, "tests")
        try:
            return await read_alerts(engine, AlertsAsked(("S1", "S2"), statuses or None))
        finally:
            await engine.dispose()

    return asyncio.run(read())


@st.composite
def courses(draw: st.DrawFn) -> list[Event[Any]]:
    """Some transitions of one alert, each later than the one before."""
    statuses = draw(st.lists(st.sampled_from(("updated", "updated", "resolved", "raised", "retracted")), max_size=4))
    times = sorted(draw(st.lists(minutes, min_size=len(statuses) + 1, max_size=len(statuses) + 1, unique=True)))
    grades = st.tuples(st.sampled_from(GRAVITY), st.sampled_from(("provisional", "confirmed")))
    return [changed(number + 1, status, *draw(grades), minute=times[number]) for number, status in enumerate(["raised", *statuses])]


@st.composite
def words(draw: st.DrawFn) -> list[Event[Any]]:
    """Answers of people at any time, some of which say what they had seen, and corrections of some."""
    said = st.sampled_from(("acknowledged", "acknowledged", "resolved", "true_alarm", "false_alarm"))
    facts = [
        answered(f"{number}", draw(minutes), draw(said), draw(st.none() | st.integers(1, 5))) for number in range(draw(st.integers(0, 4)))
    ]
    for number, wrong in enumerate(draw(st.lists(st.sampled_from(facts), unique_by=lambda each: each.id, max_size=2)) if facts else []):
        right = {**wrong.data.model_dump(mode="json", exclude_none=True), "answer": draw(said)} if draw(st.booleans()) else None
        facts.append(corrected(f"x{number}", wrong, right))
    return draw(st.permutations(facts))


def test_people_see_what_the_definition_says_in_whatever_order_both_sides_arrive(place: Addresses) -> None:
    """Shuffled, repeated, cut anywhere, the answers before the alert or after it: status and judgement follow from the sets."""

    @on_real_tables
    @given(courses(), words(), st.randoms(use_true_random=False), st.lists(st.integers(0, 100), max_size=3), st.booleans())
    def law(course: list[Event[Any]], facts: list[Event[Any]], random: Any, cuts: list[int], answers_first: bool) -> None:
        alerts = log_of(random.sample([*course, *course], len(course) * 2), topic=ALERTS)
        answers = log_of([*facts, *facts])
        steps = [*split(alerts, cuts), *split(answers, cuts)]
        empty(place, "open_alerts")
        fold(place, "open_alerts", *(reversed_kinds(steps) if answers_first else steps))

        (row,) = seen(place)
        assert (row.status, row.judged) == status_seen(course, facts)
        assert row.rule_status == course[-1].data.status

    law()


def reversed_kinds(steps: list[Any]) -> list[Any]:
    """Put the steps of the facts before those of the alerts."""
    return sorted(steps, key=lambda step: bool(step) and step[0].topic == ALERTS)


def _status(place: Addresses, transitions: list[Event[Any]], *facts: Event[Any]) -> str:
    empty(place, "open_alerts")
    fold(place, "open_alerts", log_of(transitions, topic=ALERTS), log_of(facts))
    return seen(place)[0].status


def test_an_acknowledgement_holds_until_something_worse_comes(place: Addresses) -> None:
    """More of the same stays acknowledged; a higher severity, a confirmation or a new raise is open again."""
    first, acknowledged = changed(1, "raised"), answered("a", 5, "acknowledged", 1)
    assert _status(place, [first], acknowledged) == "acknowledged"
    assert _status(place, [first, changed(2, "updated")], acknowledged) == "acknowledged"
    assert _status(place, [first, changed(2, "updated", "high")], acknowledged) == "updated"
    assert _status(place, [first, changed(2, "updated", stage="confirmed")], acknowledged) == "updated"
    assert _status(place, [first, changed(2, "resolved")], acknowledged) == "resolved"
    assert _status(place, [first, changed(2, "resolved"), changed(3, "raised")], acknowledged) == "raised"


def test_an_alert_that_a_person_resolved_is_open_again_when_the_rule_says_more(place: Addresses) -> None:
    """Until then it is not in the list of what is open."""
    first, done = changed(1, "raised"), answered("a", 5, "resolved")
    assert _status(place, [first], done) == "resolved"
    assert seen(place, "raised", "updated", "acknowledged") == []
    assert [row.status for row in seen(place, "resolved")] == ["resolved"]
    assert _status(place, [first, changed(2, "updated", minute=6)], done) == "updated"


def test_an_answer_waits_for_its_alert_and_one_of_another_store_is_none(place: Addresses) -> None:
    """Whoever answers in store S2 says nothing of an alert of S1, also with its id."""
    fold(place, "open_alerts", log_of([answered("a", 5, "acknowledged", 1)]))
    assert seen(place) == []
    fold(place, "open_alerts", log_of([changed(1, "raised")], topic=ALERTS))
    assert [row.status for row in seen(place)] == ["acknowledged"]
    assert _status(place, [changed(1, "raised")], answered("b", 5, "resolved", 1, store="S2", of="S1")) == "raised"


def test_a_correction_takes_an_answer_back_and_both_can_be_read(place: Addresses) -> None:
    """The answer that no longer counts stays in the record of the alert."""
    wrong = answered("a", 5, "resolved", 1)
    assert _status(place, [changed(1, "raised")], wrong, corrected("x", wrong)) == "raised"
    alert = seen(place)[0].alert_id

    async def read() -> list[dict[str, Any]]:
        engine = async_engine(place.postgres_dsn, "tests")
        try:
            return await read_answers(engine, alert, "S1")
        finally:
            await engine.dispose()

    assert [(row["answer"], row["answered_by"], row["counts"]) for row in asyncio.run(read())] == [("resolved", "E-7", False)]


@pytest.mark.parametrize(
    ("course", "due"),
    [
        ([changed(1, "raised", minute=0)], 0),
        ([changed(1, "raised", minute=0, notify=40)], 40),
        ([changed(1, "raised", minute=0), changed(2, "updated", minute=5, notify=40)], 0),
        ([changed(1, "raised", minute=0, notify=40), changed(2, "updated", "high", minute=5)], 5),
        ([changed(1, "raised", minute=0), changed(2, "resolved", minute=5), changed(3, "raised", minute=9, notify=40)], 40),
    ],
)
def test_people_are_told_when_any_transition_since_the_last_raise_is_due(place: Addresses, course: list[Event[Any]], due: float) -> None:
    """What was told before the quiet hours does not vanish in them; what becomes grave in them is told at once."""
    fold(place, "open_alerts", log_of(course, topic=ALERTS))
    (row,) = rows_of(place, "SELECT due_at, notify_at FROM read_g1.open_alerts")
    assert (row["due_at"], row["notify_at"]) == (at(due), course[-1].data.notify_at)


def test_an_oracle_that_ignores_what_was_seen_is_caught(place: Addresses) -> None:
    """Negative control: were every acknowledgement for ever, this alert would not be open again."""
    course = [changed(1, "raised"), changed(2, "updated", "high", minute=9)]
    facts = [answered("a", 5, "acknowledged", 1)]
    assert _status(place, course, *facts) == status_seen(course, facts)[0] == "updated"
    assert status_seen(course, [answered("a", 5, "acknowledged", 2)])[0] == "acknowledged"
