"""Z reports against the receipts of their periods: equal, off by one, paid otherwise, corrected, and not closed yet."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.envelope import Event
from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.read_models.till_periods.amounts import Amounts, Paid, amounts_of, paid_of
from projections.read_models.till_periods.mapping import period_fact
from projections.read_models.till_periods.reader import PeriodsAsked, TillPeriod, read_till_periods
from projections.read_models.till_periods.verdict import FIGURES, FigureDifference, Totals, differences, receipts_missing, totals_of
from tests.examples import examples
from tests.projections.folding import WHERE_IT_CAME_FROM, empty, fold, fold_steps, split, tables_of
from tests.projections.story import START, at, corrected, log_of, punched, record
from tests.projections.till_story import closed, drawer, heartbeat, line, moved, numbered, opened, receipt, renamed, returned, voided

on_real_tables = settings(max_examples=examples(5), suppress_health_check=[HealthCheck.function_scoped_fixture])
DAY = START.date()
CASH = {"kind": "cash", "amount": 1000, "change": 300}
CARD = {"kind": "card", "amount": 550, "tip": 50}


@pytest.fixture
async def engine(place: Addresses) -> AsyncIterator[AsyncEngine]:
    """Connect to the place."""
    found = async_engine(place.postgres_dsn, "tests")
    yield found
    await found.dispose()


async def _periods(engine: AsyncEngine, *stores: str, verdict: Any = None, **page: Any) -> list[TillPeriod]:
    asked = PeriodsAsked(stores or ("S1",), DAY - timedelta(days=9), DAY + timedelta(days=9), verdict)
    return await read_till_periods(engine, asked, **page)


async def _told(place: Addresses, engine: AsyncEngine, *story: Event[Any]) -> dict[str, TillPeriod]:
    """Fold a story from zero and return its periods by name."""
    empty(place, "till_periods")
    await fold_steps(place, "till_periods", [log_of(story)])
    return {period.period_id: period for period in await _periods(engine)}


def test_a_receipt_adds_what_a_closing_counts() -> None:
    """Items are sold, services only taxed and paid, the returned part of an exchange is a return; tax stays inside the price."""
    lines = [
        line(1100, discount=100, tax=91, tax_included=True),
        line(300, 2, kind="service", tax=10, tax_included=True),
        line(200, 3, kind="return", tax=20, tax_included=True),
    ]
    paid = [CASH, {"kind": "cash", "amount": 100}, CARD]
    sale = receipt("a", at(0), *lines, tenders=paid)

    assert amounts_of(sale.data) == Amounts(gross=1100, discounts=100, returns=200, voids=0, tax=81, tips=50)
    assert paid_of(sale.data) == [Paid("card", 1, 500), Paid("cash", 2, 800)]


def test_what_goes_back_is_less() -> None:
    """Returns and voids take their tax and their tenders back, and an exchange for something cheaper its money."""
    back = returned("b", at(0), line(500, tax=50), line(100, 2, kind="return", tax=10), tenders=[{"kind": "card", "amount": 660}])
    undone = voided(
        "c", at(0), line(500, discount=20, tax=48), line(30, 2, kind="service"), taxes=[{"rate": "10", "taxable": 480, "amount": 48}]
    )
    cheaper = receipt("d", at(0), line(100), line(400, 2, kind="return"), tenders=[{"kind": "cash", "amount": 300}])

    assert amounts_of(back.data) == Amounts(returns=600, tax=-60)
    assert paid_of(back.data) == [Paid("card", 1, -660)]
    assert amounts_of(undone.data) == Amounts(voids=480, tax=-48)
    assert amounts_of(cheaper.data) == Amounts(gross=100, returns=400)
    assert paid_of(cheaper.data) == [Paid("cash", 1, -300)]


def test_only_what_a_closing_counts_becomes_an_entry() -> None:
    """A void before completion has no entry, a receipt of no till one of no period; a punch and a heartbeat are nothing here."""
    never, nowhere = voided("a", at(0), phase="before_completion"), receipt("b", at(0), till=None, period="P")
    facts = [period_fact(record(each, 0)) for each in (never, nowhere, numbered(nowhere, "till-9"))]

    assert [(fact.entry.till_id if fact.entry else None) if fact else "filtered" for fact in facts] == [None, "", "till-9"]
    assert [fact.period is not None if fact else "filtered" for fact in facts] == [False, False, True]
    assert period_fact(record(corrected("c", punched("in", "p", at(0))), 0)) is None


def test_differences_name_the_figure_and_say_by_how_much() -> None:
    """Tenders are compared only where the till reported any; receipts are missing where the till counted more."""
    zero = dict.fromkeys(FIGURES, 0)
    seen = Totals(zero | {"sales_count": 2, "gross": 900, "returns_count": 1}, {"cash": (2, 900)})

    def said(tenders: dict[str, tuple[int, int]], **figures: int) -> Totals:
        return Totals(dict(seen.figures) | figures, tenders)

    assert differences(said({}), seen) == []
    assert differences(said({"cash": (2, 900)}), seen) == []
    assert differences(said({"cash": (1, 400), "card": (1, 500)}), seen) == [
        FigureDifference("tenders.card.count", 1, 0),
        FigureDifference("tenders.card.amount", 500, 0),
        FigureDifference("tenders.cash.count", 1, 2),
        FigureDifference("tenders.cash.amount", 400, 900),
    ]
    (count, gross) = differences(said({}, sales_count=5, gross=1000), seen)
    assert (count.difference, gross.difference) == (3, 100)
    assert receipts_missing(said({}, sales_count=5, returns_count=0), seen) == 3


def test_every_figure_of_the_report_is_compared() -> None:
    """What a closing counts or sums up and what is compared are the same fields."""
    report = closed("p", at(0), at(9)).data.model_dump(mode="json")
    counts_and_sums = {name for name, value in report.items() if value == 0 and isinstance(value, int)}

    assert counts_and_sums == set(FIGURES)
    assert totals_of(report).figures.keys() == set(FIGURES)


minutes, names, tills = st.integers(0, 300), st.sampled_from(["S1", "S2"]), st.sampled_from(["1", "2"])
periods = st.sampled_from(["P", "Q", None])
facts = st.one_of(
    st.builds(
        lambda m, a, s, t, p: receipt(
            f"r/{m}/{a}/{t}/{p}", at(m), line(a), store=s, till=t, period=p, tenders=[{"kind": "cash", "amount": a}]
        ),
        minutes,
        st.integers(1, 900),
        names,
        tills,
        periods,
    ),
    st.builds(
        lambda m, a, s, t, p: returned(f"b/{m}/{a}/{t}", at(m), line(a), store=s, till=t, period=p),
        minutes,
        st.integers(1, 900),
        names,
        tills,
        periods,
    ),
    st.builds(lambda m, s, t, p: drawer(f"d/{m}/{t}/{p}", at(m), t, p, s), minutes, names, tills, periods),
    st.builds(lambda m, s, t, p: opened(p, at(m), s, t, 100 * m), minutes, names, tills, st.sampled_from("PQ")),
    st.builds(
        lambda m, u, s, t, p: moved(f"m/{m}/{u}/{t}/{p}", at(m), 100 + m, u, t, p, s),
        minutes,
        st.sampled_from([None, "bank_drop", "expense"]),
        names,
        tills,
        periods,
    ),
    st.builds(lambda m, n, s: renamed(receipt(f"again/{m}/{n}", at(m), store=s), "R"), minutes, st.integers(1, 3), names),
    st.builds(lambda m, n, s, t, p: closed(p, at(m), at(m + n), s, t), minutes, minutes, names, tills, st.sampled_from("PQ")),
)


@st.composite
def stories(draw: st.DrawFn) -> list[Event[Any]]:
    """Draw facts, corrections of some of them and repeats, in any order."""
    events = list({(each.store_id, each.id): each for each in draw(st.lists(facts, min_size=1, max_size=10))}.values())
    for number, target in enumerate(draw(st.lists(st.integers(0, 100), max_size=4))):
        wrong = events[target % len(events)]
        known = wrong.data.replacement if wrong.type == "event.corrected.v1" else wrong.data.model_dump(mode="json", exclude_none=True)
        events.append(corrected(f"correction/{number}", wrong, known if draw(st.booleans()) else None))
    events += draw(st.lists(st.sampled_from(events), max_size=3))
    return draw(st.permutations(events))


@pytest.mark.stack
def test_batch_boundaries_and_replay_do_not_matter(place: Addresses) -> None:
    """One by one, cut anywhere, and again from zero: the same rows in every table."""

    @on_real_tables
    @given(stories(), st.lists(st.integers(0, 100), max_size=5))
    def law(story: list[Event[Any]], cuts: list[int]) -> None:
        log = log_of(story)
        empty(place, "till_periods")
        fold(place, "till_periods", *[[each] for each in log])
        expected = tables_of(place, "till_periods")
        empty(place, "till_periods")
        fold(place, "till_periods", *split(log, cuts))

        assert tables_of(place, "till_periods") == expected

    law()


@pytest.mark.stack
def test_duplicates_and_the_order_of_stores_do_not_matter(place: Addresses) -> None:
    """Every event twice, or one store after the other: the same rows, wherever they lay on the log."""

    @on_real_tables
    @given(stories())
    def law(story: list[Event[Any]]) -> None:
        told = list({(each.store_id, each.id): each for each in story}.values())
        empty(place, "till_periods")
        fold(place, "till_periods", log_of(told))
        expected = tables_of(place, "till_periods", WHERE_IT_CAME_FROM)
        for other in ([each for each in told for _ in range(2)], sorted(told, key=lambda each: each.store_id, reverse=True)):
            empty(place, "till_periods")
            fold(place, "till_periods", log_of(other))

            assert tables_of(place, "till_periods", WHERE_IT_CAME_FROM) == expected

    law()


def _evening(period: str | None = "P", **figures: Any) -> list[Event[Any]]:
    """Two sales, a return, a void and an opened drawer in one period, and a closing that says so unless told otherwise."""
    report = {
        "sales_count": 2, "returns_count": 1, "voids_count": 1, "no_sales_count": 1, "gross": 1700, "discounts": 500, "returns": 200,
        "voids": 500, "tips": 50,
        "tenders": [{"kind": "cash", "count": 2, "amount": 500}, {"kind": "card", "count": 2, "amount": 0}],
    }  # fmt: skip
    return [
        opened("P", at(0)),
        receipt("a", at(5), line(700), period=period, tenders=[CASH]),
        receipt("b", at(10), line(1000, discount=500), period=period, tenders=[CARD]),
        returned("c", at(15), line(200), period=period, tenders=[{"kind": "cash", "amount": 200}]),
        voided("d", at(20), line(1000, discount=500), period=period, tenders=[{"kind": "card", "amount": 500}]),
        drawer("e", at(25), period=period),
        closed("P", at(0), at(60), **report | figures),
    ]


@pytest.mark.stack
async def test_a_closing_that_the_receipts_add_up_to_matches(place: Addresses, engine: AsyncEngine) -> None:
    """Whatever the order in which they came; before the closing the period is open."""
    (period,) = (await _told(place, engine, *_evening())).values()
    (reverse,) = (await _told(place, engine, *reversed(_evening()))).values()
    (still,) = (await _told(place, engine, *_evening()[:-1])).values()

    assert (period.verdict, period.differences, period.receipts_missing) == ("matches", [], 0)
    assert (period.opened_at, period.closed_at, period.business_date) == (at(0), at(60), DAY)
    assert reverse == period
    assert (still.verdict, still.reported, still.opened_at, still.counted.figures["sales_count"]) == ("open", None, at(0), 2)


@pytest.mark.stack
async def test_a_receipt_that_did_not_come_is_missed_and_healed(place: Addresses, engine: AsyncEngine) -> None:
    """Count, amount and tender differ by it; when it comes at last, the closing matches."""
    whole = _evening()
    (period,) = (await _told(place, engine, *whole[:1], *whole[2:])).values()
    late = log_of([*whole[:1], *whole[2:], whole[1]])
    await fold_steps(place, "till_periods", [late[-1:]])
    (after,) = await _periods(engine)

    assert (period.verdict, period.receipts_missing) == ("differs", 1)
    assert {found.figure: found.difference for found in period.differences} == {
        "sales_count": 1,
        "gross": 700,
        "tenders.cash.count": 1,
        "tenders.cash.amount": 700,
    }
    assert (after.verdict, after.receipts_missing) == ("matches", 0)


@pytest.mark.stack
async def test_a_tender_that_differs_is_named(place: Addresses, engine: AsyncEngine) -> None:
    """The same money, but some of it by another kind of tender: no receipt is missing."""
    tenders = [{"kind": "cash", "count": 2, "amount": 400}, {"kind": "card", "count": 2, "amount": 100}]
    (period,) = (await _told(place, engine, *_evening(tenders=tenders))).values()

    assert (period.verdict, period.receipts_missing) == ("differs", 0)
    assert period.differences == [FigureDifference("tenders.card.amount", 100, 0), FigureDifference("tenders.cash.amount", 400, 500)]


@pytest.mark.stack
async def test_a_correction_changes_the_verdict(place: Addresses, engine: AsyncEngine) -> None:
    """Of a receipt, of a closing, or of the correction itself: what counts is compared."""
    story = _evening()
    wrong, closing = story[1], story[-1]
    gone = corrected("x", wrong)
    less = closing.data.model_dump(mode="json") | {"sales_count": 1, "gross": 1000}
    less["tenders"] = [{"kind": "cash", "count": 1, "amount": -200}, {"kind": "card", "count": 2, "amount": 0}]
    report = corrected("y", closing, less)
    again = corrected("z", gone, wrong.data.model_dump(mode="json", exclude_none=True))

    async def verdict(*more: Event[Any]) -> tuple[str, int]:
        (period,) = (await _told(place, engine, *story, *more)).values()
        return period.verdict, period.receipts_missing

    assert await verdict(gone) == ("differs", 1)
    assert await verdict(gone, report) == ("matches", 0)
    assert await verdict(gone, again) == ("matches", 0)
    assert await verdict(corrected("n", closing)) == ("open", 0)


@pytest.mark.stack
async def test_a_receipt_without_a_period_belongs_to_the_one_that_encloses_it(place: Addresses, engine: AsyncEngine) -> None:
    """Of its own till, once its closing is known; where two enclose it, to the earlier one only."""
    (alone,) = (await _told(place, engine, *_evening(None))).values()
    other = closed("Q", at(30), at(90), sales_count=1, gross=100)
    story = [*_evening(None), other, receipt("q", at(70), till="1"), receipt("t", at(5), till="2"), heartbeat("h", at(5))]
    found = await _told(place, engine, *story, receipt("both", at(40), line(1)))

    assert alone.verdict == "matches"
    assert {name: period.verdict for name, period in found.items()} == {"P": "differs", "Q": "matches"}
    assert [row.figure for row in found["P"].differences] == ["sales_count", "gross"]


@pytest.mark.stack
async def test_pages_of_periods_are_one_list_within_the_scope(place: Addresses, engine: AsyncEngine) -> None:
    """With and without a verdict, every period of the asked stores comes once and in order; what no event names any more is gone."""
    story = [
        closed(f"{till}{number}", at(number), at(number + 1), store, till, sales_count=number % 2)
        for store in ("S1", "S2", "S3")
        for till in ("1", "2")
        for number in range(3)
    ]
    lost = receipt("x", at(0), period="X")
    await fold_steps(place, "till_periods", [log_of([*story, lost, corrected("c", lost)])])

    async def pages(verdict: Any) -> list[str]:
        rows: list[TillPeriod] = []
        page: Sequence[TillPeriod] = await _periods(engine, "S1", "S3", verdict=verdict, limit=2)
        while page:
            rows += page
            page = await _periods(engine, "S1", "S3", verdict=verdict, limit=2, cursor=page[-1].cursor)
        return [f"{row.store_id}/{row.period_id}" for row in rows]

    everything = [f"{store}/{till}{number}" for store in ("S1", "S3") for till in "12" for number in range(3)]
    assert await pages(None) == everything
    assert await pages("differs") == [name for name in everything if name.endswith("1")]
    assert await pages("matches") == [name for name in everything if not name.endswith("1")]
    assert await pages("open") == []
