"""The two kinds of read model that the protocol is tried with: stock in Postgres, sales with their hourly sums in ClickHouse."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import psycopg
from clickhouse_connect.driver.client import Client

from contracts.envelope import Event
from contracts.events.correction import EventCorrected
from contracts.events.registry import SALE_COMPLETED
from contracts.fields import Model
from contracts.records import LogRecord
from infra.addresses import Addresses
from infra.clickhouse.client import async_writer
from projections.catalogue import PROJECTIONS
from projections.read_models.sales_by_hour.table import MEASURES
from projections.sinks.clickhouse import ClickHouseSink
from projections.sinks.clickhouse_sales import Candidate, SalesBatch, SalesModel
from projections.sinks.sink import Sink, SinkContext
from tests.projections import oracle, story
from tests.projections.clickhouse import oracle as hours
from tests.projections.clickhouse import sales_events as sales
from tests.projections.clickhouse.driving import clickhouse

Applied = dict[tuple[str, UUID], int]
"""Which events of which stores are in the store, and the offset at which each was found."""


class Subject(Protocol):
    """A read model: what happens to it, what it should say of a log, and what it says."""

    projection: str
    dies_at: Sequence[str]
    freezes_at: Sequence[str]
    commits_before: Sequence[str]

    def sink(self, context: SinkContext) -> Sink:
        """Make its sink."""
        ...

    def happening(self, name: str, store: str, choice: int) -> Event[Any]:
        """Make an event; another choice is another content of the same event."""
        ...

    def refused(self, name: str, store: str) -> Event[Any]:
        """Make an event that the store refuses while it is narrow."""
        ...

    def correction(self, name: str, wrong: Event[Any], is_right: bool) -> Event[Any]:
        """Correct an event or a correction: it did not occur, or it was otherwise."""
        ...

    def expected(self, records: Sequence[LogRecord]) -> Any:
        """Say what the records should have become, by the definition."""
        ...

    def found(self, stores: Sequence[str]) -> Any:
        """Say what they became."""
        ...

    def applied(self, stores: Sequence[str]) -> Applied:
        """Return the events that the store holds, each once."""
        ...

    def narrow(self, is_narrow: bool) -> None:
        """Let the store refuse what `refused` makes, or take it."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...


def _is_sale(wrong: Event[Any]) -> bool:
    corrected = wrong.data.corrects_type if isinstance(wrong.data, EventCorrected) else wrong.type
    return bool(corrected == SALE_COMPLETED)


class Stock:
    """Stock on hand: everything of a batch in one transaction."""

    projection = "stock_on_hand"
    dies_at: Sequence[str] = ("effects_written",)
    freezes_at: Sequence[str] = ("effects_written",)
    commits_before: Sequence[str] = ()

    def __init__(self, place: Addresses) -> None:
        self._postgres = psycopg.connect(place.postgres_dsn, autocommit=True)
        self.narrow(True)

    def sink(self, context: SinkContext) -> Sink:
        """Make the product's own."""
        return PROJECTIONS[self.projection].factory(context)

    def happening(self, name: str, store: str, choice: int) -> Event[Any]:
        """Sell, count or write off, now or earlier, one of two SKUs."""
        when, sku = story.at(choice % 60), ("MILK", "RICE")[choice % 2]
        if choice % 5 == 0:
            return story.counted(name, when, choice, sku, store)
        if choice % 5 == 1:
            return story.adjusted(name, when, choice % 9 - 4, sku, store)
        return story.sold(name, when, 1 + choice % 7, sku, store)

    def refused(self, name: str, store: str) -> Event[Any]:
        """Sell more than the store takes."""
        return story.sold(name, story.at(5), 500, "MILK", store)

    def correction(self, name: str, wrong: Event[Any], is_right: bool) -> Event[Any]:
        """Take a sale away, or make it another one."""
        right = story.sold("right", wrong.envelope.occurred_at, 3, "MILK", wrong.store_id) if is_right and _is_sale(wrong) else None
        return story.corrected(name, wrong, None if right is None else right.data.model_dump(mode="json", exclude_none=True))

    def expected(self, records: Sequence[LogRecord]) -> Any:
        """Count and add up."""
        return oracle.stock_totals(records)

    def found(self, stores: Sequence[str]) -> Any:
        """Read what is on hand."""
        statement = "SELECT store_id, sku, on_hand, counted_at FROM read_g1.stock_on_hand WHERE store_id = ANY(%s)"
        return {(row[0], row[1]): (row[2], row[3]) for row in self._postgres.execute(statement, [list(stores)])}

    def applied(self, stores: Sequence[str]) -> Applied:
        """Read the events, of which the key allows one each."""
        statement = "SELECT store_id, event_id, position FROM read_g1.stock_on_hand_events WHERE store_id = ANY(%s)"
        return {(row[0], row[1]): row[2] for row in self._postgres.execute(statement, [list(stores)])}

    def narrow(self, is_narrow: bool) -> None:
        """Allow only small movements, or any."""
        self._postgres.execute("ALTER TABLE read_g1.stock_movements DROP CONSTRAINT IF EXISTS narrow")
        if is_narrow:
            self._postgres.execute("ALTER TABLE read_g1.stock_movements ADD CONSTRAINT narrow CHECK (quantity > -400) NOT VALID")

    def close(self) -> None:
        """Hang up."""
        self._postgres.close()


