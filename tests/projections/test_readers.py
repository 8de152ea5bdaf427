"""Readers: store scope is in every query, pages neither repeat nor leave out, and settings are those in force."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.envelope import Event
from contracts.events.registry import RULE_PROGRESSED
from contracts.topics import ALERTS, REORDER_RECOMMENDATIONS
from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.read_models.attendance_day.reader import read_attendance
from projections.read_models.open_alerts.reader import (
    AlertsAsked,
    read_alert,
    read_alerts,
    read_rule_progress,
    read_stage_progress,
    read_transitions,
)
from projections.read_models.reorder_recommendations.reader import read_recommendations
from projections.read_models.stock_on_hand.reader import read_stock
from projections.read_models.stores.reader import store_settings, store_settings_at
from tests.projections.folding import fold_steps
from tests.projections.story import START, alert, at, counted, event, log_of, punched, recommended, sold, store

pytestmark = pytest.mark.stack

STORES = ("S1", "S2", "S3")


@pytest.fixture
async def engine(place: Addresses) -> AsyncIterator[AsyncEngine]:
    """Connect to the place."""
    found = async_engine(place.postgres_dsn, "tests")
    yield found
    await found.dispose()


async def _pages(read: Any, size: int = 2) -> list[Any]:
    """Read all pages of a reader that takes a cursor and a limit."""
    rows: list[Any] = []
    page: Sequence[Any] = await read(None, size)
    while page:
        rows += page
        page = await read(page[-1].cursor, size)
    return rows


async def test_stock_is_read_page_by_page_within_the_scope(place: Addresses, engine: AsyncEngine) -> None:
    """Every row of the asked stores comes once, in order; no other store's row comes at all, an empty scope sees nothing."""
    story = [sold(f"{name}{sku}", at(0), sku=sku, store=name) for name in STORES for sku in ("A", "B", "C")]
    await fold_steps(place, "stock_on_hand", [log_of([*story, counted("c", at(5), 7, "A", "S1")])])
    everything = await _pages(lambda cursor, size: read_stock(engine, STORES, cursor=cursor, limit=size))
    scoped = await _pages(lambda cursor, size: read_stock(engine, ("S1", "S3"), ("A", "B"), cursor, size))

    assert [(row.store_id, row.sku) for row in everything] == [(name, sku) for name in STORES for sku in "ABC"]
    assert [(row.store_id, row.sku) for row in scoped] == [(name, sku) for name in ("S1", "S3") for sku in "AB"]
    assert (everything[0].on_hand, everything[0].is_counted, everything[1].is_counted) == (Decimal(7), True, False)
    assert await read_stock(engine, ()) == []


async def test_attendance_is_read_of_one_date_within_the_scope(place: Addresses, engine: AsyncEngine) -> None:
    """Only the asked date and stores."""
    story = [punched("in", f"{name}{day}{who}", at(day * 1440), who, name) for name in STORES for day in (0, 1) for who in "ab"]
    await fold_steps(place, "attendance_day", [log_of(story)])
    rows = await _pages(lambda cursor, size: read_attendance(engine, ("S2", "S3"), START.date(), None, cursor, size))

    assert [(row.store_id, row.employee_id) for row in rows] == [("S2", "a"), ("S2", "b"), ("S3", "a"), ("S3", "b")]
    assert {row.business_date for row in rows} == {START.date()}
    assert await read_attendance(engine, (), START.date()) == []


