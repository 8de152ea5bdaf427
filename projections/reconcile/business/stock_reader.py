"""Adds up the stock ledger in ClickHouse, store by store, and reads what Postgres says of the same counts and goods."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from clickhouse_connect.driver.asyncclient import AsyncClient
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.read_models.stock_ledger.table import STOCK_LEDGER
from projections.read_models.stock_on_hand.moments import CountCursor, CountsAsked, read_counts
from projections.read_models.stock_on_hand.reader import StockCursor, read_stock
from projections.reconcile.business.reading import generation_of
from projections.reconcile.checks import Connections
from projections.sale_facts import CORRECTIONS, Correction, out_of

_PAGE: Final = 1_000
_MONTH: Final = timedelta(days=31)
_EVER: Final = {"date_from": date(1970, 1, 1), "date_until": date(2149, 1, 1)}

_FACTS: Final = """(
        SELECT event_id, line, kind, sku, quantity, moved_at, position FROM {table:Identifier} FINAL
        WHERE store_id = {store:String} AND kind != '' AND event_id NOT IN (SELECT arrayJoin({out:Array(UUID)}))
    )"""
_STOCK: Final = f"""
    SELECT f.sku, any(c.counted) + sumIf(f.quantity, f.kind != 'count' AND f.moved_at > c.at)
    FROM {_FACTS} AS f LEFT JOIN (
        SELECT sku, max(moved_at) AS at, argMax(quantity, (moved_at, position, line)) AS counted
        FROM {_FACTS} WHERE kind = 'count' GROUP BY sku
    ) AS c ON f.sku = c.sku GROUP BY f.sku
"""  # noqa: S608 - literal texts
_MOVED: Final = f"""(
        SELECT sku, moved_at, sum(q) OVER since_ever AS net, sum(a) OVER since_ever AS turn
        FROM (
            SELECT sku, moved_at, sum(quantity) AS q, sum(abs(quantity)) AS a FROM {_FACTS}
            WHERE kind != 'count' AND moved_at > {{opened:DateTime64(6, 'UTC')}} AND moved_at < {{until:DateTime64(6, 'UTC')}}
            GROUP BY sku, moved_at
        )
        WINDOW since_ever AS (PARTITION BY sku ORDER BY moved_at)
    )"""  # noqa: S608 - literal texts
_COUNTS: Final = f"""
    SELECT t.sku, t.at, toString(t.event_id), t.counted, t.opening + t.net - m.net, t.turn - m.turn FROM (
        SELECT a.sku AS sku, a.at AS at, a.event_id AS event_id, a.counted AS counted, a.opening AS opening, a.opened_at AS opened_at,
               m.net AS net, m.turn AS turn
        FROM (
            SELECT c.sku AS sku, c.moved_at AS at, c.event_id AS event_id, c.quantity AS counted, b.counted AS opening, b.at AS opened_at
            FROM (SELECT * FROM {_FACTS} WHERE kind = 'count' AND moved_at >= {{since:DateTime64(6, 'UTC')}}
                  AND moved_at < {{until:DateTime64(6, 'UTC')}}) AS c
            ASOF JOIN (
                SELECT sku, moved_at AS at, argMax(quantity, (position, line)) AS counted
                FROM {_FACTS} WHERE kind = 'count' GROUP BY sku, moved_at
            ) AS b ON c.sku = b.sku AND c.moved_at > b.at
        ) AS a ASOF LEFT JOIN {_MOVED} AS m ON a.sku = m.sku AND a.at >= m.moved_at
    ) AS t ASOF LEFT JOIN {_MOVED} AS m ON t.sku = m.sku AND t.opened_at >= m.moved_at
    ORDER BY t.sku, t.at, t.event_id
"""  # noqa: S608 - literal texts
"""Each count with the one before it: the book is that count and what moved after it, a movement at the count's own moment included.

Of movements before the first of these counts nothing is read: books are differences of sums, wherever the sums begin.
"""
_OPENED: Final = f"""
    SELECT count(), min(b.at) FROM (
        SELECT sku, min(moved_at) AS first FROM {_FACTS} WHERE kind = 'count' AND moved_at >= {{since:DateTime64(6, 'UTC')}}
          AND moved_at < {{until:DateTime64(6, 'UTC')}} GROUP BY sku
    ) AS c ASOF JOIN (SELECT sku, moved_at AS at FROM {_FACTS} WHERE kind = 'count') AS b ON c.sku = b.sku AND c.first > b.at
