"""Folds in Postgres: cuts, duplicates, the order of unrelated keys and replays change nothing, and stock is what its definition says."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.topics import ALERTS, REORDER_RECOMMENDATIONS, STORE_FACTS
from infra.addresses import Addresses
from projections.catalogue import PROJECTIONS
from tests.examples import examples
from tests.projections.folding import WHERE_IT_CAME_FROM, empty, fold, rows_of, split, tables_of
from tests.projections.oracle import stock_totals
from tests.projections.story import adjusted, alert, at, corrected, counted, log_of, punched, recommended, shift, sold, store, tick

pytestmark = pytest.mark.stack

on_real_tables = settings(max_examples=examples(5), suppress_health_check=[HealthCheck.function_scoped_fixture])
cuts = st.lists(st.integers(0, 100), max_size=5)
minutes = st.integers(0, 300)
names = st.sampled_from(["S1", "S2"])
skus = st.sampled_from(["MILK", "RICE"])


def _named(events: Sequence[Event[Any]]) -> list[Event[Any]]:
    return list({(each.store_id, each.id): each for each in events}.values())


stock_facts = st.one_of(
    st.builds(lambda m, q, k, s: sold(f"sale/{m}/{q}/{k}", at(m), q, k, s), minutes, st.integers(1, 9), skus, names),
    st.builds(lambda m, q, k, s: counted(f"count/{m}/{q}/{k}", at(m), q, k, s), minutes, st.integers(0, 50), skus, names),
    st.builds(lambda m, q, k, s: adjusted(f"adjust/{m}/{q}/{k}", at(m), q, k, s), minutes, st.integers(-5, 5), skus, names),
)
attendance_facts = st.one_of(
    st.builds(
        lambda d, m, e, s: punched(d, f"{d}/{m}/{e}", at(m * 5), e, s),
        st.sampled_from(["in", "out"]),
        minutes,
        st.sampled_from("ab"),
        names,
    ),
    st.builds(
        lambda m, r, e, s: shift(f"shift/{m}", at(m * 5), at(m * 5 + 240), e, r, store=s),
        st.integers(0, 9),
        st.integers(1, 3),
        st.sampled_from("ab"),
        names,
    ),
)


@st.composite
def stories(draw: st.DrawFn, facts: st.SearchStrategy[Event[Any]]) -> list[Event[Any]]:
    """Draw facts, corrections of some of them (also of corrections) and repeats, in any order."""
    events = _named(draw(st.lists(facts, min_size=1, max_size=12)))
    for number, target in enumerate(draw(st.lists(st.integers(0, 100), max_size=4))):
        wrong = events[target % len(events)]
        known = wrong.data.replacement if wrong.type == "event.corrected.v1" else wrong.data.model_dump(mode="json", exclude_none=True)
        replacement = known if draw(st.booleans()) else None
        events.append(corrected(f"correction/{number}", wrong, replacement))
    events += draw(st.lists(st.sampled_from(events), max_size=4))
    return draw(st.permutations(events))


def _one_by_one(place: Addresses, projection: str, log: Sequence[Any]) -> dict[str, Any]:
    empty(place, projection)
    fold(place, projection, *[[each] for each in log])
    return tables_of(place, projection)


@pytest.mark.parametrize(
    ("projection", "facts"), [("stock_on_hand", stock_facts), ("attendance_day", attendance_facts), ("event_index", stock_facts)]
)
def test_batch_boundaries_and_replay_do_not_matter(place: Addresses, projection: str, facts: st.SearchStrategy[Event[Any]]) -> None:
    """One by one, in one batch or cut anywhere, and again from zero: the same rows in every table."""

    @on_real_tables
    @given(stories(facts), cuts)
    def law(story: list[Event[Any]], where: list[int]) -> None:
        log = log_of(story)
        expected = _one_by_one(place, projection, log)
        empty(place, projection)
        fold(place, projection, *split(log, where))

        assert tables_of(place, projection) == expected

    law()


@pytest.mark.parametrize(("projection", "facts"), [("stock_on_hand", stock_facts), ("attendance_day", attendance_facts)])
def test_duplicates_and_the_order_of_stores_do_not_matter(place: Addresses, projection: str, facts: st.SearchStrategy[Event[Any]]) -> None:
    """A log with every event sent twice, and one where stores are told one after the other, fold to the same rows."""

    @on_real_tables
    @given(stories(facts))
    def law(story: list[Event[Any]]) -> None:
        told = _named(story)
        empty(place, projection)
        fold(place, projection, log_of(told))
        expected = tables_of(place, projection, WHERE_IT_CAME_FROM)
        for other in ([each for each in told for _ in range(2)], sorted(told, key=lambda each: each.store_id, reverse=True)):
            empty(place, projection)
            fold(place, projection, log_of(other))

            assert tables_of(place, projection, WHERE_IT_CAME_FROM) == expected

    law()


def test_stock_is_what_its_definition_says(place: Addresses) -> None:
    """Last count plus later movements, over the events that count: the same as computed the slow way."""

    @on_real_tables
    @given(stories(stock_facts), cuts)
    def law(story: list[Event[Any]], where: list[int]) -> None:
        log = log_of(story)
        empty(place, "stock_on_hand")
        fold(place, "stock_on_hand", *split(log, where))
        found = {
            (row["store_id"], row["sku"]): (row["on_hand"], row["counted_at"])
            for row in rows_of(place, "SELECT * FROM read_g1.stock_on_hand")
        }

        assert found == stock_totals(log)

    law()


numbers = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(["ana", "ben"]), st.sampled_from(["first", "other"])), min_size=1, max_size=10
)


@pytest.mark.parametrize("projection", ["open_alerts", "reorder_recommendations"])
def test_the_highest_number_wins_at_its_first_content(place: Addresses, projection: str) -> None:
    """In any order and any cut an alert or a recommendation shows its highest number, as it was first said."""

    @on_real_tables
    @given(numbers, cuts)
    def law(told: list[tuple[int, str, str]], where: list[int]) -> None:
        topic, table, number, what = {
            "open_alerts": (ALERTS, "open_alerts", "transition", "summary"),
            "reorder_recommendations": (REORDER_RECOMMENDATIONS, "reorder_recommendations", "revision", "order_quantity"),
        }[projection]
        story = [
            alert(n, "raised", who, summary=say) if projection == "open_alerts" else recommended(n, len(say), who) for n, who, say in told
        ]
        empty(place, projection)
        fold(place, projection, *split(log_of(story, topic=topic), where))
        first: dict[tuple[str, int], Any] = {}
        for n, who, say in told:
            first.setdefault((who, n), say if projection == "open_alerts" else Decimal(len(say)))
        expected = {who: (max(n for w, n in first if w == who), first[who, max(n for w, n in first if w == who)]) for who, _ in first}
        key = "subject" if projection == "open_alerts" else "sku"

        assert {row[key]: (row[number], row[what]) for row in rows_of(place, f"SELECT * FROM read_g1.{table}")} == expected

    law()


def test_a_revised_shift_moves_to_its_new_owner(place: Addresses) -> None:
    """A shift given to somebody else leaves the first person's day, also when only the revision is in the batch."""
    begin, end = at(60), at(300)
    log = log_of([shift("s", begin, end, "ana"), punched("in", "i", at(61), "ana"), shift("s", begin, end, "ben", revision=2)])
    fold(place, "attendance_day", log[:2], log[2:])

    days = {row["employee_id"]: row["flags"] for row in rows_of(place, "SELECT * FROM read_g1.attendance_day")}
    assert days == {"ana": ["no_out_yet", "unscheduled"], "ben": ["no_punch"]}


