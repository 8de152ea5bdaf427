"""The questions that the sales rollup answers."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from infra.addresses import Addresses
from infra.clickhouse.client import async_reader
from projections.read_models.sales_by_hour.reader import Grouping, SalesQuery, SalesRow, UnknownGrouping, read_sales
from tests.projections.clickhouse.driving import drive, publish
from tests.projections.clickhouse.sales_events import DAY, at, line, returned, sale, voided

pytestmark = pytest.mark.stack

UNTIL = DAY + timedelta(days=60)
BUCKETS: tuple[tuple[Grouping, ...], ...] = (("day",), ("week",), ("month",))


def ask(place: Addresses, *queries: SalesQuery) -> list[list[SalesRow]]:
    """Ask the questions over one connection."""

    async def run() -> list[list[SalesRow]]:
        client = await async_reader(place.clickhouse_url)
        try:
            return [await read_sales(client, query) for query in queries]
        finally:
            await client.close()

    return asyncio.run(run())


@pytest.fixture
def trade(place: Addresses) -> Addresses:
    """Two stores and two currencies over two months."""
    publish(
        place,
        [
            sale("R1", at(9, 10), line(1, 500, "2", discount=100), line(2, 70, kind="service"), store="A"),
            sale("R2", at(10, 10), line(1, 300), store="A"),
            returned("T1", at(10, 30), line(1, 120), store="A"),
            voided("V1", at(10, 40), line(1, 300), store="A"),
            sale("R3", at(9, 30), line(1, 4), store="B"),
            sale("R4", at(9, day=DAY + timedelta(days=40)), line(1, 8), store="B"),
            sale("R5", at(9, 5), line(1, 1), store="A", currency="JPY"),
            sale("R6", at(12), line(1, 55, kind="service"), store="B"),
        ],
    )
    drive(place)
    return place


def test_the_figures_are_those_of_their_definitions(trade: Addresses) -> None:
    """Net is gross less discounts, returns and voids; averages are over sales; services never count; currencies stay apart."""
    [rows] = ask(trade, SalesQuery(("A",), DAY, DAY))
    won = next(row for row in rows if row.currency == "KRW")

    assert [row.currency for row in rows] == ["JPY", "KRW"]
    assert (won.gross, won.discounts, won.returns, won.voids, won.net) == (1300, 100, 120, 300, 780)
    assert (won.transactions, won.sale_net, won.units, won.service_amount) == (1, 900, Decimal(2), 70)
    assert (won.average_transaction_value, won.units_per_transaction) == (Decimal(900), Decimal(2))


def test_where_no_transaction_was_there_is_no_average(trade: Addresses) -> None:
    """A service alone is no sale of goods: dividing by nothing is told as nothing."""
    [rows] = ask(trade, SalesQuery(("B",), DAY, DAY, ("hour",)))
    noon = rows[-1]

    assert (noon.service_amount, noon.transactions) == (55, 0)
    assert (noon.average_transaction_value, noon.units_per_transaction) == (None, None)


def test_buckets_are_business_days_weeks_months_and_local_hours(trade: Addresses) -> None:
    """Weeks begin on Monday; hours are told in UTC with the store's offset."""
    hours, days, weeks, months = ask(
        trade,
        SalesQuery(("A",), DAY, DAY, ("store", "hour")),
        *(SalesQuery(("B",), DAY, UNTIL, by) for by in BUCKETS),
    )
    later = DAY + timedelta(days=40)

    assert [(h.bucket, h.utc_offset_minutes, h.currency) for h in hours] == [
        (datetime(2026, 3, 2, 0, tzinfo=UTC), 540, "JPY"),
        (datetime(2026, 3, 2, 0, tzinfo=UTC), 540, "KRW"),
        (datetime(2026, 3, 2, 1, tzinfo=UTC), 540, "KRW"),
    ]
    assert hours[0].local_start == datetime(2026, 3, 2, 9)  # noqa: DTZ001 - a wall clock
    assert [d.bucket for d in days] == [DAY, later]
    assert [w.bucket for w in weeks] == [date(2026, 3, 2), later - timedelta(days=later.weekday())]
    assert [m.bucket for m in months] == [date(2026, 3, 1), date(2026, 4, 1)]


def test_pages_put_together_are_the_whole_answer(trade: Addresses) -> None:
    """The key of the last row is where the next page begins."""
    whole = SalesQuery(("A", "B"), DAY, UNTIL, ("store", "hour"))
    [expected] = ask(trade, whole)
    pages: list[SalesRow] = []
    while True:
        after = pages[-1].key if pages else None
        [page] = ask(trade, SalesQuery(("A", "B"), DAY, UNTIL, ("store", "hour"), limit=2, after=after))
        if not page:
            break
        pages += page

    assert len(expected) == 6
    assert pages == expected


def test_a_scope_is_never_left(trade: Addresses) -> None:
    """No store, no rows; and a name that looks like SQL is only a name."""
    nothing, odd, everything = ask(
        trade,
        SalesQuery((), DAY, UNTIL),
        SalesQuery(("A') OR 1 = 1 --", "{stores}"), DAY, UNTIL),
        SalesQuery(("A", "B"), DAY, UNTIL, ("store",)),
    )

    assert (nothing, odd) == ([], [])
    assert {row.store_id for row in everything} == {"A", "B"}


def test_two_spans_at_once_are_refused(trade: Addresses) -> None:
    """A row has one bucket."""
    with pytest.raises(UnknownGrouping):
        ask(trade, SalesQuery(("A", "B"), DAY, UNTIL, ("day", "month")))