async def test_alerts_are_read_open_by_default_and_with_their_evidence(place: Addresses, engine: AsyncEngine) -> None:
    """Resolved alerts are asked for by name; transitions of another store's alert are not shown."""
    story = [alert(1, "raised", who, name) for name in STORES for who in ("ana", "ben")] + [alert(2, "resolved", "ana", "S1")]
    progress = event(RULE_PROGRESSED, "p", at(9), {"partition": 1, "next_offset": 40, "clock": at(9)}, "*")
    earlier = event(RULE_PROGRESSED, "q", at(9), {"partition": 1, "next_offset": 30, "clock": at(3)}, "*")
    await fold_steps(place, "open_alerts", [log_of([*story, progress, earlier], topic=ALERTS)])
    rows = await _pages(lambda cursor, size: read_alerts(engine, AlertsAsked(("S1", "S2")), cursor, size))

    assert {(row.store_id, row.subject) for row in rows} == {("S1", "ben"), ("S2", "ana"), ("S2", "ben")}
    assert len(rows) == 3
    assert rows[0].evidence["observed"] == "none"
    resolved = await read_alerts(engine, AlertsAsked(STORES, ("resolved",)))
    assert [(row.transition, row.raised_at) for row in resolved] == [(2, at(1))]
    assert [row["transition"] for row in await read_transitions(engine, ("S1",), resolved[0].alert_id)] == [1, 2]
    assert await read_transitions(engine, ("S2",), resolved[0].alert_id) == []
    assert await read_alert(engine, ("S1",), resolved[0].alert_id) == resolved[0]
    assert await read_alert(engine, ("S2",), resolved[0].alert_id) is None
    assert await read_alerts(engine, AlertsAsked(STORES, severities=("high",))) == []
    assert len(await read_alerts(engine, AlertsAsked(STORES, None, ("no_show",), ("low", "high"), at(1)))) == 6
    assert await read_alerts(engine, AlertsAsked(STORES, None, due_by=at(0))) == []
    assert [(row.next_offset, row.clock) for row in (await read_rule_progress(engine)).values()] == [(40, at(9))]


async def test_progress_of_each_stage_of_rules_is_kept_apart(place: Addresses, engine: AsyncEngine) -> None:
    """The same partition number of two topics is two; a stage is as far as its slowest partition."""

    def progress(stage: str, part: int, offset: int, minute: int) -> Event[Any]:
        data = {"stage": stage, "partition": part, "next_offset": offset, "clock": at(minute)}
        return event(RULE_PROGRESSED, f"{stage}/{part}/{offset}", at(minute), data, "*")

    story = [progress("stores", 0, 50, 9), progress("chains", 0, 7, 3), progress("stores", 1, 60, 8), progress("chains", 1, 9, 5)]
    await fold_steps(place, "open_alerts", [log_of(story, topic=ALERTS)])

    assert {part: row.next_offset for part, row in (await read_rule_progress(engine)).items()} == {0: 50, 1: 60}
    assert {part: row.next_offset for part, row in (await read_rule_progress(engine, "chains")).items()} == {0: 7, 1: 9}
    assert [(row.stage, row.clock) for row in await read_stage_progress(engine)] == [("chains", at(3)), ("stores", at(8))]


async def test_recommendations_are_read_open_by_default(place: Addresses, engine: AsyncEngine) -> None:
    """A closed one is not recommended any more."""
    story = [recommended(1, 5, sku, name) for name in STORES for sku in ("A", "B")] + [recommended(2, 0, "A", "S1")]
    await fold_steps(place, "reorder_recommendations", [log_of(story, topic=REORDER_RECOMMENDATIONS)])
    rows = await _pages(lambda cursor, size: read_recommendations(engine, ("S1", "S2"), cursor=cursor, limit=size))

    assert [(row.store_id, row.sku) for row in rows] == [("S1", "B"), ("S2", "A"), ("S2", "B")]
    assert [row.sku for row in await read_recommendations(engine, ("S1",), ("closed",))] == ["A"]


async def test_settings_are_those_in_force(place: Addresses, engine: AsyncEngine) -> None:
    """The newest version that has begun; before the first begins, the first."""
    story = [store(version=2, since=at(600), cut_off_hour=4), store(), store("S2", since=at(10**7)), store("S2", 2, at(2 * 10**7))]
    await fold_steps(place, "stores", [log_of(story)])

    assert {name: found.version for name, found in (await store_settings_at(engine, at(599))).items()} == {"S1": 1, "S2": 1}
    assert (await store_settings_at(engine, at(600)))["S1"].cut_off_hour == 4
    assert (await store_settings(engine)).keys() == {"S1", "S2"}
    assert (await store_settings(engine))["S1"].tenant_id == "chain"
