"""Read a table of plain facts page by page: those that count, now or as known at a moment, in the order of their identity."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from clickhouse_connect.driver.asyncclient import AsyncClient

from projections.sale_facts import CORRECTIONS, COUNTING, Correction, FactsAsked, bound_pairs, milliseconds, out_of

_NO_TARGET: Final = str(UUID(int=0))


class FactCursor(NamedTuple):
    """The last row of a page."""

    store_id: str
    business_date: date
    event_id: UUID
    line: int


FIRST_PAGE: Final = FactCursor("", date(1970, 1, 1), UUID(int=0), 0)


@dataclass(frozen=True, slots=True)
class Fact:
    """What a row of every table of plain facts begins with; a model adds its own columns.

    `corrects_event_id` names the wrong event of a correction, else it is the nil UUID.
    """

    store_id: str
    business_date: date
    event_id: UUID
    line: int
    event_type: str
    corrects_event_id: UUID
    recorded_at: datetime
    occurred_at: datetime

    @property
    def cursor(self) -> FactCursor:
        """Where the next page begins."""
        return FactCursor(self.store_id, self.business_date, self.event_id, self.line)


_ROWS: Final = f"""
    SELECT * EXCEPT (event_hash, partition, position, version, line_count, corrects_type) FROM {{table:Identifier}} FINAL
    WHERE {COUNTING} AND kind != '' {{only}}
      AND (store_id, business_date, event_id, line)
          > ({{after_store_id:String}}, {{after_business_date:Date}}, {{after_event_id:UUID}}, {{after_line:Int64}})
    ORDER BY store_id, business_date, event_id, line LIMIT {{limit:UInt32}}
"""  # noqa: S608 - literal texts


async def read_facts(
    client: AsyncClient, table: str, asked: FactsAsked, only: Mapping[str, tuple[str, ...] | None], after: FactCursor | None, limit: int
) -> list[dict[str, Any]]:
    """Return a page of rows as columns by name; `only`: column of text to its wanted values, None for any."""
    if not asked.store_ids:
        return []
    client.form_encode_query_params = True  # a scope of many stores does not fit an address
    scope = {"stores": list(asked.store_ids), "date_from": asked.date_from, "date_until": asked.date_until}
    corrections = await client.query(
        f"{CORRECTIONS} AND line = 0 AND corrects_event_id != {{none:UUID}}", parameters={**scope, "corrections": table, "none": _NO_TARGET}
    )
    out = out_of((Correction(*row) for row in corrections.result_rows), asked.known_at)
    wanted = {name: values for name, values in only.items() if values is not None}
    statement = _ROWS.replace("{only}", "".join(f" AND toString({name}) IN {{only_{name}:Array(String)}}" for name in wanted))
    bound: dict[str, Any] = {**scope, **bound_pairs("out", out), "table": table, "limit": limit, "known_ms": milliseconds(asked.known_at)}
    bound |= {f"after_{name}": value for name, value in (after or FIRST_PAGE)._asdict().items()}
    bound |= {f"only_{name}": list(values) for name, values in wanted.items()}
    return list((await client.query(statement, parameters=bound)).named_results())
