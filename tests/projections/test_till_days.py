"""Gaps and silence: what was heard is a set, what is missing follows from it, and who was silent is said by name."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.codec import build_event
from contracts.envelope import Event
from contracts.errors import ContractError
from contracts.events.reference import OpeningHours
from contracts.topics import REFERENCE_DATA
from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.read_models.reference_data.calendars import Calendar, read_calendars
from projections.read_models.stores.reader import till_lists
from projections.read_models.till_days.expectation import StoreSpan, days_after, store_spans, till_spans
from projections.read_models.till_days.mapping import till_fact
from projections.read_models.till_days.reader import (
    Completeness,
    DaysAsked,
    MissingRange,
    TillDay,
    read_completeness,
    read_till_days,
)
from tests.examples import examples
from tests.projections.folding import WHERE_IT_CAME_FROM, empty, fold, fold_steps, rows_of, split, tables_of
from tests.projections.story import START, at, corrected, log_of, poison, record, sold, store, tick
from tests.projections.till_story import closed, heartbeat, numbered, punch, receipt

on_real_tables = settings(max_examples=examples(5), suppress_health_check=[HealthCheck.function_scoped_fixture])
DAY = START.date()
NEXT = DAY + timedelta(days=1)
LISTS = {"S1": [(DAY, ("1", "2"))], "S2": [(DAY, ("1",))], "S3": []}


def _numbers(*numbers: int, day: int = 0, device: str = "till-1") -> list[Event[Any]]:
    """Receipts of one device with these numbers, on a day of the story."""
    return [numbered(receipt(f"{device}/{number}", at(day * 1440 + number)), device, number) for number in numbers]


def _ahead(happened: Event[Any]) -> Event[Any]:
    """Let the edge have found that the clock of an event was ahead."""
    return replace(happened, envelope=happened.envelope.model_copy(update={"clock_ahead": True}))


@pytest.fixture
async def engine(place: Addresses) -> AsyncIterator[AsyncEngine]:
    """Connect to the place."""
    found = async_engine(place.postgres_dsn, "tests")
    yield found
    await found.dispose()


async def _days(engine: AsyncEngine, *stores: str, scope: Sequence[str] = ("S1", "S2", "S3")) -> list[TillDay]:
    return await read_till_days(engine, DaysAsked(stores, tuple(scope), DAY, NEXT), LISTS)


def test_a_till_is_heard_by_its_own_name_or_else_by_that_of_its_device() -> None:
    """Only what a till alone sends makes a device a till; a punch at a numbered kiosk gives a number and no till."""
    plain, nameless = receipt("a", at(0)), numbered(receipt("b", at(0), till=None), "till-9", 4)
    facts = [till_fact(record(each, 0)) for each in (plain, nameless, numbered(punch("p", 0), "kiosk", 7))]

    assert [fact.heard.till_id if fact and fact.heard else None for fact in facts] == ["1", "till-9", None]
    assert [[number[1:3] for number in fact.numbers] if fact else None for fact in facts] == [[], [("till-9", 4)], [("kiosk", 7)]]


def test_what_shows_nothing_is_left_out_and_what_has_no_day_is_refused() -> None:
    """A sheet without a device, a tick; and a receipt whose date nobody knows."""
    whole = record(receipt("a", at(0)), 0)
    bare = [(name, value) for name, value in whole.headers if name != "ce_businessdate"]

    assert till_fact(record(punch("p", 0), 0)) is None
    assert till_fact(record(tick(at(0)), 0)) is None
    with pytest.raises(ContractError, match="businessdate"):
        till_fact(type(whole)(whole.topic, 0, 0, whole.timestamp, whole.key, whole.value, bare))


def test_a_receipt_that_cannot_be_read_was_sent_all_the_same() -> None:
    """Its till was heard and its number is not missing: it lies among the dead letters of others."""
    fact = till_fact(poison(0, numbered(receipt("a", at(0)), "till-1", 4)))

    assert fact is not None
    assert fact.heard is not None
    assert (fact.heard.till_id, [number.device_seq for number in fact.numbers]) == ("till-1", [4])


def test_days_are_expected_from_the_first_that_was_heard_until_the_latest_of_any_store() -> None:
    """The question narrows both ends; a store that was never heard is expected nowhere."""
    first = {"S1": DAY, "S2": NEXT}

    assert store_spans(first, NEXT, DAY - timedelta(days=9), NEXT + timedelta(days=9)) == [
        StoreSpan("S1", DAY, NEXT),
        StoreSpan("S2", NEXT, NEXT),
    ]
    assert store_spans(first, NEXT, DAY, DAY) == [StoreSpan("S1", DAY, DAY)]
    assert store_spans(first, None, DAY, NEXT) == []


@given(st.integers(0, 20), st.integers(0, 20), st.sets(st.integers(0, 6)))
def test_a_closed_day_is_not_expected(length: int, years: int, weekdays: set[int]) -> None:
    """By the years of the store and by its weekdays: what is left are the days on which it trades, each once and in order."""
    week = [(DAY + timedelta(days=number)).strftime("%A").lower() for number in range(7)]
    hours = [OpeningHours.model_validate({"weekday": week[place], "opens": "09:00", "closes": "18:00"}) for place in sorted(weekdays)]
    calendar = Calendar(DAY + timedelta(days=1), DAY + timedelta(days=years), [(DAY, hours)])
    last = DAY + timedelta(days=length)

    spans = store_spans({"S1": DAY, "S2": DAY}, last, DAY, last, {"S1": calendar})

    expected = [DAY + timedelta(days=number) for number in range(1, min(length, years) + 1) if number % 7 in weekdays]
    assert [span.first + timedelta(days=number) for span in spans if span.store_id == "S1" for number in range(span.days)] == expected
    assert [span for span in spans if span.store_id == "S2"] == [StoreSpan("S2", DAY, last)]


@pytest.mark.stack
async def test_a_store_that_rests_by_its_own_word_is_not_missed(place: Addresses, engine: AsyncEngine) -> None:
    """Its version in force on a date says so; a store that says nothing is expected every day."""
    hours = {"weekday": DAY.strftime("%A").lower(), "opens": "09:00:00", "closes": "18:00:00"}
    silent = store("S2")
    resting = build_event(store().envelope, store().data.model_dump(mode="json", exclude_none=True) | {"hours": [hours]})
    heard = [receipt("a", at(0)), receipt("b", at(0), store="S2"), receipt("c", at(1440), store="S2")]
    await fold_steps(place, "reference_data", [log_of([resting, silent], topic=REFERENCE_DATA)])
    await fold_steps(place, "till_days", [log_of(heard)])
    calendars = await read_calendars(engine, ("S1", "S2"))
    assert set(calendars) == {"S1"}

    alone = await read_completeness(engine, DaysAsked(("S1",), ("S1", "S2"), DAY, NEXT), {}, calendars)
    opened = await read_completeness(engine, DaysAsked(("S1",), ("S1", "S2"), DAY, NEXT), {}, {"S1": Calendar(opened_on=NEXT)})
    for each in (alone, opened):
        assert (each.from_date, each.until_date, each.store_days_expected) == (DAY, NEXT, 1), "the dates looked at are those asked for"
    asked = DaysAsked(("S1", "S2"), ("S1", "S2"), DAY, NEXT)
    for known, expected in (({}, 4), (calendars, 3)):
        found = await read_completeness(engine, asked, {}, known)
        assert (found.from_date, found.until_date, found.store_days_expected) == (DAY, NEXT, expected)
        assert len(await read_till_days(engine, asked, {}, calendars=known)) == expected


def test_a_till_is_expected_while_the_list_names_it() -> None:
    """A till that came later is not silent before, one that is gone not after; before the first list the first one holds."""
    later = DAY + timedelta(days=2)
    lists = {"S1": [(NEXT, ("1", "2")), (later, ("2", "3"))]}
    spans = [StoreSpan("S1", DAY, later)]

    expected = {(span.till_id, (span.first - DAY).days + number) for span in till_spans(spans, lists) for number in range(span.days)}
    assert expected == {("1", 0), ("2", 0), ("1", 1), ("2", 1), ("2", 2), ("3", 2)}
    assert sum(span.days for span in till_spans(spans, lists)) == len(expected)
    assert till_spans(spans, {}) == []


@given(st.integers(1, 5), st.lists(st.integers(0, 4), min_size=1, max_size=4))
def test_pages_of_days_are_one_list(size: int, lengths: list[int]) -> None:
    """Whatever the size of a page, every store-day comes once and in order."""
    spans = [StoreSpan(f"S{place}", DAY, DAY + timedelta(days=length)) for place, length in enumerate(lengths)]
    found: list[tuple[str, Any]] = []
    while page := days_after(spans, found[-1] if found else None, size):
        assert len(page) <= size
        found += page

    assert found == [(span.store_id, span.first + timedelta(days=day)) for span in spans for day in range(span.days)]


minutes, devices, names = st.integers(0, 3000), st.sampled_from(["till-1", "till-2"]), st.sampled_from(["S1", "S2"])
facts = st.one_of(
    st.builds(lambda m, d, n, s: numbered(receipt(f"r/{m}/{d}/{n}", at(m), store=s), d, n), minutes, devices, st.integers(1, 12), names),
    st.builds(lambda m, d, n, s: numbered(heartbeat(f"h/{m}/{n}", at(m), s, last=n), d), minutes, devices, st.integers(1, 14), names),
    st.builds(lambda m, s: sold(f"sale/{m}", at(m), store=s), minutes, names),
    st.builds(lambda m, s: _ahead(receipt(f"ahead/{m}", at(m), store=s)), minutes, names),
    st.builds(lambda m, s: closed(f"z/{m}", at(m - 60), at(m), s), minutes, names),
)


@pytest.mark.stack
def test_what_was_heard_is_a_set(place: Addresses) -> None:
    """Any order, any cut, everything twice, and again from zero: the same rows in every table, times included."""

    @on_real_tables
    @given(st.data(), st.lists(facts, min_size=1, max_size=12), st.lists(st.integers(0, 100), max_size=5))
    def law(data: st.DataObject, story: list[Event[Any]], cuts: list[int]) -> None:
        empty(place, "till_days")
        fold(place, "till_days", *[[each] for each in log_of(story)])
        expected = tables_of(place, "till_days", WHERE_IT_CAME_FROM)
        for other in (log_of(story), log_of(data.draw(st.permutations(story + story)))):
            empty(place, "till_days")
            fold(place, "till_days", *split(other, cuts))

            assert tables_of(place, "till_days", WHERE_IT_CAME_FROM) == expected

    law()


@pytest.mark.stack
def test_gaps_are_the_numbers_between_the_known_ones(place: Addresses) -> None:
    """Whatever came in whatever cut, the gaps are those of the slow definition over the whole set."""

    @on_real_tables
    @given(
        st.dictionaries(st.integers(1, 30), st.tuples(st.booleans(), st.integers(0, 2)), min_size=1),
        st.lists(st.integers(0, 100), max_size=4),
    )
    def law(known: dict[int, tuple[bool, int]], cuts: list[int]) -> None:
        story = [
            _numbers(number, day=day)[0] if is_received else numbered(heartbeat(f"h/{number}", at(day * 1440), last=number), "till-1")
            for number, (is_received, day) in known.items()
        ]
        empty(place, "till_days")
        fold(place, "till_days", *split(log_of(story), cuts))
        received = {number for number, (is_received, _) in known.items() if is_received}
        missing: dict[Any, set[int]] = {}
        for number in range(min(known) + 1, max(known) + 1):
            if number not in received:
                after = min(each for each in known if each >= number)
                missing.setdefault(DAY + timedelta(days=known[after][1]), set()).add(number)
        found: dict[Any, set[int]] = {}
        for row in rows_of(place, "SELECT * FROM read_g1.number_gaps"):
            found.setdefault(row["business_date"], set()).update(range(row["first_missing"], row["last_missing"] + 1))

        assert found == missing

    law()


@pytest.mark.stack
async def test_a_gap_appears_and_a_late_event_heals_it(place: Addresses, engine: AsyncEngine) -> None:
    """It belongs to the day of the next number that came, shrinks with each late event, and is gone with the last."""
    await fold_steps(place, "till_days", [log_of([*_numbers(1, 2), *_numbers(6, day=1)])])
    before = await _days(engine, "S1")
    late = log_of([*_numbers(1, 2), *_numbers(6, day=1), *_numbers(4)])
    await fold_steps(place, "till_days", [late[3:]])
    during = await _days(engine, "S1")
    await fold_steps(place, "till_days", [log_of([*_numbers(1, 2), *_numbers(6, day=1), *_numbers(4), *_numbers(3, 5)])[4:]])
    after = await _days(engine, "S1")

    assert [(day.numbers_missing, day.missing) for day in before] == [(0, ()), (3, (MissingRange("till-1", 3, 5),))]
    assert [day.missing for day in during] == [(MissingRange("till-1", 3, 3),), (MissingRange("till-1", 5, 5),)]
    assert [(day.numbers_missing, day.missing) for day in after] == [(0, ()), (0, ())]


@pytest.mark.stack
async def test_a_heartbeat_shows_that_the_newest_events_have_not_come(place: Addresses, engine: AsyncEngine) -> None:
    """What the till says that it made and nobody received is missing, on the first day that it said so."""
    alive = [numbered(heartbeat(f"h{day}", at(day * 1440 + 600), last=5), "till-1") for day in (0, 1)]
    await fold_steps(place, "till_days", [log_of([*_numbers(1, 2, 3), *alive])])
    before = await _days(engine, "S1")
    await fold_steps(place, "till_days", [log_of([*_numbers(1, 2, 3), *alive, *_numbers(4, 5)])[5:]])
    after = await _days(engine, "S1")

    assert [day.missing for day in before] == [(MissingRange("till-1", 4, 5),), ()]
    assert [day.numbers_missing for day in after] == [0, 0]


@pytest.mark.stack
async def test_a_till_that_never_reports_is_silent_while_its_neighbours_are_heard(place: Addresses, engine: AsyncEngine) -> None:
    """Silence is told by name, also of a whole store whose neighbour shows that the day has come; a heartbeat is no silence."""
    story = [
        receipt("a", at(0), till="1"),
        heartbeat("b", at(5), till="2"),
        receipt("c", at(1440), till="2"),
        closed("z", at(0), at(1500), till="2"),
        receipt("d", at(10), store="S2"),
        receipt("e", at(1440), store="S3", till="7"),
    ]
    await fold_steps(place, "till_days", [log_of(story)])
    heard = {(day.store_id, day.business_date): day for day in await _days(engine, "S1", "S2", "S3")}

    assert {key: (day.tills_expected, day.tills_heard, day.tills_silent) for key, day in heard.items()} == {
        ("S1", DAY): (2, 2, ()),
        ("S1", NEXT): (2, 1, ("1",)),
        ("S2", DAY): (1, 1, ()),
        ("S2", NEXT): (1, 0, ("1",)),
        ("S3", NEXT): (None, 1, ()),
    }
    assert [(till.till_id, till.has_heartbeat, till.is_closed) for till in heard["S1", DAY].tills] == [
        ("1", False, False),
        ("2", True, False),
    ]
    assert [(till.till_id, till.is_closed) for till in heard["S1", NEXT].tills] == [("2", True)]
    assert (heard["S1", NEXT].last_heard_at, heard["S2", NEXT].last_heard_at) == (at(1500), None)
    assert {day.numbers_missing for day in heard.values()} == {None}


@pytest.mark.stack
async def test_a_clock_that_is_ahead_begins_no_day_for_anybody(place: Addresses, engine: AsyncEngine) -> None:
    """Tomorrow is expected as soon as a clock that is right says so, whichever came first."""
    story = [receipt("a", at(0)), _ahead(receipt("b", at(1440), store="S2"))]
    await fold_steps(place, "till_days", [log_of(story)])
    before = await _days(engine, "S1", "S2")
    await fold_steps(place, "till_days", [log_of([*story, receipt("c", at(1440), store="S2")])[2:]])
    after = await _days(engine, "S1", "S2")

    assert [(day.store_id, day.business_date) for day in before] == [("S1", DAY)]
    assert [(day.store_id, day.business_date) for day in after] == [("S1", DAY), ("S1", NEXT), ("S2", NEXT)]


@pytest.mark.stack
async def test_completeness_is_the_sum_of_the_days(place: Addresses, engine: AsyncEngine) -> None:
    """Of the same stores and dates; null where no store names its tills or no device numbers its events."""
    story = [
        *_numbers(1, 4),
        receipt("c", at(1440), till="2"),
        receipt("d", at(10), store="S2"),
        receipt("e", at(1440), store="S3", till="7"),
    ]
    await fold_steps(place, "till_days", [log_of(story)])
    scope = ("S1", "S2", "S3")

    async def of(*stores: str, until: Any = NEXT) -> Completeness:
        lists = {name: LISTS[name] for name in stores}
        return await read_completeness(engine, DaysAsked(stores, scope, DAY - timedelta(days=99), until), lists)

    assert await of(*scope) == Completeness(DAY, NEXT, 6, 3, 2, 5, 4)
    assert await of("S1", until=DAY) == Completeness(DAY, DAY, 2, 1, 2, 1, 1)
    assert await of("S2") == Completeness(DAY, NEXT, 2, 1, None, 2, 1)
    assert await of("S3") == Completeness(NEXT, NEXT, None, None, None, 1, 1)
    assert await of() == Completeness(None, None, None, None, None, 0, 0)


@pytest.mark.stack
async def test_a_correction_makes_no_till_heard(place: Addresses, engine: AsyncEngine) -> None:
    """It is written elsewhere and later; the number of the device that sent it counts."""
    correction = numbered(corrected("c", receipt("a", at(0))), "till-1", 9)
    await fold_steps(place, "till_days", [log_of([correction])])

    assert await _days(engine, "S1") == []
    assert rows_of(place, "SELECT device_seq FROM read_g1.device_numbers") == [{"device_seq": 9}]


@pytest.mark.stack
async def test_the_list_of_tills_holds_from_its_business_date(place: Addresses, engine: AsyncEngine) -> None:
    """Each version of a store says its tills from the business date on which it begins."""
    first, second = store(), store(version=2, since=at(1440 + 60), cut_off_hour=10)
    first, second = ({"tills": ("1",)}, first), ({"tills": ("1", "2", "1")}, second)
    story = [type(each)(each.envelope, each.data.model_copy(update=changes)) for changes, each in (first, second)]
    await fold_steps(place, "stores", [log_of(story)])

    assert await till_lists(engine, ("S1", "S2")) == {"S1": [(DAY, ("1",)), (DAY, ("1", "2"))]}
