"""Judging payments, counts, returns, gaps and numbers that came twice: tables of cases, and what holds whatever the figures."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.reference import WEEKDAYS, OpeningHours
from contracts.events.registry import SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED
from contracts.policies.reconciliation import ReconciliationPolicy
from projections.read_models.reference_data.calendars import UNKNOWN, Calendar
from projections.read_models.till_days.reader import MissingRange, TillDay, TillHeard
from projections.read_models.till_periods.receipts import ReceiptEvent, ReceiptTwice
from projections.reconcile.business import gaps, receipts_twice, stock, tenders
from projections.reconcile.business.links import Link, link_of
from projections.reconcile.business.orphan_judgement import Back, Sold, judge_sale, judge_unknown
from projections.reconcile.business.orphan_reader import effective
from projections.reconcile.business.stock_reader import CountKey, CountSeen
from projections.reconcile.business.trading import Trading
from projections.sale_facts import Correction

DAY, NOON = date(2026, 3, 2), datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICY = ReconciliationPolicy()
ONE, TWO, THREE, FOUR = (UUID(int=number) for number in (1, 2, 3, 4))


@pytest.mark.parametrize(
    ("due", "paid", "lines", "has_cash", "currency", "differs"),
    [
        (1_000, 1_000, 1, False, "KRW", False),
        (1_000, 999, 1, False, "KRW", False),
        (1_000, 998, 1, False, "KRW", True),
        (1_000, 998, 2, False, "KRW", False),
        (1_009, 1_000, 1, True, "KRW", False),
        (1_009, 1_000, 1, False, "KRW", True),
        (1_012, 1_000, 1, True, "KRW", True),
        (1_002, 1_000, 1, True, "USD", True),
        (-500, -500, 1, True, "KRW", False),
        (-500, 500, 1, True, "KRW", True),
        (1_000, 0, 1, True, "KRW", True),
    ],
)
def test_tenders_add_up_to_what_the_lines_ask_for(due: int, paid: int, lines: int, has_cash: bool, currency: str, differs: bool) -> None:
    """A minor unit a line is rounding, and a coin where cash was paid; the direction of the money is part of it."""
    receipt = tenders.PaidReceipt(DAY, "id", "R1", currency, due, paid, lines, has_cash)

    found = list(tenders.judge_receipt("S1", receipt, POLICY))

    assert [(each.subject, each.observed, each.expected, each.unit, each.event_ids) for each in found] == (
        [("receipt R1", paid, due, currency, ("id",))] if differs else []
    )


sums = st.dictionaries(st.tuples(st.just(DAY), st.sampled_from(["cash", "card", "tips"])), st.tuples(st.integers(0, 3), st.integers(-3, 3)))


@given(one=sums, other=sums)
def test_days_differ_where_a_kind_of_tender_does(one: dict[Any, Any], other: dict[Any, Any]) -> None:
    """A kind that one side lacks is nothing there; each difference is told as a figure that differs."""
    found = tenders.differing(one, other)

    assert set(found) == {key for key in one.keys() | other.keys() if one.get(key, (0, 0)) != other.get(key, (0, 0))}
    for key, pair in found.items():
        finding = tenders.judge_day("S1", "KRW", key, pair)
        assert (finding.observed != finding.expected, finding.subject, finding.is_provisional) == (True, key[1], False)


def test_stock_differs_where_counts_and_movements_add_up_to_something_else() -> None:
    """A SKU that one store does not know has nothing there; equal is equal whatever the number of decimals."""
    on_hand = {"A": Decimal("5.0"), "B": Decimal(3), "C": Decimal(0), "D": Decimal(-1)}
    ledger = {"A": Decimal(5), "B": Decimal(4), "E": Decimal(2)}

    found = stock.differing_stock(on_hand, ledger)

    assert found == {"B": (Decimal(3), Decimal(4)), "D": (Decimal(-1), Decimal(0)), "E": (Decimal(0), Decimal(2))}
    finding = stock.judge_on_hand("S1", DAY, "B", found["B"])
    assert (finding.subject, finding.observed, finding.expected, finding.unit) == ("SKU B", 3, 4, "units")


def count(counted: int, book: int, moved: int = 0) -> CountSeen:
    """Return a count of one SKU."""
    return CountSeen(CountKey("A", NOON, "id"), Decimal(counted), Decimal(book), Decimal(moved))


@pytest.mark.parametrize(
    ("seen", "differs"),
    [
        (count(10, 10), False),
        (count(5, 10), False),
        (count(4, 10), True),
        (count(16, 10), True),
        (count(3, 10, moved=200), False),
        (count(2, 10, moved=200), True),
    ],
)
def test_a_count_lies_from_the_book_no_further_than_its_tolerance(seen: CountSeen, differs: bool) -> None:
    """Opening count + movements is expected; a late sale dated before the count may still change the book."""
    found = list(stock.judge_count("S1", DAY, seen, POLICY, is_settled=False))

    assert [(each.observed, each.expected, each.event_ids, each.is_provisional) for each in found] == (
        [(seen.counted, seen.book, ("id",), True)] if differs else []
    )


def test_the_book_of_a_count_is_the_same_in_both_stores() -> None:
    """Of counts that both know; the first of a SKU has no book."""
    other = CountKey("B", NOON, "id")
    seen = [count(1, 10), count(1, 10)._replace(key=other)]

    assert stock.differing_books({seen[0].key: Decimal(10), other: None}, seen) == {}
    assert stock.differing_books({}, seen) == {}
    found = stock.differing_books({seen[0].key: Decimal(11)}, seen)
    assert found == {seen[0].key: (Decimal(11), Decimal(10))}
    finding = stock.judge_book("S1", DAY, seen[0].key, found[seen[0].key])
    assert (finding.observed, finding.expected, finding.event_ids) == (11, 10, ("id",))


def back(event_id: UUID, quantity: str, amount: int, kind: str = SALE_RETURNED, position: int | None = None, sku: str = "A") -> Back:
    """Return what came back of one SKU."""
    at = event_id.int if position is None else position
    return Back("S1", DAY, event_id, kind, f"R{event_id.int}", "KRW", 0, at, False, 1, {sku: Decimal(quantity)}, amount)


SOLD = Sold(ONE, SALE_COMPLETED, "R1", {"A": Decimal(3), "B": Decimal(1)}, 4_000)


@pytest.mark.parametrize(
    ("backs", "found"),
    [
        ([back(TWO, "3", 3_000)], []),
        ([back(TWO, "1", 1_000), back(THREE, "2", 2_000)], []),
        ([back(TWO, "1", 1_000), back(THREE, "2.5", 2_000)], [(THREE, Decimal("3.5"), Decimal(3), "units")]),
        ([back(TWO, "2", 1_000), back(THREE, "2", 2_000, position=1)], [(TWO, 4, 3, "units")]),
        ([back(TWO, "1", 1_000, sku="C")], [(TWO, 1, 0, "units")]),
        ([back(TWO, "3", 4_001)], []),
        ([back(TWO, "3", 4_002)], [(TWO, 4_002, 4_000, "KRW")]),
        ([back(TWO, "3", 3_000, SALE_VOIDED), back(THREE, "1", 1_000)], [(THREE, 4, 3, "units")]),
    ],
)
def test_no_more_comes_back_than_was_sold(backs: list[Back], found: list[tuple[Any, ...]]) -> None:
    """SKU by SKU and in money, over all returns and voids of a sale; the one that goes beyond is named with those before it."""
    findings = list(judge_sale(SOLD, backs, frozenset(each.event_id for each in backs)))

    assert [(UUID(each.event_ids[0]), each.observed, each.expected, each.unit) for each in findings] == found
    assert all(each.event_ids[-1] == str(ONE) for each in findings)


def test_only_what_was_asked_about_is_told() -> None:
    """A return of another month takes its part, and is told by the run of its own month."""
    backs = [back(TWO, "4", 3_000), back(THREE, "1", 1_000)]

    assert [each.event_ids[:2] for each in judge_sale(SOLD, backs, frozenset([THREE]))] == [(str(THREE), str(TWO))]


def test_a_return_names_a_sale() -> None:
    """Not another return, and no sale that was taken back: of that nothing is left."""
    (of_return,) = judge_sale(replace_type(SOLD, SALE_RETURNED), [back(TWO, "1", 1)], frozenset([TWO]))
    (of_nothing,) = judge_sale(SOLD._replace(quantities={}, amount=0), [back(TWO, "1", 1)], frozenset([TWO]))

    assert (of_return.observed, of_return.expected, of_return.unit) == (0, 1, "sales")
    assert (of_nothing.observed, of_nothing.expected, of_nothing.unit) == (1, 0, "units")


def replace_type(sold: Sold, event_type: str) -> Sold:
    """Let a link name an event of another type."""
    return sold._replace(event_type=event_type)


@given(parts=st.lists(st.integers(1, 4), max_size=6), sold=st.integers(0, 8))
def test_the_first_return_beyond_the_sale_is_told_and_none_before_it(parts: list[int], sold: int) -> None:
    """Whatever the parts in which it comes back."""
    backs = [back(UUID(int=10 + number), str(part), 0) for number, part in enumerate(parts)]
    expected = [each.event_id for number, each in enumerate(backs) if sum(parts[: number + 1]) > sold]

    found = list(judge_sale(SOLD._replace(quantities={"A": Decimal(sold)}), backs, frozenset(each.event_id for each in backs)))

    assert [UUID(each.event_ids[0]) for each in found] == expected


def test_a_sale_that_did_not_come_is_named_as_the_return_names_it() -> None:
    """By event or by receipt; before the return's day is over, the sale may still come."""
    by_event = judge_unknown(back(TWO, "1", 1), Link("S2", ONE, "R1"), is_settled=True)
    by_number = judge_unknown(back(TWO, "1", 1, SALE_VOIDED), Link("S1", None, "R1"), is_settled=False)

    assert f"event {ONE} of S2" in by_event.text
    assert "void R2 names receipt R1 of S1" in by_number.text
    assert (by_event.observed, by_event.expected, by_event.is_provisional, by_number.is_provisional) == (0, 1, False, True)


