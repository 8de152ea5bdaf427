"""Keep the facts of till periods; what they add up to is asked of the rows that count."""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.records import LogRecord
from projections.read_models.till_periods.mapping import ClosingRow, EntryRow, OpeningRow, PeriodFact, TenderRow, period_fact
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


class TillPeriods:
    """The read model `till_periods`."""

    fact_tables: FactTables | None = FACTS

    def map(self, record: LogRecord) -> Mapped | None:
        """Decode and map one record."""
        fact = period_fact(record)
        return None if fact is None else Mapped(record, fact, fact.event.key)

    async def write(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        """Insert the facts that are new, and let corrections take effect."""
        fresh, repeats = await insert_fresh(conn, FACTS, mapped)
        if fresh:
            await _keep(conn, fresh)
        return Written(repeats)


async def _keep(conn: AsyncConnection, fresh: Sequence[PeriodFact]) -> None:
    closings = [(*fact.closing[:-1], json.dumps(fact.closing.report)) for fact in fresh if fact.closing]
    await insert_new(conn, "till_entries", EntryRow._fields, [fact.entry for fact in fresh if fact.entry])
    await insert_new(conn, "till_tenders", TenderRow._fields, [row for fact in fresh for row in fact.tenders])
    await insert_new(conn, "till_openings", OpeningRow._fields, [fact.opening for fact in fresh if fact.opening])
    await insert_new(conn, "till_closings", ClosingRow._fields, closings)
    periods = {fact.period for fact in fresh if fact.period}
    if periods:
        await query(conn, _PERIODS, [list(column) for column in zip(*periods, strict=True)])
    await judge_corrections(conn, FACTS, [fact.event.store_id for fact in fresh])
