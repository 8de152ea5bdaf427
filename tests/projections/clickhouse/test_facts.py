"""The read models of plain facts in ClickHouse: rows as events say them, counted once, corrected, and known at any moment."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient

from contracts.codec import encode
from contracts.envelope import Event
from contracts.events.registry import ALERT_ANSWERED, BREAK_STARTED, SALE_COMPLETED, STOCK_WASTED
from contracts.identifiers import derived_id
from contracts.records import RawRecord
from contracts.topics import ALERTS, STORE_FACTS
from infra.addresses import Addresses
from infra.clickhouse.client import async_writer
from projections.batching import Outcome
from projections.read_models.alert_history import mapping as alert_history
from projections.read_models.alert_history.reader import read_history
from projections.read_models.clock_events import mapping as clock_events
from projections.read_models.clock_events.reader import read_punches
from projections.read_models.stock_ledger import mapping as stock_ledger
from projections.read_models.stock_ledger.reader import read_ledger
from projections.sale_facts import FactsAsked
from projections.sinks.clickhouse_fact_columns import HEAD
from projections.sinks.clickhouse_facts import FactsModel
from projections.sinks.clickhouse_facts_declared import FACTS
from tests.projections.clickhouse.driving import clickhouse, seen
from tests.projections.story import START, adjusted, alert, at, corrected, counted, event, punched, sold

Answer = TypeVar("Answer")
DAY = START.date()
RECORDED = datetime(2026, 3, 10, tzinfo=UTC)
"""When the first record was recorded; the others follow minute by minute."""
ROWS = {"stock_ledger": stock_ledger.LedgerLine, "clock_events": clock_events.PunchRow, "alert_history": alert_history.HistoryRow}


@pytest.mark.parametrize("name", sorted(FACTS))
def test_rows_have_the_columns_of_their_table_in_their_order(name: str) -> None:
    """Rows are sent by position."""
    own = [column.name for column in FACTS[name].table.columns[len(HEAD) :]]
    assert list(ROWS[name]._fields) == own
    assert len(FACTS[name].nothing) == len(own)


def test_the_ledger_says_which_way_goods_went_and_what_was_counted() -> None:
    """Sales and waste take away; a count is what was there."""
    waste = event(
        STOCK_WASTED, "w", at(3), {"reference": "X1", "reason": "expired", "lines": [{"line": 1, "sku": "MILK", "quantity": "2"}]}
    )
    lines = [row for each in (sold("s", at(1), 3), waste, counted("c", at(5), 7)) for row in stock_ledger.ledger_lines(each)]

    assert [(row.kind, row.quantity, row.moved_at, row.reason) for row in lines] == [
        ("sale", Decimal(-3), at(1), ""),
        ("waste", Decimal(-2), at(3), "expired"),
        ("count", Decimal(7), at(5), ""),
    ]
    assert [row.reference for row in lines] == ["s", "X1", "c"]


def test_a_punch_keeps_what_is_known_of_the_place_and_says_what_is_not() -> None:
    """Zero metres is a distance, unknown is not zero."""
    place = {"verdict": "inside", "distance_m": 0, "fence_id": "front"}
    known = event(BREAK_STARTED, "b", at(1), {"employee_id": "E-1", "location": place, "punch_source": "mobile", "offline": True})
    [row] = clock_events.punch_rows(known)
    [bare] = clock_events.punch_rows(punched("in", "p", at(0), "E-1"))

    assert (row.kind, row.verdict, row.distance_m, row.accuracy_m, row.offline) == ("break_started", "inside", 0, -1, 1)
    assert (bare.kind, bare.verdict, bare.distance_m, bare.mock_location) == ("in", "", -1, 0)


def logged(events: Sequence[Event[Any]], topic: str = STORE_FACTS) -> list[RawRecord]:
    """Lay events on one partition, one a minute."""
    records = [encode(each, topic) for each in events]
    first = int(RECORDED.timestamp() * 1000)
    return [RawRecord(topic, 0, n, first + 60_000 * n, r.key, r.value, r.headers) for n, r in enumerate(records)]


def asked_after(
    place: Addresses, name: str, batches: Sequence[Sequence[RawRecord]], *asks: Callable[[AsyncClient], Awaitable[Any]]
) -> list[Any]:
    """Fold batches into the model's emptied table, and ask."""

    async def run() -> list[Any]:
        client = await async_writer(place.clickhouse_url)
        client.form_encode_query_params = True
        model = FactsModel(FACTS[name])
        model.connect(client)
        try:
            for batch in batches:
                work = await model.prepare(seen(model, batch))
                await model.insert(work)
            return [await ask(client) for ask in asks]
        finally:
            await client.close()

    with clickhouse(place) as client:
        client.command(f"TRUNCATE TABLE {name}_g1")
    return asyncio.run(run())


@pytest.mark.stack
def test_the_facts_of_a_discarded_record_are_taken_out_where_they_are_its_own(place: Addresses) -> None:
    """Another position of the same event, applied before, is not what was discarded."""
    records = logged([sold("s1", at(1)), sold("s2", at(2)), sold("s1", at(1))])

    async def withdrawn(client: AsyncClient) -> list[Any]:
        model = FactsModel(FACTS["stock_ledger"])
        model.connect(client)
        await model.withdraw(seen(model, records[1:]), 1)
        return [line.reference for line in await read_ledger(client, FactsAsked(("S1",), DAY, DAY))]

    assert asked_after(place, "stock_ledger", [records], withdrawn) == [["s1"]]


