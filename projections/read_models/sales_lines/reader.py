"""The lines of receipts that count, now or as known at a moment, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from clickhouse_connect.driver.asyncclient import AsyncClient

from projections.sale_facts import COUNTING, FactsAsked, counting


class LineCursor(NamedTuple):
    """The last row of a page."""

    store_id: str
    business_date: date
    event_id: UUID
    line: int


FIRST_PAGE: Final = LineCursor("", date(1970, 1, 1), UUID(int=0), 0)
Only = Mapping[str, Sequence[str]]
"""Column to its wanted values; columns that are not named may hold anything."""


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One line of a receipt; amounts in minor units. Texts are empty where the receipt says nothing."""

    store_id: str
    business_date: date
    event_id: UUID
    line: int
    event_type: str
    is_correction: int
    occurred_at: datetime
    recorded_at: datetime
    phase: str
    kind: str
    sku: str
    quantity: Decimal
    gross: int
    discount: int
    tax: int
    currency: str
    receipt_id: str
    till_id: str
    period_id: str
    employee_id: str
    channel: str
    promotion_id: str

    @property
    def cursor(self) -> LineCursor:
        """Where the next page begins."""
        return LineCursor(self.store_id, self.business_date, self.event_id, self.line)


_COLUMNS: Final = tuple(column.name for column in fields(SaleLine))
_LINES: Final = f"""
    SELECT {", ".join(_COLUMNS)} FROM {{lines:Identifier}} FINAL
    WHERE {COUNTING} {{only}}
      AND (store_id, business_date, event_id, line)
          > ({{after_store_id:String}}, {{after_business_date:Date}}, {{after_event_id:UUID}}, {{after_line:Int64}})
    ORDER BY store_id, business_date, event_id, line LIMIT {{limit:UInt32}}
"""  # noqa: S608 - literal texts


async def read_lines(
    client: AsyncClient, asked: FactsAsked, only: Only, generation: int = 1, after: LineCursor = FIRST_PAGE, limit: int = 1_000
) -> list[SaleLine]:
    """Return a page by store, business date, event and line; KeyError for a column that is none."""
    if not asked.store_ids:
        return []
    bound: dict[str, Any] = await counting(client, asked, generation) | {"limit": limit}
    bound |= {f"after_{name}": value for name, value in after._asdict().items()}
    conditions = ""
    for name, values in only.items():
        if name not in _COLUMNS:
            raise KeyError(name)
        conditions += f" AND toString({name}) IN {{only_{name}:Array(String)}}"
        bound[f"only_{name}"] = list(values)
    rows = (await client.query(_LINES.replace("{only}", conditions), parameters=bound)).named_results()
    return [SaleLine(**row) for row in rows]