@pytest.mark.parametrize(
    ("value", "is_correction", "link"),
    [
        ('{"receipt_id": "R9"}', False, None),
        (f'{{"original_event_id": "{ONE}", "original_receipt_id": "R1"}}', False, Link("S1", ONE, "R1")),
        ('{"original_receipt_id": "R1", "original_store_id": "S2"}', False, Link("S2", None, "R1")),
        (f'{{"voided_event_id": "{ONE}"}}', False, Link("S1", ONE, None)),
        ('{"voided_receipt_id": "R1"}', False, Link("S1", None, "R1")),
        ('{"replacement": {"voided_receipt_id": "R1"}}', True, Link("S1", None, "R1")),
        ('{"kind": "did_not_occur"}', True, None),
    ],
)
def test_a_return_says_in_its_own_bytes_which_sale_it_names(value: str, is_correction: bool, link: Link | None) -> None:
    """A correction says it in the right content that it carries."""
    assert link_of(value.encode(), "S1", is_correction=is_correction) == link
    assert link_of(value, "S1", is_correction=is_correction) == link


def test_what_counts_in_place_of_a_sale_is_the_last_correction() -> None:
    """A rival that came later is nothing; a circle corrects nothing."""

    def corrects(event: UUID, target: UUID, position: int) -> Correction:
        return Correction("S1", event, target, position, NOON)

    chain = [corrects(TWO, ONE, 1), corrects(THREE, TWO, 2), corrects(FOUR, ONE, 3)]
    assert effective(ONE, []) == ONE
    assert effective(ONE, chain[:1]) == TWO
    assert effective(ONE, chain) == THREE
    assert effective(ONE, [corrects(TWO, THREE, 1), corrects(THREE, TWO, 2)]) == ONE


