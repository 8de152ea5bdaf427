"""How receipts were paid: by store, business date, kind and currency, over the tenders that count, now or as known at a moment."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from clickhouse_connect.driver.asyncclient import AsyncClient

from projections.sale_facts import COUNTING, FactsAsked, counting

TenderCursor = tuple[str, date, str, str]

FIRST_PAGE: Final[TenderCursor] = ("", date(1970, 1, 1), "", "")

_TENDERS: Final = f"""
    SELECT store_id, business_date, kind, currency, toInt64(count()), sum(direction * (amount - change - tip)),
           sumIf(amount - change - tip, direction > 0), sumIf(amount - change - tip, direction < 0), sum(direction * tip)
    FROM {{tenders:Identifier}} FINAL
    WHERE {COUNTING} AND phase != 'before_completion'
      AND (store_id, business_date, kind, currency)
          > ({{after_store:String}}, {{after_date:Date}}, {{after_kind:String}}, {{after_currency:String}})
    GROUP BY store_id, business_date, kind, currency ORDER BY store_id, business_date, kind, currency LIMIT {{limit:UInt32}}
"""  # noqa: S608 - literal texts


@dataclass(frozen=True, slots=True)
class TenderDay:
    """Payments of one kind on a business date, minor units: `amount` = `received` − `paid_back`, without change and tips."""

    store_id: str
    business_date: date
    kind: str
    currency: str
    tenders: int
    amount: int
    received: int
    paid_back: int
    tips: int

    @property
    def cursor(self) -> TenderCursor:
        """Where the next page begins."""
        return self.store_id, self.business_date, self.kind, self.currency


async def read_tenders(
    client: AsyncClient, asked: FactsAsked, generation: int = 1, after: TenderCursor = FIRST_PAGE, limit: int = 1_000
) -> list[TenderDay]:
    """Return a page by store, business date, kind and currency. A void of a sale that had counted takes its payment back."""
    if not asked.store_ids:
        return []
    bound = await counting(client, asked, generation)
    bound |= dict(zip(("after_store", "after_date", "after_kind", "after_currency"), after, strict=True)) | {"limit": limit}
    return [TenderDay(*row) for row in (await client.query(_TENDERS, parameters=bound)).result_rows]
