"""Reads returns and voids with the sales that they name: the amounts from the facts of sales, the names from the archive."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

from clickhouse_connect.driver.asyncclient import AsyncClient
from sqlalchemy import text

from contracts.corrections import Link as CorrectionLink
from contracts.corrections import not_counting
from contracts.events.registry import SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED
from contracts.topics import STORE_FACTS
from projections.reconcile.business.links import Link, link_of
from projections.reconcile.business.orphan_judgement import Back, Sold
from projections.reconcile.business.reading import generation_of
from projections.reconcile.checks import Connections
from projections.sale_facts import COUNTING, Correction, FactsAsked, corrections_of, counting

SaleKey: TypeAlias = tuple[str, UUID]
"""Store and event."""

_AT_ONCE: Final = 1_000
_LAST: Final = date(2149, 1, 1)
_BACK: Final = f"""
    SELECT store_id, business_date, event_id, any(event_type), any(receipt_id), any(currency), any(partition), any(position),
           max(is_correction), toInt64(sum(units)), sumMap(map(sku, quantity)), sum(amount)
    FROM (
        SELECT store_id, business_date, event_id, event_type, receipt_id, currency, partition, position, is_correction, sku,
               count() AS units, sum(quantity) AS quantity, sum(gross - discount + tax) AS amount
        FROM {{lines:Identifier}} FINAL
        WHERE {COUNTING} AND event_type IN ('{SALE_RETURNED}', '{SALE_VOIDED}') AND phase != 'before_completion'
          AND (event_type = '{SALE_RETURNED}' OR kind != 'return') {{only}}
        GROUP BY ALL
    ) GROUP BY store_id, business_date, event_id ORDER BY business_date, event_id
"""  # noqa: S608 - literal texts
_OF_SKUS: Final = f"""AND event_id IN (
            SELECT event_id FROM {{lines:Identifier}}
            WHERE {COUNTING} AND event_type IN ('{SALE_RETURNED}', '{SALE_VOIDED}') AND sku IN {{skus:Array(String)}}
        )"""  # noqa: S608 - literal texts
_VALUES: Final = """
    SELECT partition, offset, value FROM {archive:Identifier}
    WHERE log_id IN {logs:Array(String)} AND topic = {topic:String}
      AND (partition, offset) IN (SELECT arrayJoin(arrayZip({parts:Array(UInt32)}, {offsets:Array(UInt64)})))
"""
_FOUND: Final = """
    SELECT DISTINCT event_id, business_date, event_type, receipt_id FROM {lines:Identifier}
    WHERE store_id = {store:String} AND event_id IN {ids:Array(UUID)}
"""
_BY_NUMBER: Final = f"""
    SELECT DISTINCT receipt_id, event_id, business_date FROM {{lines:Identifier}}
    WHERE store_id = {{store:String}} AND receipt_id IN {{numbers:Array(String)}} AND event_type = '{SALE_COMPLETED}' AND is_correction = 0
    ORDER BY business_date, event_id
"""  # noqa: S608 - literal texts
_CONTENT: Final = """
    SELECT event_id, sku, sum(quantity), sum(gross - discount + tax) FROM {lines:Identifier} FINAL
    WHERE store_id = {store:String} AND event_id IN {ids:Array(UUID)} AND kind != 'return' GROUP BY event_id, sku
