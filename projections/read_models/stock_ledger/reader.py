"""What moved stock and what was counted, line by line, over any span of business dates."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from clickhouse_connect.driver.asyncclient import AsyncClient

from projections.fact_reader import Fact, FactCursor, read_facts
from projections.read_models.stock_ledger.table import STOCK_LEDGER
from projections.sale_facts import FactsAsked


@dataclass(frozen=True, slots=True)
class LedgerEntry(Fact):
    """A line of the ledger, units."""

    kind: str
    sku: str
    quantity: Decimal
    moved_at: datetime
    reason: str
    reference: str
    employee_id: str


async def read_ledger(
    client: AsyncClient,
    asked: FactsAsked,
    skus: tuple[str, ...] | None = None,
    kinds: tuple[str, ...] | None = None,
    generation: int = 1,
    after: FactCursor | None = None,
    limit: int = 1_000,
) -> list[LedgerEntry]:
    """Return a page of the lines that count, by store, business date and event; None means every SKU or kind."""
    rows = await read_facts(client, STOCK_LEDGER.name(generation), asked, {"sku": skus, "kind": kinds}, after, limit)
    return [LedgerEntry(**row) for row in rows]
