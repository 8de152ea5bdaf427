"""What each cashier sold, voided and refunded on a business date and in a till period: the shift in which they stood at the till.

Counts are of receipts, amounts are without tax and services, as in all figures of sales. A receipt that names no cashier or no
period is listed under an empty name, for leaving it out would hide it.
"""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from clickhouse_connect.driver.asyncclient import AsyncClient

from projections.sale_facts import COUNTING, FactsAsked, counting

CashierCursor = tuple[str, date, str, str, str]

FIRST_PAGE: Final[CashierCursor] = ("", date(1970, 1, 1), "", "", "")
_PLACES: Final = Decimal("0.0001")
_RECEIPTS: Final = (
    ("completed", "event_type = 'sale.completed.v1' AND kind = 'item'"),
    ("voided", "event_type = 'sale.voided.v1' AND phase = 'after_completion' AND kind = 'item'"),
    ("cancelled", "event_type = 'sale.voided.v1' AND phase = 'before_completion'"),
    ("refunded", "(event_type = 'sale.returned.v1' AND kind != 'service') OR (event_type = 'sale.completed.v1' AND kind = 'return')"),
)
_SUMS: Final = ", ".join(
    f"toInt64(uniqExactIf(event_id, {which})) AS {name}, sumIf({'gross' if name == 'completed' else 'gross - discount'}, {which})"
    for name, which in _RECEIPTS
)
_CASHIERS: Final = f"""
    SELECT store_id, business_date, employee_id, period_id, currency, {_SUMS}
    FROM {{lines:Identifier}} FINAL
    WHERE {COUNTING}
      AND (store_id, business_date, employee_id, period_id, currency)
          > ({{after_store:String}}, {{after_date:Date}}, {{after_employee:String}}, {{after_period:String}}, {{after_currency:String}})
    GROUP BY store_id, business_date, employee_id, period_id, currency
    ORDER BY store_id, business_date, employee_id, period_id, currency LIMIT {{limit:UInt32}}
"""  # noqa: S608 - literal texts


@dataclass(frozen=True, slots=True)
class CashierShift:
    """Receipts and amounts (minor units) of a cashier in a till period.

    `cancelled`: voided before completion, which never counted; `voided`: after it. `gross` is before discounts.
    """

    store_id: str
    business_date: date
    employee_id: str
    period_id: str
    currency: str
    completed: int
    gross: int
    voided: int
    void_amount: int
    cancelled: int
    cancelled_amount: int
    refunded: int
    refund_amount: int

    @property
    def void_rate(self) -> Decimal | None:
        """Voided after completion ÷ completed, four decimals; None where nothing was completed."""
        return _ratio(self.voided, self.completed)

    @property
    def refund_rate(self) -> Decimal | None:
        """Refunded amount ÷ gross, four decimals; None where nothing was sold."""
        return _ratio(self.refund_amount, self.gross)

    @property
    def cursor(self) -> CashierCursor:
        """Where the next page begins."""
        return self.store_id, self.business_date, self.employee_id, self.period_id, self.currency


def _ratio(part: int, whole: int) -> Decimal | None:
    return (Decimal(part) / whole).quantize(_PLACES, ROUND_HALF_UP) if whole > 0 else None


async def read_cashiers(
    client: AsyncClient, asked: FactsAsked, generation: int = 1, after: CashierCursor = FIRST_PAGE, limit: int = 1_000
) -> list[CashierShift]:
    """Return a page by store, business date, cashier, till period and currency."""
    if not asked.store_ids:
        return []
    names = ("after_store", "after_date", "after_employee", "after_period", "after_currency")
    bound = await counting(client, asked, generation) | dict(zip(names, after, strict=True)) | {"limit": limit}
    return [CashierShift(*row) for row in (await client.query(_CASHIERS, parameters=bound)).result_rows]
