"""What each cashier sold, voided and refunded on a business date, in a till period or on a published shift.

Counts are of receipts, amounts are without tax and services, as in all figures of sales. A receipt that names no cashier, no
period, or that was rung up off any shift, is listed under an empty name, for leaving it out would hide it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from clickhouse_connect.driver.asyncclient import AsyncClient

from projections.sale_facts import COUNTING, FactsAsked, counting
from projections.shift_spans import ShiftSpan

CashierCursor = tuple[str, date, str, str, str]

FIRST_PAGE: Final[CashierCursor] = ("", date(1970, 1, 1), "", "", "")
_PLACES: Final = Decimal("0.0001")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
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
_COUNTED: Final = f"SELECT * FROM {{lines:Identifier}} FINAL WHERE {COUNTING}"  # noqa: S608 - literal texts
_ON_SHIFTS: Final = f"""
    SELECT * EXCEPT (shift, begins, ends, of_store, of_employee), if(occurred_at <= ends, shift, '') AS shift_id
    FROM ({_COUNTED}) AS line ASOF LEFT JOIN (
        SELECT span.1 AS of_store, span.2 AS of_employee, span.3 AS shift, fromUnixTimestamp64Micro(span.4, 'UTC') AS begins,
               fromUnixTimestamp64Micro(span.5, 'UTC') AS ends
        FROM (SELECT arrayJoin(arrayZip({{on_stores:Array(String)}}, {{on_employees:Array(String)}}, {{on_shifts:Array(String)}},
                                        {{on_begins:Array(Int64)}}, {{on_ends:Array(Int64)}})) AS span)
    ) AS known ON line.store_id = known.of_store AND line.employee_id = known.of_employee AND line.occurred_at >= known.begins
"""  # noqa: S608 - literal texts
"""Of several shifts that enclose a receipt it belongs to the one that began last."""


def _statement(source: str, group: str) -> str:
    return f"""
        SELECT store_id, business_date, employee_id, {group}, currency, {_SUMS} FROM ({source})
        WHERE (store_id, business_date, employee_id, {group}, currency)
              > ({{after_store:String}}, {{after_date:Date}}, {{after_employee:String}}, {{after_group:String}}, {{after_currency:String}})
        GROUP BY store_id, business_date, employee_id, {group}, currency
        ORDER BY store_id, business_date, employee_id, {group}, currency LIMIT {{limit:UInt32}}
    """  # noqa: S608 - literal texts


@dataclass(frozen=True, slots=True)
class CashierShift:
    """Receipts and amounts (minor units) of a cashier in a till period, or on a shift: `group_id` names it.

    `cancelled`: voided before completion, which never counted; `voided`: after it. `gross` is before discounts.
    """

    store_id: str
    business_date: date
    employee_id: str
    group_id: str
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
        return self.store_id, self.business_date, self.employee_id, self.group_id, self.currency


def _ratio(part: int, whole: int) -> Decimal | None:
    return (Decimal(part) / whole).quantize(_PLACES, ROUND_HALF_UP) if whole > 0 else None


async def read_cashiers(
    client: AsyncClient,
    asked: FactsAsked,
    generation: int = 1,
    after: CashierCursor = FIRST_PAGE,
    limit: int = 1_000,
    shifts: Sequence[ShiftSpan] | None = None,
) -> list[CashierShift]:
    """Return a page by store, business date, cashier, till period and currency; with `shifts` by those instead of periods."""
    if not asked.store_ids:
        return []
    names = ("after_store", "after_date", "after_employee", "after_group", "after_currency")
    bound = await counting(client, asked, generation) | dict(zip(names, after, strict=True)) | {"limit": limit}
    if shifts is None:
        statement = _statement(_COUNTED, "period_id")
    else:
        statement = _statement(_ON_SHIFTS, "shift_id")
        bound |= {
            "on_stores": [span.store_id for span in shifts],
            "on_employees": [span.employee_id for span in shifts],
            "on_shifts": [span.shift_id for span in shifts],
            "on_begins": [_microseconds(span.begins) for span in shifts],
            "on_ends": [_microseconds(span.ends) for span in shifts],
        }
    return [CashierShift(*row) for row in (await client.query(statement, parameters=bound)).result_rows]


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
