"""As known at T: the answer that facts recorded until T give, and the facts recorded since that explain the difference."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.fields import Model
from contracts.records import RawRecord
from infra.addresses import Addresses
from infra.clickhouse.client import async_writer
from projections.read_models.sales_by_hour.changes import FIRST_PAGE, Change, read_changes
from projections.read_models.sales_by_hour.reader import SalesQuery, SalesRow, read_sales
from projections.read_models.sales_lines.reader import read_lines
from projections.read_models.tenders_by_day.reader import read_tenders
from projections.read_models.voids_and_refunds.reader import read_cashiers
from projections.sale_facts import FactsAsked
from projections.shift_spans import ShiftSpan, spans_of
from projections.sinks.clickhouse_sales import SalesModel
from tests.examples import examples
from tests.projections.clickhouse.driving import clickhouse, seen
from tests.projections.clickhouse.oracle import expected_sums
from tests.projections.clickhouse.sales_events import DAY, RECORDED, at, corrected, heaps, line, on_log, returned, sale, voided
from tillstream.kpis import Span, find_changes, find_sales

pytestmark = pytest.mark.stack

Answer = TypeVar("Answer")
STORES, LAST = ("S1", "S2"), DAY + timedelta(days=1)
TABLES = ("sales_lines_g1", "receipt_tenders_g1", "sale_corrections_g1", "sales_by_hour_g1")


def recorded_one_by_one(events: Sequence[Event[Model]]) -> list[RawRecord]:
    """Lay events on a log that takes one a minute."""
    return [
        RawRecord(r.topic, r.partition, r.offset, RECORDED + 60_000 * minute, r.key, r.value, r.headers)
        for minute, r in enumerate(on_log(list(events)))
    ]


def minute(number: int) -> datetime:
    """Return when the record of a number was recorded."""
    return datetime.fromtimestamp(RECORDED / 1000, UTC) + timedelta(minutes=number)


def asked_after(place: Addresses, records: Sequence[RawRecord], ask: Callable[[AsyncClient], Awaitable[Answer]]) -> Answer:
    """Fold records into emptied tables, and ask."""

    async def run() -> Answer:
        client = await async_writer(place.clickhouse_url)
        client.form_encode_query_params = True
        model = SalesModel()
        model.connect(client)
        try:
            work = await model.prepare(seen(model, records))
            await model.insert(work)
            await model.sum_again(work, 1)
            return await ask(client)
        finally:
            await client.close()

    with clickhouse(place) as client:
        for table in TABLES:
            client.command(f"TRUNCATE TABLE {table}")
    return asyncio.run(run())


def figures(rows: Sequence[SalesRow]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Return the measures by store, hour and currency."""
    return {
        (r.store_id, r.bucket, r.currency): (r.gross, r.discounts, r.returns, r.voids, r.net, r.transactions, r.units, r.service_amount)
        for r in rows
    }


