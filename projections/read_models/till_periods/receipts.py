"""Which receipts came twice under different event ids, and which facts of sales came after the lateness window of their date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from contracts.events.registry import SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED
from contracts.topics import STORE_FACTS
from projections.generations import serving_generation
from projections.known_facts import counting_at
from projections.read_models.till_periods.lateness import LATENESS_WINDOW

_TYPE_OF: Final = {"sale": SALE_COMPLETED, "return": SALE_RETURNED, "void": SALE_VOIDED}
_OF_NUMBER: Final = """
        e.store_id = t.store_id AND e.business_date = t.business_date AND e.receipt_id = t.receipt_id
        AND e.till_id = t.till_id AND e.kind = t.kind AND {counts}
"""
_ASKED: Final = "t.store_id = ANY (CAST(:stores AS text[])) AND t.business_date BETWEEN :date_from AND :date_until"
_SURPLUS: Final = f"""
    SELECT coalesce(sum(c.events - 1), 0) FROM read_g{{generation}}.receipts_twice t CROSS JOIN LATERAL (
        SELECT count(*) AS events FROM read_g{{generation}}.till_entries e WHERE {_OF_NUMBER}
    ) c
    WHERE c.events > 1 AND {_ASKED}
"""  # noqa: S608 - literals of ours
"""Asked with every KPI, so it only counts: a file that was loaded twice has a hundred thousand numbers (1 s; 8 s with their events)."""
_PAGE: Final = f"""
    SELECT t.store_id, t.business_date, t.receipt_id, t.till_id, t.kind, c.events
    FROM read_g{{generation}}.receipts_twice t CROSS JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('event_id', e.event_id, 'occurred_at', e.occurred_at, 'recorded_at', f.recorded_at,
                                            'period_id', e.period_id) ORDER BY f.position, e.event_id) AS events
        FROM read_g{{generation}}.till_entries e JOIN read_g{{generation}}.till_period_events f USING (store_id, event_id)
        WHERE {_OF_NUMBER}
    ) c
    WHERE jsonb_array_length(c.events) > 1 AND {_ASKED}
      AND (CAST(:after_store AS text) IS NULL OR (t.store_id, t.business_date, t.receipt_id, t.till_id, t.kind)
           > (:after_store, CAST(:after_day AS date), :after_receipt, :after_till, :after_kind))
    ORDER BY t.store_id, t.business_date, t.receipt_id, t.till_id, t.kind LIMIT :limit
"""  # noqa: S608 - literals of ours
_LATE: Final = """
    SELECT l.store_id, l.business_date, CAST(sum(l.facts) AS bigint) AS facts, max(l.recorded_at) AS last_at
    FROM unnest(CAST(:stores AS text[]), CAST(:zones AS text[]), CAST(:cut_offs AS integer[])) AS s (store_id, zone, cut_off)
    JOIN read_g{generation}.late_sales l USING (store_id)
    WHERE l.simulated = :simulated AND l.business_date BETWEEN :date_from AND :date_until AND l.business_date <
          CAST((l.quarter - make_interval(hours => :window)) AT TIME ZONE s.zone - make_interval(hours => s.cut_off) AS date)
    GROUP BY l.store_id, l.business_date
"""
"""The business date that it was when a fact came, less the window, in the store's zone: `sealed_until` said in SQL."""
_CLOCK: Final = """
    SELECT CASE WHEN bool_and(c.at IS NOT NULL) THEN min(c.at) END
    FROM delivery.positions p LEFT JOIN read_g{generation}.tick_clocks c USING (part)
    WHERE p.projection = 'till_periods' AND p.generation = :generation AND p.topic = :topic
"""


class ReceiptCursor(NamedTuple):
    """The last row of a page."""

    store_id: str
    business_date: date
    receipt_id: str
    till_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class ReceiptEvent:
    """One of several events that count under one number; times are those of the till and of the broker."""

    event_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    period_id: str | None


@dataclass(frozen=True, slots=True)
class ReceiptTwice:
    """A number that several counting events bear, first recorded first; `till_id` is None where no till is known."""

    store_id: str
    business_date: date
    receipt_id: str
    till_id: str | None
    kind: str
    events: tuple[ReceiptEvent, ...]

    @property
    def type(self) -> str:
        """The event type that a correction names as `corrects_type`."""
        return _TYPE_OF[self.kind]

    @property
    def cursor(self) -> ReceiptCursor:
        """Where the next page begins."""
        return ReceiptCursor(self.store_id, self.business_date, self.receipt_id, self.till_id or "", self.kind)