def day(**changed: Any) -> TillDay:
    """Return a day on which both tills were heard and nothing is missing."""
    tills = tuple(TillHeard(till, NOON, has_heartbeat=True, is_closed=True) for till in ("T1", "T2"))
    return replace(TillDay("S1", DAY, 2, 2, (), tills, 0, (), NOON), **changed)


USUAL = gaps.Usual({"T1", "T2"}, {DAY})


def test_what_is_missing_of_a_day_is_named() -> None:
    """Ranges of numbers with their device, tills on the list that were not heard, tills without the heartbeats of other days."""
    silent_beats = (TillHeard("T1", NOON, has_heartbeat=False, is_closed=True),)
    seen = day(tills=silent_beats, tills_silent=("T2",), numbers_missing=9, missing=(MissingRange("T1", 4, 4), MissingRange("T1", 7, 9)))

    found = list(gaps.judge_day(seen, USUAL, is_settled=True))

    assert [(each.subject, each.observed, each.expected) for each in found] == [
        ("number 4 of device T1", 1, 0),
        ("numbers 7 to 9 of device T1", 3, 0),
        ("further numbers", 5, 0),
        ("till T2", 0, 1),
        ("heartbeats of till T1", 0, 1),
    ]
    assert not any(each.is_provisional for each in found)
    assert all(each.is_provisional for each in gaps.judge_day(seen, USUAL, is_settled=False))


def test_a_day_that_is_whole_has_no_gap() -> None:
    """Nor has one of a store that numbers nothing and whose tills never send heartbeats."""
    mute = tuple(replace(till, has_heartbeat=False) for till in day().tills)

    assert list(gaps.judge_day(day(), USUAL, is_settled=True)) == []
    assert list(gaps.judge_day(day(tills=mute, numbers_missing=None), gaps.Usual((), {DAY}), is_settled=True)) == []


