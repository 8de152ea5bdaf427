"""Sales by store and by hour, day, week or month, always apart by currency; chain figures are sums made here when read.

By channel or promotion, and as known at a moment, the same sums are taken over the facts: what the hourly sums do not have.

Nothing is cached and nothing is formatted into a statement: every value is bound, grouping picks among literal texts.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal, TypeAlias

from clickhouse_connect.driver.asyncclient import AsyncClient

from projections.read_models.sales_by_hour.recompute import SUMS_OF_LINES, WORDS
from projections.read_models.sales_by_hour.table import SALES_BY_HOUR
from projections.sale_facts import COUNTING, FactsAsked, counting

Grouping: TypeAlias = Literal["store", "hour", "day", "week", "month", "channel", "promotion"]
Bucket: TypeAlias = datetime | date | None
Cursor: TypeAlias = tuple[Bucket, str | None, str | None, str | None, str]

_PLACES: Final = Decimal("0.0001")
_BUCKETS: Final[dict[str, tuple[str, str]]] = {
    "hour": ("hour_start", "DateTime64(0, 'UTC')"),
    "day": ("business_date", "Date"),
    "week": ("toMonday(business_date)", "Date"),
    "month": ("toStartOfMonth(business_date)", "Date"),
}


_DIMENSIONS: Final = {"channel": "channel", "promotion": "promotion_id"}
"""Groupings by what a line says, and its columns."""


class UnknownGrouping(ValueError):
    """A grouping is not known, or two spans of time are asked for at once."""


@dataclass(frozen=True, slots=True)
class SalesQuery:
    """What is asked: both dates are inclusive business dates; `known_at`: only of facts that were recorded by then.

    `after` is the key of the last row of the page before.
    """

    store_ids: tuple[str, ...]
    date_from: date
    date_until: date
    group_by: tuple[Grouping, ...] = ()
    limit: int = 1_000
    after: Cursor | None = None
    known_at: datetime | None = None

    @property
    def needs_facts(self) -> bool:
        """Tell whether the hourly sums cannot answer it."""
        return self.known_at is not None or not _DIMENSIONS.keys().isdisjoint(self.group_by)


@dataclass(frozen=True, slots=True)
class SalesRow:
    """Sums in minor units of one currency.

    `bucket` is the start of the local hour in UTC (its local offset in `utc_offset_minutes`), the business date, the
    Monday of the week or the first of the month; the first and last business date with sales in it stand beside it. The two
    averages are None where there was no transaction; `average_transaction_value` is in minor units, rounded half up to four places.
    """

    store_id: str | None
    bucket: Bucket
    utc_offset_minutes: int | None
    currency: str
    gross: int
    discounts: int
    returns: int
    voids: int
    net: int
    transactions: int
    sale_net: int
    units: Decimal
    service_amount: int
    average_transaction_value: Decimal | None
    units_per_transaction: Decimal | None
    first_date: date
    last_date: date
    channel: str | None = None
    promotion_id: str | None = None

    @property
    def key(self) -> Cursor:
        """Return where the next page begins."""
        return self.bucket, self.store_id, self.channel, self.promotion_id, self.currency

    @property
    def local_start(self) -> datetime | None:
        """Return the bucket as the store's clock showed it, for hours only."""
        if not isinstance(self.bucket, datetime) or self.utc_offset_minutes is None:
            return None
        return self.bucket.replace(tzinfo=None) + timedelta(minutes=self.utc_offset_minutes)


def _span(query: SalesQuery) -> str | None:
    spans = [name for name in query.group_by if name != "store" and name not in _DIMENSIONS]
    if len(spans) > 1 or any(name not in _BUCKETS for name in spans):
        raise UnknownGrouping(f"at most one of {', '.join(_BUCKETS)}")
    return spans[0] if spans else None


def _keys(query: SalesQuery) -> list[tuple[str, str, str]]:
    """Return name, expression and type of each grouping key, in the order of the rows."""
    span = _span(query)
    keys = [("bucket", *_BUCKETS[span])] if span else []
    if "store" in query.group_by:
        keys.append(("store_id", "store_id", "String"))
    keys += [(column, column, "String") for name, column in _DIMENSIONS.items() if name in query.group_by]
    return [*keys, ("currency", "currency", "String")]


_SUMS: Final = """
    sum(gross) AS gross_sum, sum(discounts) AS discounts_sum, sum(returns) AS returns_sum, sum(voids) AS voids_sum, sum(net) AS net_sum,
    sum(transactions) AS transactions_sum, sum(sale_net) AS sale_net_sum, sum(units) AS units_sum, sum(service_amount) AS service_sum,
    max(utc_offset_minutes) AS utc_offset, min(business_date) AS first_date, max(business_date) AS last_date
"""


