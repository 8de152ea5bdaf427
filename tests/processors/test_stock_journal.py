"""The journal of movements: where a movement is kept makes no difference to any stock, however soon pages are full and given up."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.records import LogRecord
from processors.rules import stock_journal
from processors.rules.on_hand import Count, Moved, Stock, Tally, retallied, with_movement
from processors.rules.stock_journal import JOURNAL_PAGE, Shelf, page_name
from processors.rules.stock_rows import LARGEST
from processors.state import read_held, read_state
from tests.examples import examples
from tests.processors import test_fold, test_runs
from tests.processors.events import at, corrected, counted, log_of, reorder_policy, sold, tick
from tests.processors.oracle import Replica, open_orders, replica_of

SIZES = [(1, 1, 3), (2, 2, 4), (5, 3, 5)]
"""Rows of a page, pages kept, names of pages."""


@pytest.fixture(params=SIZES, ids=str)
def _soon_full(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in zip(("PAGE_ROWS", "PAGES_KEPT", "NAMES"), request.param, strict=True):
        monkeypatch.setattr(stock_journal, name, size)


@pytest.mark.hypothesis
@pytest.mark.usefixtures("_soon_full")
@pytest.mark.parametrize(
    "law",
    [
        test_fold.test_folding_a_run_in_one_go_comes_to_the_same,
        test_fold.test_batch_boundaries_do_not_matter,
        test_fold.test_redelivery_from_any_offset_after_any_crash_changes_nothing,
        test_fold.test_repeats_change_nothing,
        test_fold.test_the_order_of_arrival_does_not_matter_in_the_end,
    ],
)
def test_the_laws_of_the_fold_hold_where_pages_are_soon_full_and_given_up(law: Callable[[], None]) -> None:
    """Whatever is cut, repeated, shuffled, or folded again after a crash between any two writes."""
    law()


@pytest.mark.usefixtures("_soon_full")
def test_a_simulated_chain_comes_to_the_same_in_runs_and_record_by_record() -> None:
    """With all its troubles."""
    test_runs.test_a_simulated_chain_folded_in_runs_comes_to_what_it_comes_to_record_by_record(3)


def _sales(count: int) -> list[LogRecord]:
    """Return a count and sales of three SKUs in turn, with a look in between."""
    skus = ("MILK", "TEA", "RICE")
    counts = [counted(f"c{sku}", at(0), 500, sku=sku) for sku in skus]
    sales = [sold(f"s{number}", at(1 + number), sku=skus[number % 3]) for number in range(count)]
    return log_of(reorder_policy(480, 600), *counts, *sales)


def test_what_comes_of_sales_does_not_depend_on_how_much_the_journal_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recommendations, each with its position, are those of a journal that keeps everything; only there no stock is written late."""
    log = _sales(90)
    kept = replica_of(log, 7)
    for name, size in zip(("PAGE_ROWS", "PAGES_KEPT", "NAMES"), (2, 2, 4), strict=True):
        monkeypatch.setattr(stock_journal, name, size)
    given_up = replica_of(log, 7)
    assert open_orders(given_up.derived) == open_orders(kept.derived)
    assert open_orders(kept.derived).keys() == {"MILK", "TEA", "RICE"}
    assert {position for position, _ in open_orders(kept.derived).values()} == {470}
    assert _pages(given_up) == {str(number) for number in range(4)}
    assert len(given_up.held) < len(kept.held) + 4


@pytest.mark.usefixtures("_soon_full")
def test_sales_that_are_folded_again_after_a_crash_between_any_two_states_come_to_the_same() -> None:
    """In runs: pages of rows, stocks, full pages of the journal and the open one, of which only some are written."""
    log = _sales(75)
    whole, opening = replica_of(log), replica_of(log[:30])
    written = sum(map(len, replica_of(log[:30]).fold(log[30:], opening.held.get).stages))
    assert written > 10
    for states in range(written):
        crashed = replica_of(log[:30])
        crashed.apply(log[30:], states)
        crashed.apply(log[30:])
        assert crashed.held == whole.held


def test_what_was_remembered_of_a_batch_that_was_not_written_is_forgotten() -> None:
    """The same fold folds it again, from what is held."""
    log = _sales(75)
    replica = replica_of(log[:30])
    replica.fold(log[30:], replica.held.get).settle(False)
    replica.apply(log[30:])
    assert replica.held == replica_of(log).held


def _pages(replica: Replica) -> set[str]:
    return {key.split("|")[2] for key in replica.held if f"|{JOURNAL_PAGE.name}|" in key}


