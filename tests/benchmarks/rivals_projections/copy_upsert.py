"""The limit of Postgres: the rows of `stock_on_hand` with no log behind them, by COPY into temporary tables and an upsert from each."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import psycopg

from contracts.records import RawRecord
from contracts.topics import STORE_FACTS
from infra.garbage import collect_rarely
from infra.kafka.consumer import end_offsets, read_range
from projections.read_models.stock_on_hand.mapping import MovementRow, StockFact, stock_fact
from tests.benchmarks.rivals_projections.meter import Meter

_EVENT = ("store_id", "event_id", "event_type", "business_date", "event_hash", "position", "recorded_at")
_TOTAL = ("store_id", "sku", "on_hand", "moved_since_count")
_ADD = """DO UPDATE SET on_hand = stock_on_hand.on_hand + excluded.on_hand,
                        moved_since_count = stock_on_hand.moved_since_count + excluded.moved_since_count"""


async def _facts(given: dict[str, Any]) -> list[list[StockFact]]:
    found: list[list[StockFact]] = [[]]
    ends = await end_offsets(given["bootstrap"], [STORE_FACTS], given["prefix"])

    def take(_: Any, records: list[Any]) -> None:
        for each in records:
            if len(found[-1]) >= given["records_at_once"]:
                found.append([])
            fact = stock_fact(RawRecord(STORE_FACTS, each.partition, each.offset, each.timestamp, each.key, each.value, each.headers))
            found[-1] += [fact] if fact is not None else []

    await read_range(given["bootstrap"], dict.fromkeys(ends, 0), ends, take, given["prefix"])
    return found


def _upsert(cursor: psycopg.Cursor[Any], table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], key: str, then: str) -> None:
    names = ", ".join(columns)
    cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS new_{table} (LIKE {table}) ON COMMIT DELETE ROWS")
    for column in set(_all_columns(cursor, table)) - set(columns):
        cursor.execute(f"ALTER TABLE new_{table} ALTER COLUMN {column} DROP NOT NULL")
    with cursor.copy(f"COPY new_{table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    cursor.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM new_{table} ORDER BY {key} ON CONFLICT ({key}) {then}")


def _all_columns(cursor: psycopg.Cursor[Any], table: str) -> list[str]:
    return [
        row[0] for row in cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]).fetchall()
    ]


def main(given: dict[str, Any]) -> None:
    """Write everything, a transaction a batch."""
    batches, meter = asyncio.run(_facts(given)), Meter()
    collect_rarely()
    with psycopg.connect(given["postgres"], options="-c search_path=read_g1") as connection:
        meter.begin()
        for batch in batches:
            totals: Counter[tuple[str, str]] = Counter()
            moved = [row for fact in batch for row in fact.movements]
            for row in moved:
                totals[row.store_id, row.sku] += row.quantity  # type: ignore[assignment]
            sums = [(*shelf, total, total) for shelf, total in sorted(totals.items())]
            with connection.transaction(), connection.cursor() as cursor:
                events = [tuple(getattr(fact.event, name) for name in _EVENT) for fact in batch]
                _upsert(cursor, "stock_on_hand_events", _EVENT, events, "store_id, event_id", "DO NOTHING")
                _upsert(cursor, "stock_movements", MovementRow._fields, moved, "store_id, event_id, line", "DO NOTHING")
                _upsert(cursor, "stock_on_hand", _TOTAL, sums, "store_id, sku", _ADD)
        meter.done()
    meter.tell()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