class SharedSink(ClickHouseSink[Candidate, SalesBatch]):
    """The product's sink without the probe of the tables, which its own tests are about."""

    async def start(self) -> None:
        """Connect."""
        self._client = await async_writer(self._context.addresses.clickhouse_url)
        self._client.form_encode_query_params = True
        self._model.connect(self._client)


class Sales:
    """Sales in ClickHouse: facts, then sums, then the positions in Postgres."""

    projection = "sales"
    dies_at: Sequence[str] = ("before_insert", "inserted", "recomputed", "effects_written", "positions_advanced")
    freezes_at: Sequence[str] = ("before_insert", "inserted", "recomputed", "effects_written")
    commits_before: Sequence[str] = ("positions_advanced",)
    model: type[SalesModel] = SalesModel
    sink_type: type[SharedSink] = SharedSink

    def __init__(self, place: Addresses) -> None:
        self._client: Client = clickhouse(place)
        self.narrow(True)

    def sink(self, context: SinkContext) -> Sink:
        """Make the product's own, or one that lacks something."""
        return self.sink_type(context, self.model(1, context.safeguards.first_position_wins))

    def happening(self, name: str, store: str, choice: int) -> Event[Any]:
        """Sell, take back or void, on one of two days, in one of two hours."""
        moment = sales.at(9 + choice % 2, choice % 60, sales.DAY - timedelta(days=choice % 4 // 3))
        lines = [sales.line(1 + number, 100 + choice) for number in range(1 + choice % 3)]
        make = (sales.sale, sales.sale, sales.sale, sales.returned, sales.voided)[choice % 5]
        return make(name, moment, *lines, store=store)

    def refused(self, name: str, store: str) -> Event[Any]:
        """Sell what the store does not take."""
        return sales.sale(name, sales.at(9), sales.line(1), sales.line(9, 900), store=store)

    def correction(self, name: str, wrong: Event[Any], is_right: bool) -> Event[Any]:
        """Take a sale away, or make it another one."""
        right: Event[Model] | None = None
        if is_right and _is_sale(wrong):
            right = sales.sale("right", sales.at(10), sales.line(1, 777), store=wrong.store_id)
        return sales.corrected(name, wrong, right)

    def expected(self, records: Sequence[LogRecord]) -> Any:
        """Add up by the hour."""
        return hours.expected_sums(records)

    def found(self, stores: Sequence[str]) -> Any:
        """Read the hours that count anything."""
        columns = ", ".join(MEASURES)
        rows = self._client.query(
            f"SELECT store_id, business_date, hour_start, currency, {columns} FROM sales_by_hour_g1 FINAL "
            "WHERE counted_lines != 0 AND store_id IN {stores:Array(String)}",
            parameters={"stores": list(stores)},
        ).result_rows
        return {hours.HourKey(*row[:4]): dict(zip(MEASURES, row[4:], strict=True)) for row in rows}

    def applied(self, stores: Sequence[str]) -> Applied:
        """Read the events; one whose lines are there twice, or in part, has no offset that fits."""
        rows = self._client.query(
            """
            SELECT store_id, event_id, if(count() = max(whole) AND min(position) = max(position), min(position), 1000000) FROM (
                SELECT store_id, event_id, position, if(is_correction, line_count + 1, line_count) AS whole FROM sales_lines_g1 FINAL
                WHERE store_id IN {stores:Array(String)}
                UNION ALL
                SELECT store_id, event_id, position, 1 AS whole FROM sale_corrections_g1 FINAL WHERE store_id IN {stores:Array(String)}
            ) GROUP BY store_id, event_id
            """,
            parameters={"stores": list(stores)},
        ).result_rows
        return {(row[0], row[1]): row[2] for row in rows}

    def narrow(self, is_narrow: bool) -> None:
        """Allow all SKUs but one, or all."""
        self._client.command("ALTER TABLE sales_lines_g1 DROP CONSTRAINT IF EXISTS narrow")
        if is_narrow:
            self._client.command("ALTER TABLE sales_lines_g1 ADD CONSTRAINT narrow CHECK sku != 'SKU-9'")

    def close(self) -> None:
        """Hang up."""
        self._client.close()
