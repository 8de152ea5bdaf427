"""Goods on their way, stock at any moment, weeks of attendance, and versions of reference data."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.envelope import Event
from contracts.events.registry import (
    EMPLOYEE_DEFINED,
    POLICY_SET,
    STOCK_ORDERED,
    STOCK_RECEIVED,
    STOCK_TRANSFERRED_IN,
    STOCK_TRANSFERRED_OUT,
    SUPPLIER_DEFINED,
)
from contracts.records import RawRecord
from contracts.topics import REFERENCE_DATA
from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.read_models.attendance_day.weeks import WeeksAsked, read_weeks
from projections.read_models.incoming_goods.mapping import incoming_fact
from projections.read_models.incoming_goods.reader import IncomingAsked, OnTheWay, read_incoming, read_on_the_way
from projections.read_models.reference_data.mapping import reference_row
from projections.read_models.reference_data.reader import ReferenceAsked, read_reference_data
from projections.read_models.stock_on_hand.moments import CountsAsked, MomentAsked, read_counts, read_stock_at
from projections.read_models.stock_on_hand.reader import read_stock
from tests.projections.folding import WHERE_IT_CAME_FROM, empty, fold, fold_steps, tables_of
from tests.projections.story import START, at, corrected, counted, event, log_of, punched, sold, store

BOTH = ("S1", "S2")


def moved(kind: str, name: str, minute: int, quantity: int, more: dict[str, Any], of: str = "S1") -> Event[Any]:
    """Order, receive or transfer some milk."""
    return event(kind, name, at(minute), more | {"lines": [{"line": 1, "sku": "MILK", "quantity": str(quantity)}]}, of)


def goods() -> list[Event[Any]]:
    """Twelve ordered and ten delivered; a delivery that nobody ordered; five sent by S2, three of them there; an order called off."""
    called_off = moved(STOCK_ORDERED, "o2", 2, 99, {"purchase_order_id": "PO-2"})
    return [
        moved(STOCK_RECEIVED, "d1", 1, 4, {"delivery_id": "D1", "purchase_order_id": "PO-1"}),
        moved(STOCK_ORDERED, "o1", 0, 12, {"purchase_order_id": "PO-1", "supplier_id": "SUP", "expected_on": "2026-03-04"}),
        moved(STOCK_RECEIVED, "d2", 5, 6, {"delivery_id": "D2", "purchase_order_id": "PO-1"}),
        moved(STOCK_RECEIVED, "d3", 6, 50, {"delivery_id": "D3"}),
        called_off,
        corrected("k", called_off, None),
        moved(STOCK_TRANSFERRED_IN, "t2", 4, 3, {"transfer_id": "T1", "other_store_id": "S2"}),
        moved(STOCK_TRANSFERRED_OUT, "t1", 3, 5, {"transfer_id": "T1", "other_store_id": "S1"}, "S2"),
        moved(STOCK_TRANSFERRED_OUT, "x", 3, 70, {"transfer_id": "T9", "other_store_id": "S1"}, "RIVAL"),
    ]


def test_both_sides_of_a_transfer_speak_of_the_store_that_receives() -> None:
    """Whoever sends says where to; a sale is not on its way."""
    facts = [incoming_fact(record) for record in log_of([goods()[-2], goods()[-3], sold("s", at(1))])]

    assert [(row.to_store_id, row.side) for fact in facts if fact for row in fact.lines] == [("S1", "promised"), ("S1", "came")]
    assert facts[2] is None


def test_a_version_is_named_by_what_it_is_a_version_of() -> None:
    """Stores by their id; what holds for a chain has no store."""
    supplier = event(SUPPLIER_DEFINED, "v", at(0), {"version": 1, "effective_from": at(0), "supplier_id": "SUP", "name": "Hanbit"}, "*")
    rows = [reference_row(record) for record in log_of([store("S1"), supplier], topic=REFERENCE_DATA)]

    assert [(row.kind, row.name, row.store_id) for row in rows] == [("store", "S1", "S1"), ("supplier", "SUP", None)]
    assert rows[1].data["name"] == "Hanbit"


@pytest.fixture
async def engine(place: Addresses) -> AsyncIterator[AsyncEngine]:
    """Connect to the place."""
    found = async_engine(place.postgres_dsn, "tests")
    yield found
    await found.dispose()


@pytest.mark.stack
def test_order_cuts_and_repeats_do_not_matter_to_goods_on_their_way(place: Addresses) -> None:
    """Deliveries may come before their order, and everything twice."""
    story = goods()
    fold(place, "incoming_goods", log_of(story))
    expected = tables_of(place, "incoming_goods", WHERE_IT_CAME_FROM)
    told_twice = log_of([each for each in reversed(story) for _ in range(2)])
    empty(place, "incoming_goods")
    fold(place, "incoming_goods", *[[each] for each in told_twice])

    assert tables_of(place, "incoming_goods", WHERE_IT_CAME_FROM) == expected


@pytest.mark.stack
async def test_what_is_outstanding_is_what_was_promised_less_what_came(place: Addresses, engine: AsyncEngine) -> None:
    """Orders that are called off are gone, what another chain sends does not count, and closed ones are asked for by name."""
    done = [
        moved(STOCK_ORDERED, "o9", 0, 2, {"purchase_order_id": "PO-9"}),
        moved(STOCK_RECEIVED, "d9", 1, 3, {"delivery_id": "D9", "purchase_order_id": "PO-9"}),
    ]
    await fold_steps(place, "incoming_goods", [log_of([*goods(), *done])])
    rows = await read_incoming(engine, IncomingAsked(("S1",), BOTH))
    first = await read_incoming(engine, IncomingAsked(BOTH, BOTH, only_open=False), limit=1)
    rest = await read_incoming(engine, IncomingAsked(BOTH, BOTH, only_open=False), first[0].cursor)

    assert [(row.kind, row.reference, row.promised, row.came, row.outstanding) for row in rows] == [
        ("order", "PO-1", 12, 10, 2),
        ("transfer", "T1", 5, 3, 2),
    ]
    assert (rows[0].supplier_id, rows[0].promised_at, rows[0].came_at) == ("SUP", at(0), at(5))
    assert [row.reference for row in first + rest] == ["PO-1", "PO-9", "T1"]
    assert (await read_on_the_way(engine, IncomingAsked(BOTH, BOTH)))["S1", "MILK"] == OnTheWay(Decimal(2), Decimal(2))
    assert await read_incoming(engine, IncomingAsked(("S2",), BOTH)) == []


@pytest.mark.stack
async def test_stock_at_a_moment_and_counts_follow_late_sales(place: Addresses, engine: AsyncEngine) -> None:
    """A sale from before a count that comes late leaves stock after it as it was, and explains what the count found missing.

    What was sold at the very moment of a count is no longer on the shelf that it counts.
    """
    story = [counted("c1", at(0), 20), sold("s0", at(0), 5), sold("s1", at(5), 3), counted("c2", at(10), 15), sold("s2", at(20), 1)]
    await fold_steps(place, "stock_on_hand", [log_of(story)])
    asked = CountsAsked(BOTH, at(-1), at(100))
    before = await read_counts(engine, asked)
    await fold_steps(place, "stock_on_hand", [log_of([*story, sold("late", at(7), 2)])[-1:]])
    after = await read_counts(engine, asked)
    moments = {minute: (await read_stock_at(engine, MomentAsked(("S1",), at(minute))))[0].on_hand for minute in (2, 6, 8, 10, 30)}

    assert [row.variance for row in before] == [None, Decimal(-2)]
    assert [(row.book, row.counted, row.variance) for row in after] == [(None, 20, None), (15, 15, 0)]
    assert moments == {2: 20, 6: 17, 8: 15, 10: 15, 30: 14}
    assert await read_stock_at(engine, MomentAsked(("S1",), at(10**6))) == await read_stock(engine, ("S1",))
    assert (await read_counts(engine, asked, before[0].cursor), await read_counts(engine, CountsAsked((), at(-1), at(9)))) == (
        after[1:],
        [],
    )


@pytest.mark.stack
async def test_stock_as_it_was_known_is_that_of_a_shorter_log(place: Addresses, engine: AsyncEngine) -> None:
    """After every record: what is answered later as known then is what was answered then, corrections of corrections included."""
    wrong, late = sold("s1", at(5), 3), sold("late", at(7), 2)
    first = corrected("k1", wrong, None)
    story = [counted("c1", at(0), 20), wrong, counted("c2", at(10), 15), late, first, corrected("k2", first, None), sold("s2", at(20), 1)]
    log = [
        RawRecord(r.topic, r.partition, r.offset, r.timestamp + 60_000 * minute, r.key, r.value, r.headers)
        for minute, r in enumerate(log_of(story))
    ]
    told = []
    for each in log:
        await fold_steps(place, "stock_on_hand", [[each]])
        told.append((await read_stock(engine, ("S1",)), await read_counts(engine, CountsAsked(("S1",), at(-1), at(99)))))
    times = [datetime.fromtimestamp(each.timestamp / 1000, UTC) for each in log]

    assert len({repr(answer) for answer in told}) > 4
    assert told == [
        (
            await read_stock_at(engine, MomentAsked(("S1",), at(10**6), known_at=known_at)),
            await read_counts(engine, CountsAsked(("S1",), at(-1), at(99), known_at=known_at)),
        )
        for known_at in times
    ]


@pytest.mark.stack
async def test_weeks_are_sums_of_their_days(place: Addresses, engine: AsyncEngine) -> None:
    """Hours beyond eight on a day and forty in a week, over whole weeks, on pages."""
    days = [0, 1, 2, 3, 4, 7, 9]
    story = [
        each
        for day in days
        for each in (punched("in", f"i{day}", at(day * 1440), "ana"), punched("out", f"o{day}", at(day * 1440 + 540), "ana"))
    ]
    await fold_steps(place, "attendance_day", [log_of(story)])
    asked = WeeksAsked(BOTH, START.date() + timedelta(days=2), START.date() + timedelta(days=8))
    first = await read_weeks(engine, asked, limit=1)
    rest = await read_weeks(engine, asked, first[0].cursor)

    assert [(row.days_worked, row.worked_minutes, row.minutes_over_days, row.minutes_over_week) for row in first + rest] == [
        (5, 2700, 300, 300),
        (2, 1080, 120, 0),
    ]
    assert first[0].week == START.date()
    assert await read_weeks(engine, WeeksAsked((), START.date(), START.date())) == []


@pytest.mark.stack
async def test_reference_data_is_read_whole_or_as_in_force(place: Addresses, engine: AsyncEngine) -> None:
    """Every version, or the newest that has begun; another chain's and other stores' are not shown."""
    story = [store(version=2, since=at(600), cut_off_hour=4), store(), store("S2")]
    await fold_steps(place, "reference_data", [log_of([*story, story[0]], topic=REFERENCE_DATA)])
    every = await read_reference_data(engine, ReferenceAsked("chain", BOTH, "store"))
    paged = await read_reference_data(engine, ReferenceAsked("chain", BOTH, "store"), every[0].cursor)
    in_force = await read_reference_data(engine, ReferenceAsked("chain", ("S1",), "store", at(599)))

    assert [(row.name, row.version) for row in every] == [("S1", 1), ("S1", 2), ("S2", 1)]
    assert paged == every[1:]
    assert [(row.name, row.version) for row in in_force] == [("S1", 1)]
    assert await read_reference_data(engine, ReferenceAsked("rival", BOTH, "store")) == []
    assert every[0].event_id != UUID(int=0)


@pytest.mark.stack
async def test_what_belongs_to_another_store_is_neither_shown_nor_forgotten(place: Addresses, engine: AsyncEngine) -> None:
    """Who went to another store is none of the old one's people any more; a chain's policy for one store is not another's."""

    def person(store_id: str, version: int) -> Event[Any]:
        data = {"version": version, "effective_from": at(version), "employee_id": "E-1", "store_id": store_id}
        return event(EMPLOYEE_DEFINED, f"E-1/{version}", at(version), data, store_id)

    data = {"version": 1, "effective_from": at(0), "scope_store_id": "S2", "parameters": {"policy": "no_show"}}
    earlier = event(POLICY_SET, "q", at(-9), data | {"version": 2, "effective_from": at(-9)}, "*")
    story = [person("S1", 1), person("S2", 2), event(POLICY_SET, "p", at(0), data, "*"), earlier]
    await fold_steps(place, "reference_data", [log_of(story, topic=REFERENCE_DATA)])

    async def seen(of: str, kind: str, when: datetime | None = None) -> list[tuple[str | None, int]]:
        return [(row.store_id, row.version) for row in await read_reference_data(engine, ReferenceAsked("chain", (of,), kind, when))]

    assert (await seen("S1", "employee", at(1)), await seen("S1", "employee", at(2))) == ([("S1", 1)], [])
    assert (await seen("S2", "employee", at(2)), await seen("S1", "employee")) == ([("S2", 2)], [("S1", 1)])
    assert (await seen("S1", "policy"), await seen("S2", "policy")) == ([], [("S2", 1), ("S2", 2)])
    assert (await seen("S2", "policy", at(-1)), await seen("S2", "policy", at(0))) == ([("S2", 2)], [("S2", 1)])