class BusinessClock(Protocol):
    """What decides on which business date a store is."""

    @property
    def timezone(self) -> str:
        """IANA zone."""
        ...

    @property
    def cut_off_hour(self) -> int:
        """Hour at which the business date begins."""
        ...


class LateFacts(NamedTuple):
    """Facts of one store and business date that came after its lateness window, and when the last of them came."""

    store_id: str
    business_date: date
    facts: int
    last_at: datetime


async def count_receipts_twice(
    engine: AsyncEngine, store_ids: Sequence[str], date_from: date, date_until: date, known_at: datetime | None = None
) -> int:
    """Return how many receipts count beyond the first of their number, by what was recorded until `known_at`."""
    async with engine.connect() as conn:
        statement, bound = await _of_receipts(conn, _SURPLUS, store_ids, known_at)
        bound |= {"date_from": date_from, "date_until": date_until}
        return int((await conn.execute(statement, bound)).scalar_one())


async def read_receipts_twice(
    engine: AsyncEngine,
    store_ids: Sequence[str],
    date_from: date,
    date_until: date,
    cursor: ReceiptCursor | None = None,
    limit: int = 100,
    known_at: datetime | None = None,
) -> list[ReceiptTwice]:
    """Return a page of numbers that several counting events bear, by store, business date, number, till and kind."""
    after = cursor or (None,) * 5
    async with engine.connect() as conn:
        statement, bound = await _of_receipts(conn, _PAGE, store_ids, known_at)
        bound |= {"date_from": date_from, "date_until": date_until, "limit": limit}
        bound |= dict(zip(("after_store", "after_day", "after_receipt", "after_till", "after_kind"), after, strict=True))
        rows = (await conn.execute(statement, bound)).all()
    return [
        ReceiptTwice(row.store_id, row.business_date, row.receipt_id, row.till_id or None, row.kind, tuple(map(_event, row.events)))
        for row in rows
    ]


async def read_late_facts(
    engine: AsyncEngine, stores: Mapping[str, BusinessClock], date_from: date, date_until: date, simulated: bool = False
) -> list[LateFacts]:
    """Return the store-days of these stores that sales came for after their lateness window, by the broker or by simulated ticks."""
    bound = {
        "stores": list(stores),
        "zones": [store.timezone for store in stores.values()],
        "cut_offs": [store.cut_off_hour for store in stores.values()],
        "date_from": date_from,
        "date_until": date_until,
        "simulated": simulated,
        "window": int(LATENESS_WINDOW.total_seconds() // 3600),
    }
    async with engine.connect() as conn:
        statement = _LATE.format(generation=await serving_generation(conn, "till_periods"))
        return [LateFacts(*row) for row in (await conn.execute(text(statement), bound)).all()]


async def read_tick_clock(engine: AsyncEngine) -> datetime | None:
    """Return the tick up to which every partition was read; None where one of them has none yet."""
    async with engine.connect() as conn:
        generation = await serving_generation(conn, "till_periods")
        return (await conn.execute(text(_CLOCK.format(generation=generation)), {"generation": generation, "topic": STORE_FACTS})).scalar()


async def _of_receipts(
    conn: AsyncConnection, statement: str, store_ids: Sequence[str], known_at: datetime | None
) -> tuple[TextClause, dict[str, Any]]:
    """Make a statement about receipts of these stores that count, now or by what was recorded until a moment."""
    generation = await serving_generation(conn, "till_periods")
    counting = await counting_at(conn, f"read_g{generation}.till_period_events", store_ids, known_at)
    return text(statement.format(generation=generation, counts=counting.of("e"))), {"stores": list(store_ids), **counting.bound}


def _event(row: Mapping[str, Any]) -> ReceiptEvent:
    occurred_at, recorded_at = datetime.fromisoformat(row["occurred_at"]), datetime.fromisoformat(row["recorded_at"])
    return ReceiptEvent(UUID(row["event_id"]), occurred_at, recorded_at, row["period_id"])