def test_a_version_is_kept_once_from_either_topic(place: Addresses) -> None:
    """The copy on the other topic is a repeat, and a later version does not replace an earlier one."""
    story = [store(), store(version=2, since=at(600), cut_off_hour=4)]
    fold(place, "stores", [*log_of(story), *log_of(story, topic="reference-data-v1")])

    versions = rows_of(place, "SELECT version, cut_off_hour FROM read_g1.store_versions ORDER BY version")
    assert [tuple(row.values()) for row in versions] == [(1, 0), (2, 4)]
    assert sum(row["repeats"] for row in rows_of(place, "SELECT repeats FROM delivery.ledger")) == 2


def test_every_projection_declares_topics_and_a_mapping_version() -> None:
    """The catalogue is complete enough for status pages and generations."""
    assert all(declared.topics and declared.mapping_version >= 1 and declared.name == name for name, declared in PROJECTIONS.items())
    assert STORE_FACTS in PROJECTIONS["sales"].topics


def test_ticks_move_freshness_and_nothing_else(place: Addresses) -> None:
    """An idle partition is as fresh as its last tick."""
    fold(place, "stock_on_hand", log_of([sold("a", at(0)), tick(at(60)), tick(at(120))]))

    position = rows_of(place, "SELECT next_offset, recorded_at FROM delivery.positions")[0]
    ledger = rows_of(place, "SELECT applied, control FROM delivery.ledger")[0]
    assert (position["next_offset"], position["recorded_at"].microsecond) == (3, 2000)
    assert ledger == {"applied": 1, "control": 2}