def test_a_store_that_was_not_heard_is_one_finding() -> None:
    """Its tills need not be named one by one."""
    silent = day(tills=(), tills_silent=("T1", "T2"), last_heard_at=None)

    assert [each.subject for each in gaps.judge_day(silent, USUAL, is_settled=True)] == ["the store"]


@pytest.mark.parametrize(
    ("expected", "usual", "found"),
    [
        (2, gaps.Usual((), {DAY}), 1),
        (None, gaps.Usual({"T1"}, {DAY}), 1),
        (None, gaps.Usual((), {DAY}), 0),
        (2, gaps.Usual({"T1"}, ()), 0),
    ],
)
def test_a_store_is_expected_where_something_says_that_it_would_be_heard(expected: int | None, usual: gaps.Usual, found: int) -> None:
    """Its list of tills or its heartbeats; a file with days without sales says nothing, nor does a day on which the chain is closed."""
    silent = day(tills=(), tills_expected=expected, last_heard_at=None)

    assert len(list(gaps.judge_day(silent, usual, is_settled=True))) == found


def silence(heard: Collection[date], chain: Collection[date], calendar: Calendar = UNKNOWN) -> int:
    """Return how often it is told that a store was not heard on the day."""
    silent = day(tills=(), tills_expected=2, last_heard_at=None)
    usual = gaps.Usual((), {*chain, DAY}, Trading(calendar, heard))
    return len(list(gaps.judge_day(silent, usual, is_settled=True)))


def test_a_store_is_expected_from_its_opening_to_its_closing() -> None:
    """Both days are days of trade."""
    one = timedelta(days=1)
    spans = [Calendar(DAY, None), Calendar(None, DAY), Calendar(DAY + one, None), Calendar(None, DAY - one)]

    assert [silence((), (), calendar) for calendar in spans] == [1, 1, 0, 0]


def test_hours_say_on_which_weekdays_a_store_trades() -> None:
    """Those in force on the date; before the first of them, these; and what is usual says nothing against them."""
    weeks = [DAY - timedelta(weeks=number) for number in range(1, 5)]
    chain = {each + timedelta(days=days) for each in weeks for days in range(7)}
    today, rest = ([OpeningHours(weekday=WEEKDAYS[(DAY.weekday() + days) % 7], opens=time(9), closes=time(18))] for days in (0, 1))
    since, later = DAY - timedelta(days=100), DAY + timedelta(days=1)

    assert silence((), chain, Calendar(hours=[(since, rest)])) == 0
    assert silence(chain - set(weeks), chain, Calendar(hours=[(since, today)])) == 1, "it has come to trade on this weekday"
    assert silence((), chain, Calendar(hours=[(since, today), (DAY, rest)])) == 0
    assert silence((), chain, Calendar(hours=[(since, today), (later, rest)])) == 1
    assert silence((), chain, Calendar(hours=[(later, rest)])) == 0
    assert silence(chain - set(weeks), chain, Calendar(hours=[(since, today), (DAY, None)])) == 0, "not known any more: what is usual"
    assert silence((), chain, Calendar(closed_on=DAY - timedelta(days=1), hours=[(since, today)])) == 0


def test_a_weekday_on_which_a_store_never_trades_is_no_silence() -> None:
    """It trades on the other days of these weeks, as its chain does on that one; three such weeks are enough, two are not."""
    weeks = [DAY - timedelta(weeks=number) for number in range(1, 5)]
    chain = {each + timedelta(days=days) for each in weeks for days in range(7)}
    others = chain - set(weeks)

    assert silence(others, chain) == 0
    assert silence(others | {weeks[2]}, chain) == 1, "it was open on such a day within the month"
    assert silence(others, chain - {weeks[3]}) == 0
    assert silence(others, chain - set(weeks[2:])) == 1, "two weeks are no habit"
    assert silence((), chain) == 1, "it was not heard at all"
    assert silence({each for each in others if each < DAY - timedelta(days=11)}, chain) == 1, "it stopped a week ago"


def test_a_number_that_counts_twice_names_the_later_event_first() -> None:
    """That is the one to look at; nothing that comes later settles it."""
    events = tuple(ReceiptEvent(event_id, NOON, NOON, None) for event_id in (ONE, TWO, THREE))

    finding = receipts_twice.judge(ReceiptTwice("S1", DAY, "R1", "T1", "sale", events))

    assert (finding.subject, finding.observed, finding.expected) == ("receipt R1 of till T1", 3, 1)
    assert finding.event_ids == (str(THREE), str(TWO), str(ONE))
    assert not finding.is_provisional