def test_most_sales_write_one_state_of_a_store() -> None:
    """Of stock: the open page of the journal; every sixteenth of a SKU writes its stock as well."""
    log = _sales(60)
    replica, written = replica_of(log[:8]), dict[str, int]()
    for record in log[8:]:
        for stage in replica.fold([record], replica.held.get).stages:
            for key in stage:
                written[key.split("|")[1]] = written.get(key.split("|")[1], 0) + 1
        replica.apply([record])
    assert written["stock_journal"] == len(log) - 8
    assert written["stock"] == 3


def test_a_correction_finds_a_sale_that_is_in_the_journal_alone() -> None:
    """The stock is what it would be had the sale never been there, after a restart too."""
    wrong = sold("a", at(1))
    log = log_of(reorder_policy(480, 600), counted("c", at(0), 500), wrong, sold("b", at(2)), corrected("fix", wrong), tick(at(70)))
    without = log_of(reorder_policy(480, 600), counted("c", at(0), 500), sold("b", at(2)), tick(at(70)))
    restarted = Replica()
    for record in log:
        restarted.apply([record])
        restarted.restart()
    assert _quantity(restarted, "MILK") == _quantity(replica_of(log), "MILK") == _quantity(replica_of(without), "MILK") == 499 * 100_000


def _quantity(replica: Replica, sku: str) -> int:
    """Return what is on hand, by what is held alone: the stock, and the rows behind its position."""
    kinds = {kind.name: kind for kind in (stock_journal.STOCK, stock_journal.JOURNAL, JOURNAL_PAGE)}
    read = {
        key: read_state(kinds[key.split("|")[1]], read_held(value)) for key, value in replica.held.items() if key.split("|")[1] in kinds
    }
    stock: Any = read[f"S1|stock|{sku}"]
    pages: list[Any] = [state for key, state in read.items() if "|stock|" not in key]
    rows = [(page.skus[row.place], row) for page in pages for row in stock_journal.rows_of(page)]
    return stock.tally.quantity + sum(row.delta for name, row in rows if name == sku and row.position > stock.position)


@settings(max_examples=examples(100))
@given(st.booleans(), st.lists(st.tuples(st.integers(-3, 60), st.integers(-9, 9)), max_size=40))
def test_a_shelf_is_the_stock_that_moves_one_by_one_would_make(is_counted: bool, moves: list[tuple[int, int]]) -> None:
    """As long as it takes them: then they are told one by one, late ones too."""
    one_by_one = with_movement(Stock(), Moved(10, b"first" + bytes(11), 1, True, {"X": -1}), -1, True, 0)
    if is_counted:
        one_by_one = retallied(Stock(counts=(Count(20, 0, 1, bytes(16), 700, True),), seen_until=20, position=0))
    shelf = Shelf(one_by_one)
    for position, (when, delta) in enumerate(moves, 1):
        moved = Moved(when, position.to_bytes(16), 1, True, {"X": delta})
        one_by_one = with_movement(one_by_one, moved, delta, True, position)
        if when >= shelf.takes_from:
            (row,) = stock_journal.written({}, moved, position)
            shelf.take(when, row, delta, position)
        else:
            shelf = Shelf(with_movement(shelf.stock, moved, delta, True, position))
        assert shelf.stock == one_by_one
        assert shelf.on_hand == (one_by_one.tally.quantity if one_by_one.tally else None)


@pytest.mark.parametrize(("counted", "most"), [(7, LARGEST - 8), (7, 1 - LARGEST), (-7, LARGEST - 1), (-7, 8 - LARGEST)])
def test_a_shelf_refuses_what_its_stock_would_refuse(counted: int, most: int) -> None:
    """Neither what is on hand nor what moved since the count may be beyond all reason; what was settled may be below nothing."""
    stock = Stock(Tally(counted, 5, bytes(16), 0, 0), oldest=5, seen_until=5, position=0)
    shelf, further = Shelf(stock), 1 if most > 0 else -1
    shelf.take(6, bytes(58), most, 1)
    moved = with_movement(stock, Moved(6, bytes(16), 1, True, {}), most, True, 1)
    with pytest.raises(OverflowError):
        shelf.take(7, bytes(58), further, 2)
    with pytest.raises(OverflowError):
        with_movement(moved, Moved(7, bytes(16), 1, True, {}), further, True, 2)
    assert (shelf.on_hand, shelf.position) == (counted + most, 1)


def test_names_of_pages_come_again_only_when_their_pages_are_given_up() -> None:
    """A page is never written over one that is kept."""
    kept = stock_journal.PAGES_KEPT
    assert len({page_name(number) for number in range(kept + 2)}) == kept + 2
