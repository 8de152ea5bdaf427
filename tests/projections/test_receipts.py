"""Receipts that came twice under different ids, and facts that came after the lateness window: sets, like the facts they follow from."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.business_time import business_date
from contracts.envelope import Event
from contracts.records import RawRecord
from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.read_models.till_periods.lateness import LATENESS_WINDOW, may_be_late, quarter_of, sealed_until
from projections.read_models.till_periods.receipts import (
    ReceiptTwice,
    count_receipts_twice,
    read_late_facts,
    read_receipts_twice,
    read_tick_clock,
)
from tests.projections.folding import empty, fold_steps, split, tables_of
from tests.projections.story import START, at, corrected, log_of, sold, tick
from tests.projections.till_story import line, moved, receipt, renamed, returned, voided

DAY = START.date()
SPAN = (DAY - timedelta(days=9), DAY + timedelta(days=9))


@dataclass(frozen=True)
class Clock:
    """Where and when a store's business date begins."""

    timezone: str
    cut_off_hour: int


@pytest.fixture
async def engine(place: Addresses) -> AsyncIterator[AsyncEngine]:
    """Connect to the place."""
    found = async_engine(place.postgres_dsn, "tests")
    yield found
    await found.dispose()


async def _twice(place: Addresses, engine: AsyncEngine, *story: Event[Any]) -> list[ReceiptTwice]:
    """Fold a story from zero and return the numbers that count several times in two stores."""
    empty(place, "till_periods")
    await fold_steps(place, "till_periods", [log_of(story)])
    return await read_receipts_twice(engine, ("S1", "S2"), *SPAN)


@pytest.mark.stack
async def test_a_number_under_two_ids_is_told_until_one_of_them_is_corrected(place: Addresses, engine: AsyncEngine) -> None:
    """Both ids are named, first recorded first; the same event again is no second one; a correction of the correction brings it back."""
    first, again = receipt("a", at(5)), renamed(receipt("b", at(90)), "a")
    gone = corrected("x", again)
    (told,) = await _twice(place, engine, first, again, first, again)

    assert (told.store_id, told.business_date, told.receipt_id, told.till_id, told.type) == ("S1", DAY, "a", "1", "sale.completed.v1")
    assert [(event.event_id, event.occurred_at) for event in told.events] == [(first.id, at(5)), (again.id, at(90))]
    assert await count_receipts_twice(engine, ("S1",), *SPAN) == 1
    assert await count_receipts_twice(engine, ("S1",), DAY + timedelta(days=1), SPAN[1]) == 0
    assert await _twice(place, engine, first, gone, again) == []
    restored = corrected("y", gone, again.data.model_dump(mode="json", exclude_none=True))
    (back,) = await _twice(place, engine, first, again, gone, restored)
    assert [event.event_id for event in back.events] == [first.id, restored.id]


@pytest.mark.stack
async def test_a_corrected_receipt_is_one_receipt(place: Addresses, engine: AsyncEngine) -> None:
    """Its right content bears the same number under the correction's id, but the wrong one no longer counts."""
    wrong = receipt("a", at(5))
    right = corrected("x", wrong, receipt("a", at(5), line(900)).data.model_dump(mode="json", exclude_none=True))

    assert await _twice(place, engine, wrong, right) == []
    assert await count_receipts_twice(engine, ("S1", "S2"), *SPAN) == 0


@pytest.mark.stack
async def test_other_stores_dates_tills_and_types_may_use_the_same_number(place: Addresses, engine: AsyncEngine) -> None:
    """Only the whole key makes a receipt the same; a void before completion never was one, and a drawer has no number."""
    story = [
        receipt("a", at(5)),
        receipt("a", at(5), store="S2"),
        renamed(receipt("b", at(1440)), "a"),
        renamed(receipt("c", at(5), till="2"), "a"),
        renamed(returned("d", at(6)), "a"),
        renamed(voided("e", at(7)), "a"),
        renamed(voided("f", at(7), phase="before_completion"), "a"),
        moved("m", at(8), 100),
        moved("n", at(8), 100),
    ]

    assert await _twice(place, engine, *story) == []


@pytest.mark.stack
async def test_receipts_without_a_till_are_told_apart_by_their_number_alone(place: Addresses, engine: AsyncEngine) -> None:
    """A store whose system names no till is looked at too; three under one number are two too many."""
    story = [renamed(receipt(name, at(5), till=None), "a") for name in "abc"]
    (told,) = await _twice(place, engine, *story)

    assert (told.till_id, [event.event_id for event in told.events]) == (None, [each.id for each in story])
    assert await count_receipts_twice(engine, ("S1",), *SPAN) == 2


@pytest.mark.stack
async def test_pages_of_numbers_are_one_list_within_the_scope(place: Addresses, engine: AsyncEngine) -> None:
    """One row a page leads to every number of the asked stores once and in order."""
    story = [
        renamed(receipt(f"{number}/{copy}/{till}", at(number), store=store, till=till), f"N{number}")
        for store in ("S1", "S2", "S3")
        for number in (1, 2)
        for till in (None, "1")
        for copy in (1, 2)
        if (number, till) != (2, None)
    ]
    whole = await _twice(place, engine, *story)
    rows: list[ReceiptTwice] = []
    while page := await read_receipts_twice(engine, ("S1", "S2"), *SPAN, rows[-1].cursor if rows else None, 1):
        rows += page

    assert rows == whole
    assert [(row.store_id, row.receipt_id, row.till_id) for row in rows] == [
        (store, *key) for store in ("S1", "S2") for key in (("N1", None), ("N1", "1"), ("N2", "1"))
    ]