def expected(records: Sequence[RawRecord]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Return the same from a plain fold of the records."""
    names = ("gross", "discounts", "returns", "voids", "net", "transactions", "units", "service_amount")
    return {(k.store_id, k.hour_start, k.currency): tuple(row[name] for name in names) for k, row in expected_sums(records).items()}


@settings(max_examples=examples(8), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(events=heaps(), known=st.integers(-1, 22))
def test_what_was_known_is_the_fold_of_what_was_recorded_and_the_changes_are_the_difference(
    place: Addresses, events: list[Event[Model]], known: int
) -> None:
    """Sales, returns, voids, corrections of corrections and repeats in any order, cut at any moment."""
    records = recorded_one_by_one(events)

    async def ask(client: AsyncClient) -> tuple[list[SalesRow], list[SalesRow], list[Change]]:
        query = SalesQuery(STORES, DAY, LAST, ("store", "hour"))
        then = SalesQuery(STORES, DAY, LAST, ("store", "hour"), known_at=minute(known))
        changes: list[Change] = []
        page = await read_changes(client, FactsAsked(STORES, DAY, LAST), minute(known), limit=3)
        while page:
            changes += page
            page = await read_changes(client, FactsAsked(STORES, DAY, LAST), minute(known), after=page[-1].cursor, limit=3)
        return await read_sales(client, query), await read_sales(client, then), changes

    now, then, changes = asked_after(place, records, ask)

    assert figures(then) == expected([r for r in records if r.timestamp <= RECORDED + 60_000 * known])
    assert figures(now) == expected(records)
    for name in ("gross", "discounts", "returns", "voids", "net", "transactions"):
        difference = sum(getattr(row, name) for row in now) - sum(getattr(row, name) for row in then)
        assert sum(getattr(change, name) for change in changes) == difference, name
    assert all(change.recorded_at > minute(known) for change in changes)
    assert len({change.cursor for change in changes}) == len(changes)


def test_a_change_names_the_fact_that_caused_it(place: Addresses) -> None:
    """A late sale came, a wrong one was taken back by a correction and its right content came; what was known before is not told."""
    early, wrong, late = sale("R1", at(9), line(1, 100)), sale("R2", at(9), line(1, 500)), sale("R3", at(9), line(1, 30))
    correction = corrected("C1", wrong, sale("right", at(9), line(1, 450)))
    records = recorded_one_by_one([early, wrong, late, correction])
    changes = asked_after(place, records, lambda client: read_changes(client, FactsAsked(STORES, DAY, DAY), minute(1)))

    assert {(c.event_id, c.what, c.caused_by, c.net, c.recorded_at, c.corrects_event_id) for c in changes} == {
        (late.id, "came", late.id, 30, minute(2), None),
        (wrong.id, "taken_back", correction.id, -500, minute(3), None),
        (correction.id, "came", correction.id, 450, minute(3), wrong.id),
    }
    assert asked_after(place, records, lambda client: read_changes(client, FactsAsked((), DAY, DAY), minute(1), 1, FIRST_PAGE)) == []


def test_the_command_line_tells_the_same(place: Addresses) -> None:
    """What an operator reads is what the API answers."""
    records = recorded_one_by_one([sale("R1", at(9), line(1, 100)), sale("R2", at(10), line(1, 30))])

    async def ask(_: AsyncClient) -> tuple[list[SalesRow], list[SalesRow], list[Change]]:
        span = Span(("S1",), DAY, DAY)
        hours = await find_sales(place, span, ("store", "hour"), None, rows_per_page=1)
        return await find_sales(place, span, ("store", "day"), minute(0)), hours, await find_changes(place, span, minute(0), 10)

    [then], hours, [change] = asked_after(place, records, ask)

    assert (then.store_id, then.bucket, then.net) == ("S1", DAY, 100)
    assert [row.net for row in hours] == [100, 30]
    assert (change.what, change.net) == ("came", 30)


def test_sales_are_told_apart_by_channel_and_promotion_and_add_up(place: Addresses) -> None:
    """What the hourly sums do not keep comes from the facts, on pages as well."""
    promoted = line(2, 70) | {"promotion_id": "2PLUS1"}
    records = recorded_one_by_one(
        [sale("R1", at(9), line(1, 500), promoted), sale("R2", at(9), line(1, 300), channel="online"), sale("R3", at(10), promoted)]
    )

    async def ask(client: AsyncClient) -> tuple[list[SalesRow], ...]:
        first = await read_sales(client, SalesQuery(STORES, DAY, DAY, ("promotion",), limit=1))
        rest = await read_sales(client, SalesQuery(STORES, DAY, DAY, ("promotion",), after=first[0].key))
        return await read_sales(client, SalesQuery(STORES, DAY, DAY, ("store", "channel"))), first + rest

    by_channel, by_promotion = asked_after(place, records, ask)

    assert [(r.store_id, r.channel, r.net, r.transactions) for r in by_channel] == [("S1", "online", 300, 1), ("S1", "store", 640, 2)]
    assert [(r.promotion_id, r.net, r.transactions) for r in by_promotion] == [("", 800, 2), ("2PLUS1", 140, 2)]


def test_tenders_and_cashiers_count_what_counts_now_or_counted_then(place: Addresses) -> None:
    """Change is not money taken, a void pays back, a correction takes the payment with the receipt; before it, it was there."""
    cash = {"tenders": [{"kind": "cash", "amount": 600, "change": 100}], "employee_id": "E-1", "period_id": "P1"}
    wrong = sale("R2", at(9), line(1, 500), **cash)
    records = recorded_one_by_one(
        [
            sale("R1", at(9), line(1, 500), **cash),
            wrong,
            voided("V1", at(9), line(1, 500), **cash),
            voided("V2", at(9), line(1, 500), phase="before_completion", **cash),
            returned("T1", at(9), line(1, 50), tenders=[{"kind": "card", "amount": 50}], employee_id="E-1", period_id="P1"),
            corrected("C1", wrong),
        ]
    )

    async def ask(client: AsyncClient) -> list[Any]:
        asked = [FactsAsked(STORES, DAY, DAY, known_at) for known_at in (None, minute(4))]
        return [await read(client, each) for read in (read_tenders, read_cashiers) for each in asked]  # type: ignore[operator]

    paid_now, paid_then, cashiers_now, cashiers_then = asked_after(place, records, ask)

    assert [(r.kind, r.tenders, r.received, r.paid_back, r.amount) for r in paid_now] == [("card", 1, 0, 50, -50), ("cash", 2, 500, 500, 0)]
    assert [(r.kind, r.amount) for r in paid_then] == [("card", -50), ("cash", 500)]
    [now], [then] = cashiers_now, cashiers_then
    assert (now.employee_id, now.group_id, now.completed, now.gross, now.voided, now.void_amount) == ("E-1", "P1", 1, 500, 1, 500)
    assert (now.cancelled, now.refunded, now.refund_amount, now.refund_rate) == (1, 1, 50, Decimal("0.1000"))
    assert (then.completed, then.gross, then.void_rate) == (2, 1000, Decimal("0.5000"))


def test_cashiers_by_shift_and_the_lines_behind_them(place: Addresses) -> None:
    """A receipt belongs to the shift of its cashier that encloses it, ends included; off any shift it is listed under no name."""
    early, late = ShiftSpan("S1", "E-1", "A", at(8), at(9)), ShiftSpan("S1", "E-1", "B", at(10), at(12))
    shifts = [early, late, ShiftSpan("S1", "E-2", "C", at(8), at(20)), ShiftSpan("S2", "E-1", "D", at(8), at(20))]
    records = recorded_one_by_one(
        [
            sale("R1", at(9), line(1, 100), line(2, 10), employee_id="E-1", till_id="1"),
            sale("R2", at(9) + timedelta(minutes=30), line(1, 200), employee_id="E-1"),
            voided("V1", at(11), line(1, 40), employee_id="E-1"),
            sale("R3", at(11), line(1, 300), employee_id="E-2"),
            sale("R4", at(11), line(1, 400)),
        ]
    )

    async def ask(client: AsyncClient) -> tuple[list[Any], ...]:
        asked = FactsAsked(STORES, DAY, DAY)
        first = await read_cashiers(client, asked, limit=2, shifts=shifts)
        rest = await read_cashiers(client, asked, after=first[-1].cursor, shifts=shifts)
        lines = await read_lines(client, asked, {}, limit=3)
        more = await read_lines(client, asked, {}, after=lines[-1].cursor)
        only = await read_lines(client, asked, {"sku": ["SKU-2"], "till_id": ["1"]})
        then = await read_lines(client, FactsAsked(STORES, DAY, DAY, minute(0)), {})
        return [*first, *rest], [*lines, *more], only, then

    cashiers, lines, only, then = asked_after(place, records, ask)

    assert [(r.employee_id, r.group_id, r.completed, r.gross, r.voided) for r in cashiers] == [
        ("", "", 1, 400, 0),
        ("E-1", "", 1, 200, 0),
        ("E-1", "A", 1, 110, 0),
        ("E-1", "B", 0, 0, 1),
        ("E-2", "C", 1, 300, 0),
    ]
    assert sorted(row.gross for row in lines) == [10, 40, 100, 200, 300, 400]
    assert [(row.sku, row.gross, row.receipt_id) for row in only] == [("SKU-2", 10, "R1")]
    assert [row.gross for row in then] == [100, 10]


def test_a_shift_is_as_long_as_somebody_was_on_it() -> None:
    """Who came early or stayed long was on it all that time; a session of no shift belongs to none, and no press leaves the plan."""
    plan = {"shift_id": "A", "starts_at": at(9).isoformat(), "ends_at": at(17).isoformat()}
    sessions = [
        {"shift_id": "A", "in_at": at(8).isoformat(), "out_at": at(12).isoformat()},
        {"shift_id": "A", "in_at": at(13).isoformat(), "out_at": None},
        {"shift_id": None, "in_at": at(1).isoformat(), "out_at": at(23).isoformat()},
    ]
    assert spans_of("S1", "E-1", [plan], sessions) == [ShiftSpan("S1", "E-1", "A", at(8), at(17))]
    assert spans_of("S1", "E-1", [plan], []) == [ShiftSpan("S1", "E-1", "A", at(9), at(17))]