"""  # noqa: S608 - literal texts
"""The earliest of the counts that those of a span are compared with, for each SKU the last before it."""
_WHEN: Final = f"""
    SELECT count(), min(moved_at), max(moved_at) FROM {_FACTS}
    WHERE kind = 'count' AND moved_at >= {{since:DateTime64(6, 'UTC')}} AND moved_at < {{until:DateTime64(6, 'UTC')}}
"""  # noqa: S608 - literal texts


class CountKey(NamedTuple):
    """One counted SKU of a sheet."""

    sku: str
    counted_at: datetime
    event_id: str


class CountSeen(NamedTuple):
    """A count, the book of its moment by the ledger, and how many units moved since the count before; units."""

    key: CountKey
    counted: Decimal
    book: Decimal
    moved: Decimal


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger of one store. `bound`: its table, and the events that do not count."""

    client: AsyncClient
    store_id: str
    bound: Mapping[str, Any]

    @classmethod
    async def of(cls, connections: Connections, store_id: str) -> "Ledger":
        """Ask which events of a store do not count."""
        client = connections.clickhouse
        client.form_encode_query_params = True  # a store's corrections of years do not fit an address
        table = STOCK_LEDGER.name(await generation_of(connections.engine, "stock_ledger"))
        asked = {"corrections": table, "stores": [store_id], "none": str(UUID(int=0)), **_EVER}
        rows = await client.query(f"{CORRECTIONS} AND line = 0 AND corrects_event_id != {{none:UUID}}", parameters=asked)
        out = out_of((Correction(*row) for row in rows.result_rows), None)
        return cls(client, store_id, {"table": table, "store": store_id, "out": sorted(event_id for _, event_id in out)})

    async def stock(self) -> dict[str, Decimal]:
        """Return for each SKU its last count and what moved after it."""
        return dict((await self.client.query(_STOCK, parameters=dict(self.bound))).result_rows)

    async def counts(self, since: datetime, until: datetime) -> AsyncIterator[list[CountSeen]]:
        """Yield the counts made within a span, but for the first of a SKU, a month at a time."""
        spanned = dict(self.bound) | {"since": since.astimezone(UTC), "until": until.astimezone(UTC)}
        ((count, first, last),) = (await self.client.query(_WHEN, parameters=spanned)).result_rows
        begin = first
        while count and begin <= last:
            end = min(begin + _MONTH, last + timedelta(microseconds=1))
            asked = spanned | {"since": begin, "until": end}
            ((opened, earliest),) = (await self.client.query(_OPENED, parameters=asked)).result_rows
            rows = (await self.client.query(_COUNTS, parameters=asked | {"opened": earliest if opened else begin})).result_rows
            yield [CountSeen(CountKey(*row[:3]), *row[3:]) for row in rows]
            begin = end


async def read_on_hand(engine: AsyncEngine, store_id: str) -> dict[str, Decimal]:
    """Return what the model says is on hand, by SKU."""
    found: dict[str, Decimal] = {}
    cursor: StockCursor | None = None
    while True:
        page = await read_stock(engine, (store_id,), None, cursor, _PAGE)
        found |= {row.sku: row.on_hand for row in page}
        if len(page) < _PAGE:
            return found
        cursor = page[-1].cursor


async def read_books(engine: AsyncEngine, store_id: str, counts: Sequence[CountSeen]) -> dict[CountKey, Decimal | None]:
    """Return what the model says the book was at these counts; None: it knows of no count before."""
    if not counts:
        return {}
    moments = [count.key.counted_at for count in counts]
    asked = CountsAsked((store_id,), min(moments), max(moments) + timedelta(microseconds=1))
    found: dict[CountKey, Decimal | None] = {}
    cursor: CountCursor | None = None
    while True:
        page = await read_counts(engine, asked, cursor, _PAGE)
        found |= {CountKey(row.sku, row.counted_at, str(row.event_id)): row.book for row in page}
        if len(page) < _PAGE:
            return found
        cursor = page[-1].cursor
