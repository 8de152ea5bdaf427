"""Fold a log in memory through the real sink into a real database, in any steps, and look at every table afterwards."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.records import LogRecord
from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.batching import Batch, LedgerRow, Part, part_batch
from projections.catalogue import PROJECTIONS
from projections.generations import register
from projections.options import NoCrashPoints, Safeguards
from projections.positions import Claim, claim
from projections.sinks.sink import Sink, SinkContext

MODELS = {
    "event_index": ("event_index",),
    "stores": ("store_versions", "employee_versions", "sku_versions"),
    "stock_on_hand": ("stock_on_hand_events", "stock_movements", "stock_counts", "stock_on_hand"),
    "incoming_goods": ("incoming_goods_events", "incoming_goods_lines"),
    "reference_data": ("reference_data",),
    "attendance_day": ("attendance_day_events", "attendance_punches", "attendance_shifts", "attendance_day"),
    "till_days": ("store_days", "till_days", "device_numbers", "number_gaps"),
    "till_periods": (
        "till_period_events",
        "till_entries",
        "till_tenders",
        "till_openings",
        "till_closings",
        "till_periods",
        "receipts_twice",
        "late_sales",
        "tick_clocks",
    ),
    "open_alerts": ("alert_transitions", "open_alerts", "rule_progress", "alert_answer_events", "alert_answers"),
    "reorder_recommendations": ("reorder_revisions", "reorder_recommendations"),
    "dead_letters": (),
}
WHERE_IT_CAME_FROM = {"position", "recorded_at", "part", "topic", "certain_at", "received_at", "announced_at"}
"""Columns that depend on where an event lies on the log, not on what it says."""


class Owner:
    """An owner of all partitions of one projection, without a broker."""

    def __init__(self, engine: AsyncEngine, place: Addresses, projection: str, safeguards: Safeguards, log: str = "log") -> None:
        self._engine, self._log = engine, log
        self._projection = projection
        context = SinkContext(projection, 1, engine, place, safeguards, NoCrashPoints())
        self.sink: Sink = PROJECTIONS[projection].factory(context)
        self.claims: dict[Part, Claim] = {}

    async def take(self, parts: Iterable[Part]) -> None:
        """Claim partitions as a runner does."""
        async with self._engine.begin() as conn:
            await register(conn, self._projection, 1, PROJECTIONS[self._projection].mapping_version, self._log)
            self.claims |= await claim(conn, self._projection, 1, parts)

    def batch(self, records: Sequence[LogRecord]) -> Batch:
        """Make a batch of records that follow what was claimed."""
        by_part: dict[Part, list[LogRecord]] = defaultdict(list)
        for each in records:
            by_part[Part(each.topic, each.partition)].append(each)
        return Batch(
            self._projection,
            1,
            tuple(
                part_batch(part, self.claims[part].epoch, self.claims[part].next_offset, found) for part, found in sorted(by_part.items())
            ),
        )

    async def apply(self, records: Sequence[LogRecord]) -> tuple[LedgerRow, ...]:
        """Apply one batch and note the new positions."""
        batch = self.batch(records)
        rows = await self.sink.apply(batch)
        for part in batch.parts:
            self.claims[part.part] = Claim(part.part, part.epoch, part.next, part.recorded_at)
        return rows


async def fold_steps(place: Addresses, projection: str, steps: Sequence[Sequence[LogRecord]], safeguards: Safeguards | None = None) -> None:
    """Apply batches one after the other as one owner."""
    engine = async_engine(place.postgres_dsn, "tests")
    try:
        owner = Owner(engine, place, projection, safeguards or Safeguards())
        await owner.take({Part(each.topic, each.partition) for step in steps for each in step})
        for step in steps:
            if step:
                await owner.apply(step)
    finally:
        await engine.dispose()


def fold(place: Addresses, projection: str, *steps: Sequence[LogRecord], safeguards: Safeguards | None = None) -> None:
    """Apply batches from a test that is not asynchronous."""
    asyncio.run(fold_steps(place, projection, steps, safeguards))


def split(records: Sequence[LogRecord], cuts: Iterable[int]) -> list[Sequence[LogRecord]]:
    """Cut a log into batches."""
    edges = [0, *sorted({cut % (len(records) + 1) for cut in cuts}), len(records)]
    return [records[begin:end] for begin, end in pairwise(edges)]


def rows_of(place: Addresses, query: str) -> list[dict[str, Any]]:
    """Ask the database."""
    with psycopg.connect(place.postgres_dsn, row_factory=dict_row) as connection:
        return connection.execute(query.encode()).fetchall()


def tables_of(place: Addresses, projection: str, but: Iterable[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of a projection's tables, in an order of their own, without some columns."""
    left_out = set(but)
    return {
        table: sorted((_plain(row, left_out) for row in rows_of(place, f"SELECT * FROM read_g1.{table}")), key=repr)
        for table in MODELS[projection]
    }


def _plain(row: dict[str, Any], left_out: set[str]) -> tuple[Any, ...]:
    """Make equal rows look alike: 2 and 2.00 are one quantity."""
    found = ((name, value.normalize() if isinstance(value, Decimal) else value) for name, value in sorted(row.items()))
    return tuple((name, value) for name, value in found if name not in left_out)


def empty(place: Addresses, projection: str) -> None:
    """Forget what was ever delivered to a projection: the next fold is a replay from zero."""
    with psycopg.connect(place.postgres_dsn) as connection:
        for table in [f"read_g1.{name}" for name in MODELS[projection]] + [
            "delivery.positions",
            "delivery.ledger",
            "delivery.dead_letters",
        ]:
            connection.execute(f"DELETE FROM {table}".encode())
