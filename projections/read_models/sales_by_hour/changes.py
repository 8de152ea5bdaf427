"""Why a figure of sales is no longer what it was: the facts recorded since, each with what it did to the figure.

The effects of all changes add up to the difference between what is known now and what was known then: a fact that came
adds what it says, one that a correction took back takes it away, and one whose correction was itself corrected comes back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from clickhouse_connect.driver.asyncclient import AsyncClient

from projections.causes import Causes, What
from projections.read_models.sales_by_hour.recompute import SUMS_OF_LINES, WORDS
from projections.sale_facts import (
    ASKED,
    FactId,
    FactsAsked,
    bound_pairs,
    bound_to,
    corrections_of,
    milliseconds,
    out_of,
)

_CHANGES: Final = f"""
    WITH {WORDS}
    SELECT store_id, business_date, event_id, any(event_type) AS of_type, any(currency) AS in_currency,
           min(recorded_at) AS first_recorded, {SUMS_OF_LINES}
    FROM {{lines:Identifier}} FINAL
    WHERE {ASKED} AND (store_id, business_date, event_id) > ({{after_store:String}}, {{after_date:Date}}, {{after_id:UUID}})
      AND if(recorded_at > fromUnixTimestamp64Milli({{since_ms:Int64}}, 'UTC'),
             (store_id, event_id) NOT IN (SELECT arrayJoin(arrayZip({{out_stores:Array(String)}}, {{out_ids:Array(UUID)}}))),
             (store_id, event_id) IN (SELECT arrayJoin(arrayZip({{moved_stores:Array(String)}}, {{moved_ids:Array(UUID)}}))))
    GROUP BY store_id, business_date, event_id ORDER BY store_id, business_date, event_id LIMIT {{limit:UInt32}}
"""  # noqa: S608 - literal texts


class ChangeCursor(NamedTuple):
    """The last row of a page."""

    store_id: str
    business_date: date
    event_id: UUID


FIRST_PAGE: Final = ChangeCursor("", date(1970, 1, 1), UUID(int=0))


@dataclass(frozen=True, slots=True)
class Change:
    """What one fact did to the figures, in minor units; negative where it took something away.

    `caused_by` is the fact recorded since, the event itself or a correction; `recorded_at` is when the broker had it.
    """

    store_id: str
    business_date: date
    event_id: UUID
    event_type: str
    what: What
    caused_by: UUID
    recorded_at: datetime
    corrects_event_id: UUID | None
    currency: str
    gross: int
    discounts: int
    returns: int
    voids: int
    net: int
    transactions: int

    @property
    def cursor(self) -> ChangeCursor:
        """Where the next page begins."""
        return ChangeCursor(self.store_id, self.business_date, self.event_id)


async def read_changes(
    client: AsyncClient, asked: FactsAsked, since: datetime, generation: int = 1, after: ChangeCursor = FIRST_PAGE, limit: int = 100
) -> list[Change]:
    """Return a page of the events that count now and did not when `since` was, or the other way round, by store and date."""
    if not asked.store_ids:
        return []
    corrections = await corrections_of(client, asked, generation)
    now, then = out_of(corrections, None), out_of(corrections, since)
    bound = bound_to(asked, generation) | bound_pairs("out", now) | bound_pairs("moved", now ^ then)
    bound |= {"since_ms": milliseconds(since), "limit": limit}
    bound |= {"after_store": after.store_id, "after_date": after.business_date, "after_id": after.event_id}
    rows = (await client.query(_CHANGES, parameters=bound)).named_results()
    causes = Causes(corrections, now, since)
    return [_change(causes, row) for row in rows]


def _change(causes: Causes, row: Mapping[str, Any]) -> Change:
    """Judge a row of sums."""
    key: FactId = row["store_id"], row["event_id"]
    sign = 1 if causes.counts(key) else -1
    cause = causes.of(key, row["first_recorded"])
    parts = [sign * int(row[name]) for name in ("gross_sum", "discount_sum", "return_sum", "void_sum")]
    return Change(
        store_id=key[0],
        business_date=row["business_date"],
        event_id=key[1],
        event_type=row["of_type"],
        what=cause.what,
        caused_by=cause.event_id,
        recorded_at=cause.recorded_at,
        corrects_event_id=causes.corrects(key),
        currency=row["in_currency"],
        gross=parts[0],
        discounts=parts[1],
        returns=parts[2],
        voids=parts[3],
        net=parts[0] - parts[1] - parts[2] - parts[3],
        transactions=sign * int(row["transaction_count"]),
    )
