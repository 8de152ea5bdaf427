"""As known at T, of every model in Postgres: what is answered later as known then is what was answered then."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.routes import changes
from contracts.envelope import Event
from contracts.records import RawRecord
from contracts.topics import REFERENCE_DATA, REORDER_RECOMMENDATIONS, STORE_FACTS
from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.changed_facts import FIRST_PAGE, ChangedFact
from projections.changes import MODELS, read_changes
from projections.read_models.attendance_day.known import DaysKnown, read_attendance_known
from projections.read_models.attendance_day.reader import AttendanceCursor, read_attendance
from projections.read_models.attendance_day.weeks import WeeksAsked, read_weeks
from projections.read_models.incoming_goods.reader import IncomingAsked, read_incoming, read_on_the_way
from projections.read_models.reference_data.reader import ReferenceAsked, read_reference_data
from projections.read_models.reorder_recommendations.reader import read_recommendations
from projections.read_models.till_days.reader import DaysAsked, TillDay, read_completeness, read_till_days
from projections.read_models.till_periods.reader import PeriodsAsked, read_till_periods
from projections.read_models.till_periods.receipts import count_receipts_twice, read_receipts_twice
from projections.sale_facts import FactsAsked
from tests.places import new_place
from tests.projections.folding import empty, fold_steps
from tests.projections.story import START, at, corrected, log_of, punched, recommended, shift, store
from tests.projections.test_goods_and_moments import goods
from tests.projections.till_story import closed, heartbeat, numbered, opened, receipt, renamed
from tillstream.commands.history import ChangedModel

pytestmark = pytest.mark.stack

BOTH, DAY = ("S1", "S2"), START.date()
FIRST, LAST = DAY - timedelta(days=9), DAY + timedelta(days=9)
LISTS = {"S1": [(DAY, ("1", "2"))], "S2": [(DAY, ("1",))]}
Ask = Callable[[AsyncEngine, datetime | None], Awaitable[Any]]
"""Asks as known at a time, or by all that is known."""


@pytest.fixture(scope="module")
def place(stack: Addresses, template: str) -> Iterator[Addresses]:
    """One place for all: each test empties the tables that it fills."""
    with new_place(stack, template) as found:
        yield found


def minutely(story: Sequence[Event[Any]], topic: str) -> list[RawRecord]:
    """Lay a story on a log that takes one event a minute."""
    return [
        RawRecord(r.topic, r.partition, r.offset, r.timestamp + 60_000 * minute, r.key, r.value, r.headers)
        for minute, r in enumerate(log_of(story, topic=topic))
    ]


def times_of(log: Sequence[RawRecord]) -> list[datetime]:
    """Return when each record was recorded."""
    return [datetime.fromtimestamp(each.timestamp / 1000, UTC) for each in log]


async def told(place: Addresses, model: str, log: Sequence[RawRecord], ask: Ask) -> tuple[list[Any], list[Any]]:
    """Fold record by record and ask each time; then ask for each of those times again."""
    engine = async_engine(place.postgres_dsn, "tests")
    try:
        then = []
        for each in log:
            await fold_steps(place, model, [[each]])
            then.append(await ask(engine, None))
        return then, [await ask(engine, known_at) for known_at in times_of(log)]
    finally:
        await engine.dispose()


def of_attendance() -> list[Event[Any]]:
    """Night work, a shift that changes hands, presses that come late or twice, one that was wrong and right after all."""
    wrong = punched("in", "i2", at(1440 + 30), "ana")
    undone = corrected("k1", wrong)
    return [
        shift("A", at(0), at(480), "ana"),
        punched("in", "i1", at(10), "ana"),
        punched("out", "o2", at(1440 + 500), "ana"),
        wrong,
        punched("in", "b1", at(1380), "ben"),
        shift("A", at(0), at(480), "ben", revision=2),
        punched("out", "o1", at(470), "ana"),
        undone,
        punched("out", "b2", at(1440 + 300), "ben"),
        corrected("k2", undone),
        punched("out", "e1", at(600), "eve", "S2"),
        punched("in", "e0", at(60), "eve", "S2"),
        shift("A", at(0), at(480), "ben", revision=3, status="cancelled"),
    ]


async def attendance(engine: AsyncEngine, known_at: datetime | None) -> Any:
    """Ask for two days and the week of everybody, on pages of one."""
    days: list[Any] = []
    for day in (DAY, DAY + timedelta(days=1)):
        cursor: AttendanceCursor | None = None
        while page := await _page(engine, day, known_at, cursor):
            days += page
            cursor = page[-1].cursor
    weeks: list[Any] = []
    asked = WeeksAsked(BOTH, DAY, DAY + timedelta(days=1), None, known_at)
    while found := await read_weeks(engine, asked, weeks[-1].cursor if weeks else None, 1):
        weeks += found
    return days, weeks


async def _page(engine: AsyncEngine, day: date, known_at: datetime | None, cursor: AttendanceCursor | None) -> Any:
    if known_at is None:
        return await read_attendance(engine, BOTH, day, None, cursor, 1)
    return await read_attendance_known(engine, DaysKnown(BOTH, day, day, known_at), cursor, 1)


def of_periods() -> list[Event[Any]]:
    """A drawer that is opened, sold from and closed; a receipt that is corrected and right after all, one that came twice."""
    wrong = receipt("r2", at(5), period="P")
    undone, again = corrected("k1", wrong), receipt("r1/again", at(2), period="P")
    return [
        opened("P", at(0), float_amount=500),
        receipt("r1", at(1), period="P"),
        wrong,
        undone,
        renamed(again, "r1"),
        corrected("k2", undone),
        closed("P", at(0), at(60), sales_count=2, gross=200),
        corrected("k3", again),
        receipt("late", at(7)),
    ]


async def periods(engine: AsyncEngine, known_at: datetime | None) -> Any:
    """Ask for periods, and for receipts that came twice."""
    return (
        await read_till_periods(engine, PeriodsAsked(BOTH, FIRST, LAST, known_at=known_at)),
        await read_receipts_twice(engine, BOTH, FIRST, LAST, known_at=known_at),
        await count_receipts_twice(engine, BOTH, FIRST, LAST, known_at),
    )


def of_tills() -> list[Event[Any]]:
    """Numbers out of order, announced and late, a till that is heard late, a clock that is ahead."""
    ahead = heartbeat("ahead", at(4 * 1440), store="S2")
    return [
        numbered(receipt("a1", at(1)), "till-1", 1),
        numbered(receipt("a6", at(6)), "till-1", 6),
        replace(ahead, envelope=ahead.envelope.model_copy(update={"clock_ahead": True})),
        numbered(receipt("a4", at(4)), "till-1", 4),
        numbered(heartbeat("h", at(1440 + 9), last=9), "till-1"),
        heartbeat("h2", at(20), till="2"),
        numbered(receipt("a9", at(1440 + 8)), "till-1", 9),
        numbered(receipt("a2", at(2)), "till-1", 2),
        heartbeat("x", at(4 * 1440 + 1), store="S2"),
        numbered(receipt("a1", at(1)), "till-1", 1),
    ]


def _only_known(day: TillDay) -> TillDay:
    """Leave out what is not told of the past: when and how tills were heard."""
    return replace(
        day, last_heard_at=None, tills=tuple(replace(t, last_heard_at=None, has_heartbeat=None, is_closed=None) for t in day.tills)
    )


async def tills(engine: AsyncEngine, known_at: datetime | None) -> Any:
    """Ask for days and for completeness, of all dates and of the recent ones."""
    every, recent = DaysAsked(BOTH, BOTH, FIRST, LAST, known_at), DaysAsked(BOTH, BOTH, None, LAST, known_at)
    days = [_only_known(day) for day in await read_till_days(engine, every, LISTS)]
    return days, await read_completeness(engine, every, LISTS), await read_completeness(engine, recent, LISTS)


async def incoming(engine: AsyncEngine, known_at: datetime | None) -> Any:
    """Ask for orders and transfers, and for what is on its way."""
    asked = IncomingAsked(BOTH, BOTH, only_open=False, known_at=known_at)
    return await read_incoming(engine, asked), await read_on_the_way(engine, asked)


async def stores(engine: AsyncEngine, known_at: datetime | None) -> Any:
    """Ask for every version, and for those in force."""
    asked = [ReferenceAsked("chain", BOTH, "store", when, known_at) for when in (None, at(700))]
    return [await read_reference_data(engine, each) for each in asked]


def of_recommendations() -> list[Event[Any]]:
    """Two goods: revised, closed, sent again, and a revision that comes after the next one."""
    milk = [recommended(number, quantity) for number, quantity in ((1, 5), (2, 7), (4, 0), (3, 9))]
    return [
        milk[0],
        recommended(1, 3, "RICE"),
        milk[1],
        milk[0],
        milk[2],
        milk[3],
        recommended(2, 4, "RICE", "S2"),
        recommended(2, 0, "RICE"),
    ]


async def recommendations(engine: AsyncEngine, known_at: datetime | None) -> Any:
    """Ask for all, and for those that are open."""
    return [await read_recommendations(engine, BOTH, statuses, known_at=known_at) for statuses in (None, ("open",))]


STORIES: dict[str, tuple[list[Event[Any]], Ask, str]] = {
    "attendance_day": (of_attendance(), attendance, STORE_FACTS),
    "till_periods": (of_periods(), periods, STORE_FACTS),
    "till_days": (of_tills(), tills, STORE_FACTS),
    "incoming_goods": (goods(), incoming, STORE_FACTS),
    "reference_data": ([store(), store(version=2, since=at(600)), store("S2")], stores, REFERENCE_DATA),
    "reorder_recommendations": (of_recommendations(), recommendations, REORDER_RECOMMENDATIONS),
}


async def changed(place: Addresses, model: str, since: datetime) -> list[ChangedFact]:
    """Return all facts that changed since, on pages of two."""
    engine, found = async_engine(place.postgres_dsn, "tests"), list[ChangedFact]()
    asked = FactsAsked(("S1", "S2", "RIVAL"), FIRST, LAST)
    while page := await read_changes(engine, model, asked, since, found[-1].cursor if found else FIRST_PAGE, 2):
        found += page
    await engine.dispose()
    return found


@pytest.mark.parametrize("model", sorted(STORIES))
def test_what_was_known_is_what_was_answered_then(place: Addresses, model: str) -> None:
    """After every record, with corrections of corrections, late facts and repeats; where it was another answer, facts say why."""
    story, ask, topic = STORIES[model]
    log = minutely(story, topic)
    empty(place, model)
    then, known = asyncio.run(told(place, model, log, ask))

    assert known == then
    assert len({repr(answer) for answer in then}) > len(story) / 2
    for moment, answer in zip(times_of(log), then, strict=True) if model in MODELS else ():
        why = asyncio.run(changed(place, model, moment))
        assert why or answer == then[-1]
        assert all(each.recorded_at > moment for each in why)
        assert len({each.cursor for each in why}) == len(why)
        assert {each.event_id for each in why} <= {each.id for each in story}


def test_what_a_correction_took_back_names_the_correction(place: Addresses) -> None:
    """And of a correction that was corrected, the one that did it."""
    wrong = punched("in", "w", at(0))
    undone = corrected("k1", wrong)
    again = corrected("k2", undone)
    log = minutely([wrong, undone, again], STORE_FACTS)
    empty(place, "attendance_day")
    asyncio.run(fold_steps(place, "attendance_day", [log]))

    first, second, third = (
        {each.event_id: (each.what, each.caused_by, each.corrects_event_id) for each in asyncio.run(changed(place, "attendance_day", when))}
        for when in times_of(log)
    )
    assert first == {wrong.id: ("taken_back", undone.id, None), again.id: ("came", again.id, undone.id)}
    assert second == {undone.id: ("taken_back", again.id, wrong.id), again.id: ("came", again.id, undone.id)}
    assert third == {}


def test_a_revision_names_the_one_that_took_its_place(place: Addresses) -> None:
    """The newest came since; the one before it is superseded by it, and what had been superseded already is not told again."""
    first, second, third = story = [recommended(number, quantity) for number, quantity in ((1, 5), (2, 7), (3, 0))]
    log = minutely(story, REORDER_RECOMMENDATIONS)
    empty(place, "reorder_recommendations")
    asyncio.run(fold_steps(place, "reorder_recommendations", [log]))

    told = [
        {each.event_id: (each.what, each.caused_by) for each in asyncio.run(changed(place, "reorder_recommendations", when))}
        for when in (times_of(log)[0] - timedelta(seconds=1), *times_of(log))
    ]
    came = {third.id: ("came", third.id)}
    assert told == [came, came | {first.id: ("superseded", third.id)}, came | {second.id: ("superseded", third.id)}, {}]


def test_the_models_of_which_changes_are_told_are_the_same_everywhere() -> None:
    """On the command line, over HTTP, and where they are read."""
    route = next(route for route in changes.router.routes if route.name == "list_changes")  # type: ignore[attr-defined]
    (told,) = [each for each in route.dependant.path_params if each.name == "read_model"]  # type: ignore[attr-defined]
    assert {each.value for each in ChangedModel} == set(MODELS) == set(get_args(told.field_info.annotation))
