"""Keep what was heard of each till and day, and the gaps beside every number that a batch touched.

Everything is a set, a minimum or a maximum, and gaps are a function of the set of numbers: order and repeats change nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.records import LogRecord
from projections.read_models.till_days.mapping import Heard, Numbered, till_fact
from projections.sinks.postgres import Mapped, Written
from projections.sinks.postgres_facts import FactTables
from projections.sinks.postgres_rows import query

_STORES: Final = """
    INSERT INTO store_days AS known (store_id, business_date, last_heard_at, is_certain, recorded_at, certain_at)
    SELECT store_id, business_date, max(last_heard_at), bool_or(NOT is_ahead), min(recorded_at),
           min(recorded_at) FILTER (WHERE NOT is_ahead)
    FROM unnest(%s::text[], %s::date[], %s::timestamptz[], %s::boolean[], %s::timestamptz[])
        AS given (store_id, business_date, last_heard_at, is_ahead, recorded_at)
    GROUP BY store_id, business_date ORDER BY store_id, business_date
    ON CONFLICT (store_id, business_date) DO UPDATE SET
        last_heard_at = greatest(known.last_heard_at, excluded.last_heard_at), is_certain = known.is_certain OR excluded.is_certain,
        recorded_at = least(known.recorded_at, excluded.recorded_at), certain_at = least(known.certain_at, excluded.certain_at)
    WHERE excluded.last_heard_at > known.last_heard_at OR excluded.is_certain > known.is_certain
       OR excluded.recorded_at < known.recorded_at OR excluded.certain_at < known.certain_at
"""
"""A day is certain when a clock that is not ahead says so: one wrong clock must not begin tomorrow for every store."""
_TILLS: Final = """
    INSERT INTO till_days AS known (store_id, till_id, business_date, last_heard_at, has_heartbeat, is_closed, recorded_at)
    SELECT store_id, till_id, business_date, max(last_heard_at), bool_or(has_heartbeat), bool_or(is_closed), min(recorded_at)
    FROM unnest(%s::text[], %s::text[], %s::date[], %s::timestamptz[], %s::boolean[], %s::boolean[], %s::timestamptz[])
        AS given (store_id, till_id, business_date, last_heard_at, has_heartbeat, is_closed, recorded_at)
    GROUP BY store_id, till_id, business_date ORDER BY store_id, till_id, business_date
    ON CONFLICT (store_id, till_id, business_date) DO UPDATE SET
        last_heard_at = greatest(known.last_heard_at, excluded.last_heard_at),
        has_heartbeat = known.has_heartbeat OR excluded.has_heartbeat, is_closed = known.is_closed OR excluded.is_closed,
        recorded_at = least(known.recorded_at, excluded.recorded_at)
"""
_NUMBERS: Final = """
    INSERT INTO device_numbers AS known (store_id, device_id, device_seq, received_on, announced_on, received_at, announced_at)
    SELECT store_id, device_id, device_seq, min(received_on), min(announced_on), min(received_at), min(announced_at)
    FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::date[], %s::date[], %s::timestamptz[], %s::timestamptz[])
        AS given (store_id, device_id, device_seq, received_on, announced_on, received_at, announced_at)
    GROUP BY store_id, device_id, device_seq ORDER BY store_id, device_id, device_seq
    ON CONFLICT (store_id, device_id, device_seq) DO UPDATE SET
        received_on = least(known.received_on, excluded.received_on), announced_on = least(known.announced_on, excluded.announced_on),
        received_at = least(known.received_at, excluded.received_at), announced_at = least(known.announced_at, excluded.announced_at)
    WHERE excluded.received_on < coalesce(known.received_on, 'infinity') OR excluded.announced_on < coalesce(known.announced_on, 'infinity')
       OR excluded.received_at < coalesce(known.received_at, 'infinity') OR excluded.announced_at < coalesce(known.announced_at, 'infinity')
    RETURNING store_id, device_id, device_seq
"""
_GAPS: Final = """
    WITH changed AS MATERIALIZED (
        SELECT store_id, device_id, device_seq FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS given (store_id, device_id, device_seq)
    ), touched AS MATERIALIZED (
        SELECT * FROM changed
        UNION
        SELECT c.store_id, c.device_id, n.device_seq FROM changed c CROSS JOIN LATERAL (
            SELECT device_seq FROM device_numbers n
            WHERE n.store_id = c.store_id AND n.device_id = c.device_id AND n.device_seq > c.device_seq ORDER BY device_seq LIMIT 1
        ) n
    ), judged AS MATERIALIZED (
        SELECT n.store_id, n.device_id, n.device_seq AS next_seq, coalesce(n.received_on, n.announced_on) AS business_date,
               before.device_seq + 1 AS first_missing, n.device_seq - (n.received_on IS NOT NULL)::integer AS last_missing
        FROM touched t JOIN device_numbers n USING (store_id, device_id, device_seq) LEFT JOIN LATERAL (
            SELECT device_seq FROM device_numbers b
            WHERE b.store_id = n.store_id AND b.device_id = n.device_id AND b.device_seq < n.device_seq ORDER BY device_seq DESC LIMIT 1
        ) before ON true
    ), healed AS (
        DELETE FROM number_gaps g USING judged j
        WHERE (g.store_id, g.device_id, g.next_seq) = (j.store_id, j.device_id, j.next_seq)
          AND (j.first_missing IS NULL OR j.first_missing > j.last_missing)
    )
    INSERT INTO number_gaps (store_id, device_id, next_seq, business_date, first_missing, last_missing)
    SELECT store_id, device_id, next_seq, business_date, first_missing, last_missing FROM judged
    WHERE first_missing <= last_missing ORDER BY store_id, device_id, next_seq
    ON CONFLICT (store_id, device_id, next_seq) DO UPDATE SET
        business_date = excluded.business_date, first_missing = excluded.first_missing, last_missing = excluded.last_missing
"""
"""Beside a number that is new lie at most two gaps: the one below it, and the one below the next number that is known.

A number that was only announced is missing itself, unless nothing is known below it: then counting begins after it.
"""


class TillDays:
    """The read model `till_days`."""

    fact_tables: FactTables | None = None

    def map(self, record: LogRecord) -> Mapped | None:
        """Map one record from its envelope and two fields of its content."""
        fact = till_fact(record)
        return None if fact is None else Mapped(record, fact)

    async def write(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        """Widen sets, minima and maxima; what was there before is neither told apart nor refused."""
        heard = [item.rows.heard for item in mapped if item.rows.heard is not None]
        if heard:
            await _hear(conn, heard)
        numbers = {number for item in mapped for number in item.rows.numbers}
        if numbers:
            await _number(conn, numbers)
        return Written()


async def _hear(conn: AsyncConnection, heard: Sequence[Heard]) -> None:
    await query(conn, _STORES, _columns([(row.store_id, row.business_date, row.heard_at, row.is_ahead, row.recorded_at) for row in heard]))
    tills = [row for row in heard if row.till_id is not None]
    if tills:
        rows = [(r.store_id, r.till_id, r.business_date, r.heard_at, r.is_heartbeat, r.is_closing, r.recorded_at) for r in tills]
        await query(conn, _TILLS, _columns(rows))


async def _number(conn: AsyncConnection, numbers: Iterable[Numbered]) -> None:
    changed = await query(conn, _NUMBERS, _columns(list(numbers)))
    if changed:
        await query(conn, _GAPS, _columns(changed))


def _columns(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
