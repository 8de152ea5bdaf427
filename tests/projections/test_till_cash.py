"""The cash of a till period: what the drawer should hold by the events, what the till said, and what was counted."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.envelope import Event
from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.read_models.till_periods.amounts import is_tendered
from projections.read_models.till_periods.cash import DrawerCash
from projections.read_models.till_periods.reader import PeriodsAsked, TillPeriod, read_till_periods
from projections.read_models.till_periods.verdict import FigureDifference
from tests.projections.folding import empty, fold_steps
from tests.projections.story import START, at, corrected, log_of
from tests.projections.till_story import closed, line, moved, opened, receipt, returned

DAY = START.date()
KNOWN = DrawerCash(
    float_amount=300, sales=415, paid_in=100, paid_out=20, bank_drops=200, untendered=0, reported=None, counted=None
)  # fmt: skip


@pytest.fixture
async def engine(place: Addresses) -> AsyncIterator[AsyncEngine]:
    """Connect to the place."""
    found = async_engine(place.postgres_dsn, "tests")
    yield found
    await found.dispose()


async def _periods(engine: AsyncEngine, **asked: Any) -> list[TillPeriod]:
    return await read_till_periods(engine, PeriodsAsked(("S1",), DAY - timedelta(days=9), DAY + timedelta(days=9), **asked))


async def _cash(place: Addresses, engine: AsyncEngine, *story: Event[Any]) -> TillPeriod:
    """Fold a story from zero and return its only period."""
    empty(place, "till_periods")
    await fold_steps(place, "till_periods", [log_of(story)])
    (period,) = await _periods(engine)
    return period


def _evening(**closing: Any) -> list[Event[Any]]:
    """A float of 300, 700 sold for cash with change, 200 paid back, 500 paid in, 30 spent, 600 brought to the bank: 670 are left."""
    cash = {"kind": "cash", "amount": 1000, "change": 300}
    return [
        opened("P", at(0), float_amount=300),
        receipt("a", at(5), line(700), period="P", tenders=[cash]),
        receipt("b", at(6), line(900), period="P", tenders=[{"kind": "card", "amount": 900}]),
        returned("c", at(10), line(200), period="P", tenders=[{"kind": "cash", "amount": 200}]),
        moved("in", at(15), 500),
        moved("milk", at(20), 30, "expense", period="P"),
        moved("bank", at(25), 600, "bank_drop", period="P"),
        closed("P", at(0), at(60), sales_count=2, returns_count=1, gross=1600, returns=200, **closing),
    ]


@pytest.mark.parametrize(
    ("changes", "expected", "verdict"),
    [
        ({}, 595, "uncounted"),
        ({"counted": 595}, 595, "balanced"),
        ({"counted": 600}, 595, "over"),
        ({"counted": 590}, 595, "short"),
        ({"counted": 595, "float_amount": None}, None, "unknown"),
        ({"counted": 595, "untendered": 1}, None, "unknown"),
    ],
)
def test_a_drawer_is_judged_only_where_everything_about_it_is_known(changes: dict[str, Any], expected: int | None, verdict: str) -> None:
    """Float + sales + paid in − paid out − bank drops; without a float, or with a receipt that hides its tenders, nothing is claimed."""
    values = {name: getattr(KNOWN, name) for name in DrawerCash.__dataclass_fields__}
    cash = DrawerCash(**values | changes)

    assert (cash.expected, cash.verdict) == (expected, verdict)


def test_what_the_till_expected_is_compared_where_both_say_it() -> None:
    """A till that names no expectation, and events that allow none, differ from nothing."""
    values = {name: getattr(KNOWN, name) for name in DrawerCash.__dataclass_fields__}

    assert DrawerCash(**values | {"reported": 600}).differences == [FigureDifference("expected_cash", 600, 595)]
    assert [DrawerCash(**values | more).differences for more in ({}, {"reported": 595}, {"reported": 1, "float_amount": None})] == [[]] * 3


def test_a_receipt_says_how_it_was_paid_or_nothing_was_due() -> None:
    """An even exchange and a gift need no tender."""
    given = [line(300, discount=300)]
    even = [line(300), line(300, 2, kind="return")]

    assert [is_tendered(receipt("a", at(0), *lines).data) for lines in (given, even, [line(300)])] == [True, True, False]
    assert is_tendered(receipt("a", at(0), line(300), tenders=[{"kind": "card", "amount": 300}]).data)


@pytest.mark.stack
async def test_expected_cash_is_recomputed_from_the_events(place: Addresses, engine: AsyncEngine) -> None:
    """Whatever order they came in; a movement that names no period belongs to the one that encloses it."""
    story = _evening(expected_cash=670, counted_cash=660)
    period = await _cash(place, engine, *story)

    assert period.cash == DrawerCash(300, 500, 500, 30, 600, 0, 670, 660)
    assert (period.cash.expected, period.cash.difference, period.cash.verdict, period.verdict) == (670, -10, "short", "matches")
    assert await _cash(place, engine, *reversed(story)) == period


@pytest.mark.stack
async def test_a_movement_that_did_not_come_shows_in_what_the_till_expected(place: Addresses, engine: AsyncEngine) -> None:
    """The bank drop is missing: the till expected less than the events do, and the closing differs by it until it comes."""
    story = _evening(expected_cash=670, counted_cash=670)
    lost = await _cash(place, engine, *(each for each in story if each.type != "cash.paid_out.v1" or each.data.purpose != "bank_drop"))
    whole = await _cash(place, engine, *story)

    assert lost.differences == [FigureDifference("expected_cash", 670, 1270)]
    assert (lost.verdict, lost.cash.verdict, lost.cash.difference) == ("differs", "short", -600)
    assert (whole.verdict, whole.cash.verdict) == ("matches", "balanced")


@pytest.mark.stack
async def test_corrections_move_the_expected_cash(place: Addresses, engine: AsyncEngine) -> None:
    """Of a movement, of the float, of a receipt; and a receipt that hides its tenders makes it unknown."""
    story = _evening(counted_cash=670)
    opening, sale, paid_in = story[0], story[1], story[4]
    other = opening.data.model_dump(mode="json") | {"float_amount": 250}

    assert (await _cash(place, engine, *story, corrected("x", paid_in))).cash.difference == 500
    assert (await _cash(place, engine, *story, corrected("x", opening, other))).cash.difference == 50
    assert (await _cash(place, engine, *story, corrected("x", sale))).cash.difference == 700
    hidden = {key: value for key, value in sale.data.model_dump(mode="json", exclude_none=True).items() if key != "tenders"}
    unknown = (await _cash(place, engine, *story, corrected("x", sale, hidden))).cash
    assert (unknown.expected, unknown.untendered, unknown.verdict) == (None, 1, "unknown")


@pytest.mark.stack
async def test_periods_are_found_by_the_verdict_on_their_cash(place: Addresses, engine: AsyncEngine) -> None:
    """A short drawer is found though its closing matches."""
    await _cash(place, engine, *_evening(counted_cash=660))

    assert [len(await _periods(engine, cash=verdict)) for verdict in ("short", "over", None)] == [1, 0, 1]
    assert await _periods(engine, cash="short", verdict="differs") == []
