"""Keep the facts of till periods; what they add up to is asked of the rows that count."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.records import LogRecord
from projections.facts import FactKey
from projections.read_models.till_periods.arrivals import LateRow, follow
from projections.read_models.till_periods.mapping import ClosingRow, EntryRow, OpeningRow, PeriodFact, TenderRow, TickRow, period_fact
from projections.read_models.till_periods.table import FACTS
from projections.sinks.fresh_facts import insert_fresh
from projections.sinks.postgres import Mapped, Written
from projections.sinks.postgres_facts import FactTables, judge_corrections
from projections.sinks.postgres_rows import insert_new, query

_PERIODS: Final = """
    INSERT INTO till_periods AS known (store_id, till_id, period_id, business_date)
    SELECT store_id, till_id, period_id, min(business_date)
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::date[]) AS given (store_id, till_id, period_id, business_date)
    GROUP BY store_id, till_id, period_id ORDER BY store_id, till_id, period_id
    ON CONFLICT (store_id, till_id, period_id) DO UPDATE SET business_date = excluded.business_date
    WHERE excluded.business_date < known.business_date
"""
"""A period belongs to the earliest business date that any event of it names."""

_NUMBER: Final = ("store_id", "business_date", "receipt_id", "till_id", "kind")
_TWICE: Final = """
    INSERT INTO receipts_twice (store_id, business_date, receipt_id, till_id, kind)
    SELECT store_id, business_date, receipt_id, till_id, kind
    FROM json_to_recordset(%s::json) AS given (store_id text, business_date date, receipt_id text, till_id text, kind text)
    WHERE (SELECT count(*) FROM (
        SELECT FROM till_entries e
        WHERE e.store_id = given.store_id AND e.business_date = given.business_date AND e.receipt_id = given.receipt_id
          AND e.till_id = given.till_id AND e.kind = given.kind LIMIT 2
    ) found) = 2
    ORDER BY store_id, business_date, receipt_id, till_id, kind ON CONFLICT DO NOTHING
"""
"""A number once on two entries stays listed, whichever of them count: so order and repeats change nothing, and readers scan few rows."""

_LATE: Final = """
    INSERT INTO late_sales AS known (store_id, business_date, simulated, quarter, facts, recorded_at)
    SELECT store_id, business_date, simulated, quarter, facts, recorded_at
    FROM unnest(%s::text[], %s::date[], %s::boolean[], %s::timestamptz[], %s::bigint[], %s::timestamptz[])
        AS given (store_id, business_date, simulated, quarter, facts, recorded_at)
    ORDER BY store_id, business_date, simulated, quarter
    ON CONFLICT (store_id, business_date, simulated, quarter) DO UPDATE SET
        facts = known.facts + excluded.facts, recorded_at = greatest(known.recorded_at, excluded.recorded_at)
"""
"""Only facts that are new are counted, so repeats change nothing."""

_CLOCKS: Final = "SELECT part, at, simulated FROM tick_clocks WHERE part = ANY (%s::integer[])"
_MOVE: Final = """
    INSERT INTO tick_clocks AS known (part, at, simulated)
    SELECT part, at, simulated FROM unnest(%s::integer[], %s::timestamptz[], %s::boolean[]) AS given (part, at, simulated) ORDER BY part
    ON CONFLICT (part) DO UPDATE SET at = excluded.at, simulated = excluded.simulated
"""
"""In the transaction that advances the position: the clock is that of the records before it, whoever owns the partition next."""


class TillPeriods:
    """The read model `till_periods`."""

    fact_tables: FactTables | None = FACTS

    def map(self, record: LogRecord) -> Mapped | None:
        """Decode and map one record."""
        fact = period_fact(record)
        if fact is None:
            return None
        return Mapped(record, fact, fact.event.key if isinstance(fact, PeriodFact) else None)

    async def write(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        """Insert the facts that are new, and let corrections take effect."""
        late = await _follow(conn, mapped)
        fresh, repeats = await insert_fresh(conn, FACTS, [item for item in mapped if isinstance(item.rows, PeriodFact)])
        if fresh:
            await _keep(conn, fresh, late)
        return Written(repeats)


async def _follow(conn: AsyncConnection, mapped: Sequence[Mapped]) -> dict[FactKey, LateRow | None]:
    """Move the clocks of the partitions by their ticks, and return which facts may be late by them."""
    parts = {item.record.partition for item in mapped}
    known = {row.part: row for row in (TickRow(*found) for found in await query(conn, _CLOCKS, [list(parts)]))}
    after, late = follow(known, ((item.record.partition, item.rows) for item in mapped))
    moved = [row for part, row in after.items() if row != known.get(part)]
    if moved:
        await query(conn, _MOVE, [list(column) for column in zip(*moved, strict=True)])
    return late


async def _keep(conn: AsyncConnection, fresh: Sequence[PeriodFact], may_be_late: Mapping[FactKey, LateRow | None]) -> None:
    closings = [(*fact.closing[:-1], json.dumps(fact.closing.report)) for fact in fresh if fact.closing]
    await insert_new(conn, "till_entries", EntryRow._fields, [fact.entry for fact in fresh if fact.entry])
    await insert_new(conn, "till_tenders", TenderRow._fields, [row for fact in fresh for row in fact.tenders])
    await insert_new(conn, "till_openings", OpeningRow._fields, [fact.opening for fact in fresh if fact.opening])
    await insert_new(conn, "till_closings", ClosingRow._fields, closings)
    periods = {fact.period for fact in fresh if fact.period}
    if periods:
        await query(conn, _PERIODS, [list(column) for column in zip(*periods, strict=True)])
    late = _late(row for fact in fresh if (row := may_be_late.get(fact.event.key)))
    if late:
        await query(conn, _LATE, [list(column) for column in zip(*late, strict=True)])
    numbers = {_number(fact.entry) for fact in fresh if fact.entry and fact.entry.receipt_id and fact.entry.business_date}
    if numbers:
        await query(conn, _TWICE, [json.dumps([dict(zip(_NUMBER, number, strict=True)) for number in numbers])])
    await judge_corrections(conn, FACTS, [fact.event.store_id for fact in fresh])


def _number(entry: EntryRow) -> tuple[str, str, str | None, str, str]:
    """Return what tells receipts apart for people: their number within a store, business date, till and kind."""
    return entry.store_id, str(entry.business_date), entry.receipt_id, entry.till_id, entry.kind


def _late(rows: Iterable[LateRow]) -> list[tuple[str, date, bool, datetime, int, datetime]]:
    """Count the facts of each store, business date and quarter of an hour, and when the last of them came."""
    found: dict[tuple[str, date, bool, datetime], tuple[int, datetime]] = {}
    for row in rows:
        key = (row.store_id, row.business_date, row.simulated, row.quarter)
        facts, last = found.get(key, (0, row.recorded_at))
        found[key] = facts + 1, max(last, row.recorded_at)
    return [(*key, facts, last) for key, (facts, last) in found.items()]