"""


@dataclass(frozen=True, slots=True)
class OrphanReader:
    """Asks the facts of sales and the archive, generation by generation."""

    client: AsyncClient
    sales: int
    archive: str
    logs: Sequence[str]

    @classmethod
    async def of(cls, connections: Connections) -> "OrphanReader":
        """Ask which generations serve, and of which log the archive is."""
        connections.clickhouse.form_encode_query_params = True  # many ids do not fit an address
        async with connections.engine.connect() as conn:
            logs = [row.log_id for row in (await conn.execute(text("SELECT log_id FROM delivery.log"))).all()]
        sales, archive = [await generation_of(connections.engine, model) for model in ("sales", "event_log")]
        return cls(connections.clickhouse, sales, f"event_log_g{archive}", logs)

    async def backs(self, store_id: str, first: date, last: date) -> list[Back]:
        """Return the returns and voids of a store that count, over business dates."""
        bound = await counting(self.client, FactsAsked((store_id,), first, last), self.sales)
        return await self._backs(_BACK.replace("{only}", ""), bound)

    async def backs_since(self, store_id: str, first: date, skus: Iterable[str]) -> list[Back]:
        """Return the returns and voids of a store since a business date that have any of these SKUs."""
        bound = await counting(self.client, FactsAsked((store_id,), first, _LAST), self.sales)
        return await self._backs(_BACK.replace("{only}", _OF_SKUS), bound | {"skus": sorted(skus)})

    async def links(self, backs: Sequence[Back]) -> tuple[dict[UUID, Link], int]:
        """Return by event what each names, and how many events the archive does not have."""
        found: dict[UUID, Link] = {}
        missing = 0
        for begin in range(0, len(backs), _AT_ONCE):
            part = backs[begin : begin + _AT_ONCE]
            places = {"parts": [back.partition for back in part], "offsets": [back.position for back in part]}
            bound = {"archive": self.archive, "logs": list(self.logs), "topic": STORE_FACTS, **places}
            values = {(row[0], row[1]): row[2] for row in await self._rows(_VALUES, bound)}
            for back in part:
                value = values.get((back.partition, back.position))
                missing += value is None
                if value is not None and (link := _link(back, value)) is not None:
                    found[back.event_id] = link
        return found, missing

    async def named(self, store_id: str, numbers: Sequence[str]) -> dict[str, list[tuple[date, UUID]]]:
        """Return the sales of a store under receipt numbers, oldest first: tills begin to count again."""
        found: dict[str, list[tuple[date, UUID]]] = defaultdict(list)
        for number, event_id, day in await self._rows(_BY_NUMBER, self._lines | {"store": store_id, "numbers": list(numbers)}):
            found[number].append((day, event_id))
        return found

    async def sold(self, store_id: str, ids: Sequence[UUID]) -> tuple[dict[UUID, Sold], date]:
        """Return those of some events of a store that came, each with what of it counts now, and the first of their business dates."""
        rows = await self._rows(_FOUND, self._lines | {"store": store_id, "ids": list(ids)})
        if not rows:
            return {}, _LAST
        days = [row[1] for row in rows]
        corrections = await corrections_of(self.client, FactsAsked((store_id,), min(days), max(days)), self.sales)
        stands_for = {row[0]: effective(row[0], corrections) for row in rows}
        content = await self._content(store_id, list(stands_for.values()))
        found = {}
        for event_id, _, event_type, receipt_id in rows:
            quantities, amount = content.get(stands_for[event_id], ({}, 0))
            found[event_id] = Sold(event_id, event_type, receipt_id, quantities, amount)
        return found, min(days)

    async def _content(self, store_id: str, ids: Sequence[UUID]) -> dict[UUID, tuple[dict[str, Decimal], int]]:
        found: dict[UUID, tuple[dict[str, Decimal], int]] = {}
        for event_id, sku, quantity, amount in await self._rows(_CONTENT, self._lines | {"store": store_id, "ids": list(ids)}):
            quantities, known = found.get(event_id, ({}, 0))
            found[event_id] = (quantities | {sku: quantity}, known + amount)
        return found

    async def _backs(self, statement: str, bound: Mapping[str, Any]) -> list[Back]:
        rows = await self._rows(statement, bound)
        return [Back._make((*row[:8], bool(row[8]), *row[9:])) for row in rows]

    async def _rows(self, statement: str, bound: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        return list((await self.client.query(statement, parameters=dict(bound))).result_rows)

    @property
    def _lines(self) -> dict[str, Any]:
        return {"lines": f"sales_lines_g{self.sales}"}


def _link(back: Back, value: bytes | str) -> Link | None:
    """A void that names nothing bears the number of its sale."""
    link = link_of(value, back.store_id, is_correction=back.is_correction)
    return Link(back.store_id, None, back.receipt_id) if link is None and back.event_type == SALE_VOIDED else link


def effective(event_id: UUID, corrections: Iterable[Correction]) -> UUID:
    """Return the event whose content counts in place of one: itself, or the last correction that is effective.

    That one has no lines where what it corrects did not occur.
    """
    links = [CorrectionLink(each.event_id, each.corrects_event_id, each.position) for each in corrections]
    out = not_counting(links)
    by_target: dict[UUID, list[UUID]] = defaultdict(list)
    for link in sorted(links, key=lambda each: (each.position, each.event_id)):
        by_target[link.corrects_event_id].append(link.event_id)
    seen: set[UUID] = set()
    while event_id in out and event_id in by_target and event_id not in seen:
        seen.add(event_id)
        event_id = by_target[event_id][0]
    return event_id
