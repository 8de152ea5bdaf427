"""Why a figure of a Postgres read model is no longer what it was: the facts that count now and did not, or the other way round.

What they do to the figure is told by asking for it twice: as known then, and as it is now.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.causes import Causes, What
from projections.generations import serving_generation
from projections.known_facts import bound_facts, corrections_in
from projections.sale_facts import FactsAsked, out_of

EVENTS: Final[Mapping[str, str]] = {
    "stock_on_hand": "stock_on_hand_events",
    "incoming_goods": "incoming_goods_events",
    "attendance_day": "attendance_day_events",
    "till_periods": "till_period_events",
}
"""Read model to its table of events: all of one form."""
_NO_DATE: Final = date(1970, 1, 1)
_CHANGES: Final = """
    SELECT store_id, coalesce(business_date, CAST('1970-01-01' AS date)) AS day, event_id, event_type, recorded_at FROM {events}
    WHERE store_id = ANY (:stores) AND (business_date IS NULL OR business_date BETWEEN :date_from AND :date_until)
      AND (store_id, coalesce(business_date, CAST('1970-01-01' AS date)), event_id) > (:after_store, CAST(:after_day AS date), :after_id)
      AND CASE WHEN recorded_at > :since
               THEN (store_id, event_id) NOT IN (SELECT * FROM unnest(CAST(:out_stores AS text[]), CAST(:out_ids AS uuid[])))
               ELSE (store_id, event_id) IN (SELECT * FROM unnest(CAST(:moved_stores AS text[]), CAST(:moved_ids AS uuid[]))) END
    ORDER BY store_id, day, event_id LIMIT :limit
"""


class ChangedCursor(NamedTuple):
    """The last row of a page; a fact without a business date stands at the beginning of time."""

    store_id: str
    day: date
    event_id: UUID


FIRST_PAGE: Final = ChangedCursor("", _NO_DATE, UUID(int=0))


@dataclass(frozen=True, slots=True)
class ChangedFact:
    """One fact that changed figures. `caused_by` was recorded since, at `recorded_at` (broker time): itself, or a correction of it.

    Of what has revisions, it is the newer revision by which a former one is `superseded`.
    """

    store_id: str
    business_date: date | None
    event_id: UUID
    event_type: str
    what: What | Literal["superseded"]
    caused_by: UUID
    recorded_at: datetime
    corrects_event_id: UUID | None

    @property
    def cursor(self) -> ChangedCursor:
        """Where the next page begins."""
        return ChangedCursor(self.store_id, self.business_date or _NO_DATE, self.event_id)


async def read_changed_facts(
    engine: AsyncEngine, model: str, asked: FactsAsked, since: datetime, after: ChangedCursor = FIRST_PAGE, limit: int = 100
) -> list[ChangedFact]:
    """Return a page by store, business date and event; KeyError for a model that is not in `EVENTS`.

    A correction that only takes something away is listed beside what it took away.
    """
    async with engine.connect() as conn:
        events = f"read_g{await serving_generation(conn, model)}.{EVENTS[model]}"
        corrections = await corrections_in(conn, events, asked.store_ids)
        now, then = out_of(corrections, None), out_of(corrections, since)
        bound: dict[str, Any] = {"stores": list(asked.store_ids), "date_from": asked.date_from, "date_until": asked.date_until}
        bound |= bound_facts("out", sorted(now)) | bound_facts("moved", sorted(now ^ then)) | {"since": since, "limit": limit}
        bound |= {"after_store": after.store_id, "after_day": after.day, "after_id": after.event_id}
        rows = (await conn.execute(text(_CHANGES.format(events=events)), bound)).all()
    causes = Causes(corrections, now, since)
    return [_changed(causes, row) for row in rows]


def _changed(causes: Causes, row: Row[Any]) -> ChangedFact:
    key = row.store_id, row.event_id
    cause = causes.of(key, row.recorded_at)
    day = None if row.day == _NO_DATE else row.day
    return ChangedFact(*key[:1], day, row.event_id, row.event_type, cause.what, cause.event_id, cause.recorded_at, causes.corrects(key))