_ROLLUP: Final = "{rollup:Identifier} FINAL"
_OF_FACTS: Final = f"""(
    SELECT *, utc_offset AS utc_offset_minutes, gross_sum AS gross, discount_sum AS discounts, return_sum AS returns, void_sum AS voids,
           gross_sum - discount_sum - return_sum - void_sum AS net, transaction_count AS transactions,
           gross_sum - discount_sum - void_sum AS sale_net, unit_sum AS units, service_sum AS service_amount, line_sum AS counted_lines
    FROM (
        WITH {WORDS}
        SELECT store_id, business_date, hour_start, currency{{dimensions}}, max(utc_offset_minutes) AS utc_offset, {SUMS_OF_LINES}
        FROM {{lines:Identifier}} FINAL WHERE {COUNTING}
        GROUP BY store_id, business_date, hour_start, currency{{dimensions}}
    )
)"""  # noqa: S608 - literal texts


def _source(query: SalesQuery) -> str:
    if not query.needs_facts:
        return _ROLLUP
    dimensions = [column for name, column in _DIMENSIONS.items() if name in query.group_by]
    return _OF_FACTS.replace("{dimensions}", "".join(f", {column}" for column in dimensions))


def _statement(query: SalesQuery) -> str:
    keys = _keys(query)
    names = ", ".join(f"{name}_key" for name, _, _ in keys)
    columns = ", ".join(f"{expression} AS {name}_key" for name, expression, _ in keys)
    later = ""
    if query.after is not None:
        after = ", ".join(f"{{after_{name}:{kind}}}" for name, _, kind in keys)
        later = f"AND ({names}) > ({after})"
    return f"""
        SELECT {columns}, {_SUMS} FROM {_source(query)}
        WHERE business_date BETWEEN {{date_from:Date}} AND {{date_until:Date}} AND store_id IN {{stores:Array(String)}}
        GROUP BY {names} HAVING sum(counted_lines) > 0 {later} ORDER BY {names} LIMIT {{limit:UInt32}}
    """  # noqa: S608 - literal fragments only, every value is bound


def _parameters(query: SalesQuery, generation: int) -> dict[str, Any]:
    bound: dict[str, Any] = {
        "rollup": SALES_BY_HOUR.name(generation),
        "stores": list(query.store_ids),
        "date_from": query.date_from,
        "date_until": query.date_until,
        "limit": query.limit,
    }
    if query.after is not None:
        names = ("bucket", "store_id", "channel", "promotion_id", "currency")
        bound |= {f"after_{name}": value for name, value in zip(names, query.after, strict=True)}
    return {name: value for name, value in bound.items() if value is not None}


def _average(total: Decimal | int, count: int) -> Decimal | None:
    return (Decimal(total) / count).quantize(_PLACES, ROUND_HALF_UP) if count > 0 else None


def _row(query: SalesQuery, found: dict[str, Any]) -> SalesRow:
    by_hour = _span(query) == "hour"
    transactions, units = int(found["transactions_sum"]), Decimal(found["units_sum"])
    return SalesRow(
        store_id=found.get("store_id_key"),
        bucket=found.get("bucket_key"),
        utc_offset_minutes=int(found["utc_offset"]) if by_hour else None,
        currency=found["currency_key"],
        gross=int(found["gross_sum"]),
        discounts=int(found["discounts_sum"]),
        returns=int(found["returns_sum"]),
        voids=int(found["voids_sum"]),
        net=int(found["net_sum"]),
        transactions=transactions,
        sale_net=int(found["sale_net_sum"]),
        units=units,
        service_amount=int(found["service_sum"]),
        average_transaction_value=_average(found["sale_net_sum"], transactions),
        units_per_transaction=_average(units, transactions),
        first_date=found["first_date"],
        last_date=found["last_date"],
        channel=found.get("channel_key"),
        promotion_id=found.get("promotion_id_key"),
    )


async def read_sales(client: AsyncClient, query: SalesQuery, generation: int = 1) -> list[SalesRow]:
    """Answer a query in the order of bucket, store, channel, promotion and currency; UnknownGrouping, or the driver's errors.

    An hour that was emptied by corrections is left out. An empty tuple of stores finds nothing.
    """
    if not query.store_ids:
        return []
    client.form_encode_query_params = True  # a scope of many stores does not fit an address
    bound = _parameters(query, generation)
    if query.needs_facts:
        bound |= await counting(client, FactsAsked(query.store_ids, query.date_from, query.date_until, query.known_at), generation)
    result = await client.query(_statement(query), parameters=bound)
    return [_row(query, found) for found in result.named_results()]