moments = st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given beside
zones = st.sampled_from(["Asia/Seoul", "Europe/London", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York", "Asia/Kathmandu"])


@given(moments, zones, st.integers(0, 23))
@example(datetime(2026, 3, 2, 10, 30, tzinfo=UTC), "Pacific/Kiritimati", 0)
@example(datetime(2026, 3, 2, 18, 20, tzinfo=UTC), "Asia/Kathmandu", 0)
def test_a_date_is_sealed_a_week_after_its_cut_off(clock: datetime, timezone: str, cut_off_hour: int) -> None:
    """The last sealed date was over a week ago, the next one was not; what is late somewhere may be late, with all of its quarter."""
    sealed = sealed_until(clock, timezone, cut_off_hour)

    assert business_date(clock - LATENESS_WINDOW, timezone, cut_off_hour) == sealed + timedelta(days=1)
    assert may_be_late(sealed, clock)
    assert not may_be_late(sealed + timedelta(days=3), clock)
    assert sealed_until(quarter_of(clock), timezone, cut_off_hour) == sealed


def _recorded(happened: Event[Any], offset: int, when: datetime) -> RawRecord:
    """Put an event on a log in memory at a time of the broker."""
    made = log_of([happened])[0]
    return RawRecord(made.topic, 0, offset, int(when.timestamp() * 1000), made.key, made.value, made.headers)


@pytest.mark.stack
async def test_facts_are_late_after_a_week_by_the_clock_of_their_store(place: Addresses, engine: AsyncEngine) -> None:
    """To the second, with the store's zone and cut-off; a repeat that comes late is none, nor is history or what is no sale."""
    over = datetime(DAY.year, DAY.month, DAY.day, 5, tzinfo=UTC) + timedelta(days=1) - timedelta(hours=9)
    sealed = over + LATENESS_WINDOW
    first, old = receipt("a", at(1)), sold("old", at(2))
    history = replace(old, envelope=old.envelope.model_copy(update={"history": True}))
    records = [
        (first, over),
        (receipt("b", at(3)), sealed - timedelta(milliseconds=1)),
        (receipt("c", at(4)), sealed),
        (corrected("d", first), sealed + timedelta(hours=1)),
        (first, sealed + timedelta(hours=2)),
        (history, sealed + timedelta(hours=2)),
        (moved("m", at(5), 100), sealed + timedelta(hours=2)),
        (voided("v", at(6), phase="before_completion"), sealed + timedelta(hours=2)),
    ]
    await fold_steps(place, "till_periods", [[_recorded(event, offset, when) for offset, (event, when) in enumerate(records)]])
    (late,) = await read_late_facts(engine, {"S1": Clock("Asia/Seoul", 5), "S2": Clock("UTC", 0)}, *SPAN)

    assert (late.store_id, late.business_date, late.facts, late.last_at) == ("S1", DAY, 2, sealed + timedelta(hours=1))
    assert await read_late_facts(engine, {"S1": Clock("Pacific/Pago_Pago", 23)}, *SPAN) == []
    assert await read_late_facts(engine, {"S1": Clock("Asia/Seoul", 5)}, DAY + timedelta(days=1), SPAN[1]) == []


@pytest.mark.stack
async def test_simulated_ticks_say_what_is_late_and_a_replay_says_the_same(place: Addresses, engine: AsyncEngine) -> None:
    """However the log is cut: the clock lies beside the position, so whoever goes on has it, and so has who begins again."""
    stores, written = {"S1": Clock("UTC", 0)}, START + timedelta(days=400)
    sealed = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(days=1) + LATENESS_WINDOW
    first = receipt("a", at(1))
    story = [
        tick(at(2), time="simulated"),
        first,
        tick(sealed - timedelta(minutes=1), time="simulated"),
        receipt("b", at(3)),
        tick(sealed, time="simulated"),
        receipt("c", at(4)),
        corrected("d", first),
        first,
    ]
    records = [_recorded(event, offset, written + timedelta(seconds=offset)) for offset, event in enumerate(story)]
    await fold_steps(place, "till_periods", [records])
    live = tables_of(place, "till_periods")
    (late,) = await read_late_facts(engine, stores, *SPAN, simulated=True)

    assert (late.business_date, late.facts, late.last_at) == (DAY, 2, written + timedelta(seconds=6))
    assert await read_tick_clock(engine) == sealed
    assert await read_late_facts(engine, stores, *SPAN) == []
    for cuts in ((5,), (1, 3, 4, 6), range(len(records))):
        empty(place, "till_periods")
        assert await read_tick_clock(engine) is None
        await fold_steps(place, "till_periods", split(records, cuts))
        assert tables_of(place, "till_periods") == live
