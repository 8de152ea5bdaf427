"""Reads till periods for the check of Z reports: month by month, and receipt by receipt only those that differ."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, TypeAlias

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.events.registry import EVENT_CORRECTED
from projections.read_models.till_periods.reader import PeriodCursor, PeriodsAsked, TillPeriod, read_till_periods
from projections.read_models.till_periods.verdict import FIGURES, Totals
from projections.reconcile.business.days import Span
from projections.reconcile.business.reading import postgres_rows
from projections.reconcile.business.z_counters import Counter as ZCounter
from projections.reconcile.business.z_judgement import AsSent

PeriodKey: TypeAlias = tuple[str, str]
"""Till and period."""

_PAGE: Final = 200
_AROUND: Final = timedelta(days=7)
_COUNTED: Final = {"sale": "sales_count", "return": "returns_count", "void": "voids_count", "no_sale": "no_sales_count"}
_MOVED: Final = {"paid_in": "paid_in", "paid_out": "paid_out", "bank_drop": "bank_drops"}
_AMOUNTS: Final = tuple(name for name in FIGURES if not name.endswith("_count"))

_CLOSINGS: Final = """
    SELECT till_id, period_id, array_agg(c.event_id ORDER BY c.position, c.event_id) AS events
    FROM read_g{generation}.till_periods p JOIN read_g{generation}.till_closings c USING (store_id, till_id, period_id)
    WHERE p.store_id = :store AND p.business_date BETWEEN :first AND :last AND c.counts GROUP BY till_id, period_id
"""
_ENTRIES: Final = """
    SELECT e.event_id, e.kind, e.gross, e.discounts, e.returns, e.voids, e.tax, e.tips, e.moved, e.is_tendered, e.counts,
           f.event_type = :corrected AS is_correction,
           (SELECT jsonb_agg(jsonb_build_array(t.kind, t.tenders, t.amount)) FROM read_g{generation}.till_tenders t
            WHERE t.store_id = e.store_id AND t.event_id = e.event_id) AS paid
    FROM read_g{generation}.till_entries e JOIN read_g{generation}.till_period_events f USING (store_id, event_id)
    WHERE e.store_id = :store AND e.till_id = :till
      AND (e.period_id = :period OR (e.period_id IS NULL AND e.occurred_at BETWEEN :opened AND :closed))
    ORDER BY f.position, e.event_id
"""
_COUNTERS: Final = """
    SELECT store_id, business_date, till_id, period_id, CAST(event_id AS text) AS event_id, number,
           (SELECT max(CAST(b.report ->> 'z_number' AS bigint)) FROM read_g{generation}.till_closings b
            WHERE b.store_id = n.store_id AND b.till_id = n.till_id AND b.counts
              AND CAST(b.report ->> 'z_number' AS bigint) < number) AS before
    FROM (
        SELECT p.store_id, p.business_date, p.till_id, p.period_id, c.event_id, CAST(c.report ->> 'z_number' AS bigint) AS number
        FROM read_g{generation}.till_periods p JOIN read_g{generation}.till_closings c USING (store_id, till_id, period_id)
        WHERE p.store_id = :store AND p.business_date BETWEEN :first AND :last AND c.counts AND c.report ->> 'z_number' IS NOT NULL
    ) n ORDER BY till_id, number
"""
_CLOSING_TILLS: Final = """
    SELECT DISTINCT till_id FROM read_g{generation}.till_days
    WHERE store_id = :store AND business_date BETWEEN :first AND :last AND is_closed
"""


async def periods_of(engine: AsyncEngine, span: Span) -> AsyncIterator[TillPeriod]:
    """Yield the periods that began on the dates of a span, page by page."""
    asked = PeriodsAsked((span.store.store_id,), span.first, span.last)
    cursor: PeriodCursor | None = None
    while True:
        page = await read_till_periods(engine, asked, cursor, _PAGE)
        for period in page:
            yield period
        if len(page) < _PAGE:
            return
        cursor = page[-1].cursor


async def read_closings(engine: AsyncEngine, span: Span) -> dict[PeriodKey, tuple[str, ...]]:
    """Return the counting closings of each period, first recorded first."""
    rows = await postgres_rows(engine, "till_periods", _CLOSINGS, span.bound)
    return {(row["till_id"], row["period_id"]): tuple(map(str, row["events"])) for row in rows}


async def read_counters(engine: AsyncEngine, span: Span) -> list[ZCounter]:
    """Return the numbered Z reports of a span, each with the number before it."""
    return [ZCounter(**row) for row in await postgres_rows(engine, "till_periods", _COUNTERS, span.bound)]


async def read_closing_tills(engine: AsyncEngine, span: Span) -> frozenset[str]:
    """Return the tills that were closed on any date of a span or within a week of it."""
    bound = span.bound | {"first": span.first - _AROUND, "last": span.last + _AROUND}
    return frozenset(row["till_id"] for row in await postgres_rows(engine, "till_days", _CLOSING_TILLS, bound))


async def read_as_sent(engine: AsyncEngine, period: TillPeriod, closings: tuple[str, ...]) -> AsSent:
    """Read one period receipt by receipt, and add up what its till sent."""
    bound = {
        "store": period.store_id,
        "till": period.till_id,
        "period": period.period_id,
        "opened": period.opened_at,
        "closed": period.closed_at,
        "corrected": EVENT_CORRECTED,
    }
    return as_sent(period, closings, await postgres_rows(engine, "till_periods", _ENTRIES, bound))


def as_sent(period: TillPeriod, closings: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> AsSent:
    """Add up the entries of a period that no correction made, whether one took them back or not."""
    sums, moved, untendered = Counter[str](), Counter[str](), 0
    tenders: dict[str, tuple[int, int]] = {}
    for row in rows:
        if row["is_correction"]:
            continue
        sums.update({name: row[name] for name in _AMOUNTS})
        if row["kind"] in _COUNTED:
            sums[_COUNTED[row["kind"]]] += 1
        else:
            moved[_MOVED[row["kind"]]] += row["moved"]
        untendered += not row["is_tendered"]
        for kind, count, amount in row["paid"] or ():
            known = tenders.get(kind, (0, 0))
            tenders[kind] = (known[0] + count, known[1] + amount)
    totals = Totals({name: sums[name] for name in FIGURES}, tenders)
    movements = {name: moved[name] for name in _MOVED.values()}
    cash = replace(period.cash, sales=tenders.get("cash", (0, 0))[1], untendered=untendered, **movements)
    corrected = tuple(str(row["event_id"]) for row in rows if row["is_correction"] or not row["counts"])
    return AsSent(totals, cash, closings, corrected)
