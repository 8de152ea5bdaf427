"""Level 2 and repair on the real stack: each damaged row is named with what it should be, and put right from the log."""

import asyncio
from typing import Any

import pytest

from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.generation_runners import run_generations
from projections.options import RunnerOptions
from projections.reconcile.compare import Difference
from projections.reconcile.days import RowScope, read_checked
from projections.reconcile.plan import plan_repairs
from projections.reconcile.repair import Repaired, carry_out
from projections.reconcile.report import Report, StoreDay
from projections.reconcile.run import ReconcileOptions, reconcile
from tests.projections.applying import apply_log
from tests.projections.clickhouse.driving import publish
from tests.projections.clickhouse.sales_events import DAY, at, corrected, sale
from tests.projections.reconcile.damages import in_clickhouse, in_postgres
from tests.projections.reconcile.telling import MODELS, event, project, tell

pytestmark = pytest.mark.stack

WHOLE = RowScope(first=DAY, last=DAY)


async def judged(place: Addresses, rows: RowScope = WHOLE, wait_seconds: float = 0) -> Report:
    """Reconcile both levels."""
    return await reconcile(place, ReconcileOptions(wait_seconds=wait_seconds, rows=rows))


def said(difference: Difference) -> tuple[Any, ...]:
    """Return what a finding about a row says."""
    cell = difference.cell
    assert cell is not None
    is_whole = difference.kind != "row_differs"
    values = () if is_whole else (cell.column, cell.stored, cell.expected)
    return (difference.model, cell.table, difference.kind, difference.key.store_id, *values)


DAMAGES = (
    (
        "a corrupted row in Postgres, which no hash tells of",
        in_postgres("UPDATE read_g1.stock_on_hand SET on_hand = on_hand + 5 WHERE store_id = 'S1' AND sku = 'SKU-1'"),
        ("stock_on_hand", "stock_on_hand", "row_differs", "S1", "on_hand", "19", "14"),
    ),
    (
        "a removed row in Postgres",
        in_postgres(f"DELETE FROM read_g1.incoming_goods_lines WHERE event_id = '{event('O1')}'"),
        ("incoming_goods", "incoming_goods_lines", "row_missing", "S1"),
    ),
    (
        "a doubled row in Postgres",
        in_postgres(
            'INSERT INTO read_g1.stock_on_hand SELECT (jsonb_populate_record(s, \'{"sku": "SKU-9"}\')).* FROM read_g1.stock_on_hand s '
            "WHERE store_id = 'S1' AND sku = 'SKU-1'"
        ),
        ("stock_on_hand", "stock_on_hand", "row_extra", "S1"),
    ),
    (
        "a corrupted row in ClickHouse",
        in_clickhouse(
            f"ALTER TABLE sales_lines_g1 UPDATE gross = gross + 7 WHERE event_id = '{event('R3', 'S2')}' SETTINGS mutations_sync = 2"
        ),
        ("sales", "sales_lines", "row_differs", "S2", "gross", "17", "10"),
    ),
    (
        "a corrupted sum in ClickHouse that level 1 does not compare",
        in_clickhouse("ALTER TABLE sales_by_hour_g1 UPDATE units = units + 1 WHERE store_id = 'S2' SETTINGS mutations_sync = 2"),
        ("sales", "sales_by_hour", "row_differs", "S2", "units", "2.00000", "1.00000"),
    ),
    (
        "a removed row in ClickHouse",
        in_clickhouse(f"DELETE FROM sale_corrections_g1 WHERE event_id = '{event('C2')}'"),
        ("sales", "sale_corrections", "row_missing", "S1"),
    ),
    (
        "a doubled row in ClickHouse, under another number",
        in_clickhouse(
            "INSERT INTO receipt_tenders_g1 SELECT * REPLACE (tender + 1 AS tender) "
            f"FROM (SELECT * FROM receipt_tenders_g1 WHERE event_id = '{event('V1')}' LIMIT 1)"
        ),
        ("sales", "receipt_tenders", "row_extra", "S1"),
    ),
)


def an_hour_is_emptied(place: Addresses) -> None:
    """Leave a sum of nothing, as batches do: a sale in one, its correction in the next. Who folds both at once has no such row."""
    gone = sale("R9", at(15))
    publish(place, [gone])
    apply_log(place, "sales")
    publish(place, [corrected("C9", gone)])
    apply_log(place, *MODELS)


def test_each_damaged_row_is_named_and_put_right_from_the_log(place: Addresses) -> None:
    """What is whole passes; each damage is found with both values; the plan's steps put all of it right, and nothing else moves."""
    tell(place)
    project(place)
    an_hour_is_emptied(place)
    sound = asyncio.run(judged(place))
    assert (sound.verdict, sound.unverified, sound.error) == ("PASS", [], None)
    assert set(sound.rows_compared) == set(MODELS) - {"dead_letters", "event_log"}
    assert all(sound.rows_compared.values()), sound.rows_compared

    nobody = asyncio.run(judged(place, RowScope("S9")))
    assert (nobody.verdict, nobody.unverified) == ("UNVERIFIED", ["rows: the log holds nothing of store S9"])

    for _, harm, _ in DAMAGES:
        harm(place)
    found = asyncio.run(judged(place))
    told = {said(difference) for difference in found.differences if difference.level == 2}
    for name, _, expected in DAMAGES:
        assert expected in told, (name, told)
    assert found.verdict == "MISMATCH"

    steps = plan_repairs(found.differences, found.open_conflicts)
    repaired, again = asyncio.run(_repair(place, steps))
    assert [each.error for each in repaired] == [None] * len(steps)
    assert {each.step.model for each in repaired} == {"stock_on_hand", "incoming_goods", "sales"}
    assert (again.verdict, again.differences) == ("PASS", [])


def test_rows_of_a_model_that_is_behind_are_not_verified_and_leave_the_day_to_be_compared(place: Addresses) -> None:
    """The others are compared all the same; the store-day counts as compared only once every model was."""
    apply_log(place, "sales")
    publish(place, [sale("R1", at(9))])
    apply_log(place, *(name for name in MODELS if name != "sales"))

    behind = asyncio.run(judged(place, RowScope()))
    assert (behind.verdict, "rows of sales: 1 records behind in 1 partitions" in behind.unverified) == ("UNVERIFIED", True)
    assert ("stock_on_hand" in behind.rows_compared, "sales" in behind.rows_compared) == (True, False)
    assert behind.checked == [("S1", DAY.isoformat())]
    assert asyncio.run(_checked(place)) == set()


async def _checked(place: Addresses) -> set[StoreDay]:
    engine = async_engine(place.postgres_dsn, "tests")
    try:
        return set(await read_checked(engine))
    finally:
        await engine.dispose()


async def _repair(place: Addresses, steps: Any) -> tuple[list[Repaired], Report]:
    """Repair beside living projections: a repair holds them at one position."""
    stop = asyncio.Event()
    running = asyncio.create_task(run_generations(MODELS, RunnerOptions(place), stop))
    try:
        return await carry_out(place, steps), await judged(place, wait_seconds=30)
    finally:
        stop.set()
        await running