@pytest.mark.stack
def test_what_counts_is_the_same_however_the_log_is_cut_and_repeated(place: Addresses) -> None:
    """One by one, at once, and twice: the same lines; corrected ones are replaced or gone, and were there before."""
    wrong, gone = sold("s1", at(1), 3), adjusted("a1", at(2), 5)
    right = wrong.data.model_dump(mode="json", exclude_none=True)
    right["lines"][0] |= {"quantity": "2", "gross": 200}
    corrections = [corrected("k1", wrong, right), corrected("k2", gone, None)]
    records = logged([wrong, gone, counted("c", at(5), 7, store="S2"), *corrections, sold("s2", at(9)), wrong])
    everything = FactsAsked(("S1", "S2"), DAY, DAY)

    async def pages(client: AsyncClient) -> list[Any]:
        found: list[Any] = []
        page = await read_ledger(client, everything, limit=1)
        while page:
            found += page
            page = await read_ledger(client, everything, after=page[-1].cursor, limit=1)
        return found

    asks = (
        pages,
        lambda client: read_ledger(client, everything),
        lambda client: read_ledger(client, FactsAsked(("S1",), DAY, DAY, RECORDED + timedelta(minutes=2))),
        lambda client: read_ledger(client, everything, kinds=("count",), skus=("MILK",)),
        lambda client: read_ledger(client, FactsAsked((), DAY, DAY)),
    )
    whole = asked_after(place, "stock_ledger", [records], *asks)
    cut = asked_after(place, "stock_ledger", [[each] for each in records] + [records[2:5]], *asks)
    paged, now, then, only, nothing = whole

    assert cut == whole
    assert paged == now
    assert sorted((row.kind, row.quantity) for row in now) == [("count", 7), ("sale", -2), ("sale", -1)]
    assert sorted((row.kind, row.quantity) for row in then) == [("adjustment", 5), ("sale", -3)]
    assert ([row.store_id for row in only], nothing) == (["S2"], [])


@pytest.mark.stack
@pytest.mark.parametrize("cut", [1, 2], ids=["one by one", "at once"])
def test_of_an_id_that_came_again_with_other_content_the_first_stays(place: Addresses, cut: int) -> None:
    """On another day and with another line it would stand beside the first: the engine alone replaces within a sort key."""
    first = sold("s", at(1), 3)
    lines = [{"line": line, "sku": "MILK", "quantity": "1", "unit_price": "1.00", "gross": 100} for line in (1, 2)]
    again = event(SALE_COMPLETED, "s", at(2 * 1440), {"receipt_id": "s", "currency": "GBP", "lines": lines})
    records = logged([first, again])
    batches = [records[start : start + cut] for start in range(0, 2, cut)]
    week = FactsAsked(("S1",), DAY, DAY + timedelta(days=7))
    [found] = asked_after(place, "stock_ledger", batches, lambda client: read_ledger(client, week))

    assert [(row.business_date, row.quantity) for row in found] == [(DAY, Decimal(-3))]


@pytest.mark.stack
def test_punches_and_the_history_of_alerts_are_read_within_the_scope(place: Addresses) -> None:
    """Transitions and answers side by side; a taken-back answer and another store's punch are not shown."""
    punches = logged([punched("in", "p1", at(0), "a", "S1"), punched("out", "p2", at(9), "b", "S1"), punched("in", "p3", at(0), "a", "S2")])
    scoped = FactsAsked(("S1",), DAY, DAY)
    [mine, everybody] = asked_after(
        place,
        "clock_events",
        [punches],
        lambda client: read_punches(client, scoped, ("a",)),
        lambda client: read_punches(client, scoped),
    )
    assert [(row.kind, row.employee_id, row.store_id) for row in mine] == [("in", "a", "S1")]
    assert {row.employee_id for row in everybody} == {"a", "b"}

    transitions = logged([alert(1, "raised", "ana", "S1"), alert(2, "resolved", "ana", "S1"), alert(1, "raised", "ana", "S1")], ALERTS)
    data = {"alert_id": str(derived_id("any")), "rule": "no_show", "subject": "ana", "answer": "false_alarm", "by": "E-7"}
    answer = event(ALERT_ANSWERED, "w", at(3), data)
    answers = logged([answer, event(ALERT_ANSWERED, "x", at(4), data | {"answer": "true_alarm"}), corrected("k", answer, None)])
    long_ago = FactsAsked(("S1",), DAY.replace(year=2020), DAY.replace(year=2030))
    [history, rules] = asked_after(
        place,
        "alert_history",
        [transitions, answers],
        lambda client: read_history(client, long_ago),
        lambda client: read_history(client, long_ago, rules=("overtime",)),
    )
    assert sorted((row.kind, row.transition, row.status) for row in history) == [
        ("answer", 0, "true_alarm"),
        ("transition", 1, "raised"),
        ("transition", 2, "resolved"),
    ]
    assert {row.evidence[:1] for row in history if row.kind == "transition"} == {"{"}
    assert rules == []


def test_a_fact_without_a_business_date_is_a_dead_letter() -> None:
    """It could not be told where it counts; what rules say has the date of its time."""
    lost = sold("s", at(1))
    [record] = logged([Event(lost.envelope.model_copy(update={"business_date": None}), lost.data)])
    model = FactsModel(FACTS["stock_ledger"])
    [judgement] = seen(model, [record])

    assert (judgement.outcome, "business date" in judgement.detail) == (Outcome.DEAD, True)
