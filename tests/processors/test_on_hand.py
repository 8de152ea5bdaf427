"""What is on hand: adding up as events come gives what adding up from the rows gives, corrected, spilled to pages or settled."""

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events.stock import StockCounted
from processors.rules import on_hand
from processors.rules.on_hand import Stock, moved_by, quantity_of, settle, with_counts, with_movement
from processors.rules.rule import Recounted, microseconds
from processors.rules.stock_rows import ROW_BYTES, ROWS_BESIDE, ROWS_IN_PAGE
from processors.state import LARGE_BYTES, encode
from tests.examples import examples
from tests.processors.events import adjusted, at, counted, event, identity, sold
from tests.processors.stories import Story, stock_facts

_DAY = 24 * 60


class Shelf:
    """A stock with its pages in memory, spilled as the rule spills them."""

    def __init__(self) -> None:
        self.stock = Stock()
        self.pages: list[bytes] = []

    def take(self, fact: Any, position: int, counts: bool = True) -> None:
        """Fold one event about MILK."""
        if isinstance(fact.data, StockCounted):
            self.stock = with_counts(self.stock, fact, "MILK", position, counts, self.earlier)
            return
        moved = moved_by(fact)
        if "MILK" in moved.deltas:
            if len(self.stock.rows) == ROWS_BESIDE * ROW_BYTES:
                self._spill()
            self.stock = with_movement(self.stock, moved, moved.deltas["MILK"], counts)

    def _spill(self) -> None:
        if self.stock.spilled % ROWS_IN_PAGE == 0:
            self.pages.append(b"")
        self.pages[-1] += self.stock.rows

    def earlier(self, stock: Stock) -> Iterable[bytes]:
        """Return the pages from the stock's first on."""
        return self.pages[stock.first_page :]

    def recorrect(self, change: Recounted) -> None:
        """Fold a correction."""
        self.stock = on_hand.recounted(self.stock, change, self.earlier)

    def settle(self, minutes: float) -> None:
        """Settle at a clock."""
        self.stock = settle(self.stock, microseconds(at(minutes)), self.earlier)

    @property
    def quantity(self) -> int | None:
        """Return what is on hand, whole units."""
        return int(quantity_of(self.stock.tally.quantity)) if self.stock.tally else None


def _shelf(facts: Story) -> Shelf:
    shelf = Shelf()
    for position, fact in enumerate(facts):
        shelf.take(fact, position)
    return shelf


def _many(number: int) -> Story:
    return [sold(f"m{place}", at(place * 7 % 997)) for place in range(number)]


def _void(*names: str) -> Recounted:
    ids = frozenset(identity(f"S1/{name}").bytes for name in names)
    return Recounted(sold("cause", at(0)), ids, frozenset())


@given(stock_facts(), st.randoms(use_true_random=False))
@settings(max_examples=examples(40))
def test_the_running_tally_is_what_the_rows_add_up_to(facts: Story, random: Any) -> None:
    """In any order of arrival."""
    shelf = _shelf(random.sample(facts, len(facts)))
    assert on_hand.retallied(shelf.stock, shelf.earlier) == shelf.stock


@given(stock_facts(), st.integers(0, 300), st.randoms(use_true_random=False))
@settings(max_examples=examples(20))
def test_pages_change_nothing(facts: Story, many: int, random: Any) -> None:
    """Whatever was spilled, a late count finds every movement after its time, and arrival in another order ends the same."""
    story = [*facts, *_many(many), counted("base", at(333.5), 500)]
    first, second = _shelf(story), _shelf(random.sample(story, len(story)))
    assert first.quantity == second.quantity
    assert on_hand.retallied(second.stock, second.earlier).tally == second.stock.tally


def test_a_reader_of_only_the_newest_rows_is_caught() -> None:
    """The negative control: a late count that does not look at the pages is wrong."""
    shelf = _shelf([counted("c", at(-1), 1000), *_many(100)])
    assert on_hand.retallied(shelf.stock).tally != on_hand.retallied(shelf.stock, shelf.earlier).tally


@given(stock_facts())
@settings(max_examples=examples(40))
def test_settling_changes_nothing_that_is_on_hand(facts: Story) -> None:
    """Not what the tally says, and not what it would say if it were added up again."""
    shelf = _shelf([*facts, *_many(200)])
    before = shelf.stock.tally
    shelf.settle(43 * _DAY)
    assert shelf.stock.tally == before
    again = on_hand.retallied(shelf.stock, shelf.earlier).tally
    assert (again.quantity if again else None) == (before.quantity if before else None)


def test_a_late_movement_from_before_the_horizon_still_counts() -> None:
    """It moves the settled quantity when it happened after the count that this rests on."""
    shelf = _shelf([counted("c", at(0), 20), sold("a", at(5))])
    shelf.settle(50 * _DAY)
    shelf.take(adjusted("late", at(3), -4), 9)
    assert shelf.quantity == 15
    assert on_hand.retallied(shelf.stock, shelf.earlier).tally.quantity == 15 * 100_000  # type: ignore[union-attr]


def test_a_line_may_be_counted_at_a_time_of_its_own() -> None:
    """The time of the line, not of the sheet, decides what came after."""
    sheet = {"sheet_id": "c", "lines": [{"line": 1, "sku": "MILK", "quantity": "9", "counted_at": at(10)}]}
    shelf = _shelf([sold("before", at(5)), event("stock.counted.v1", "c", at(60), sheet), sold("after", at(20))])
    assert shelf.quantity == 8


@given(st.sets(st.integers(0, 199), max_size=5))
@settings(max_examples=examples(30))
def test_a_corrected_sale_on_a_page_leaves_what_would_have_been_without_it(wrong: set[int]) -> None:
    """Wherever its row is by now, and when it has been settled."""
    shelf = _shelf([counted("c", at(-1), 1000), *_many(200)])
    shelf.recorrect(_void(*(f"m{place}" for place in wrong)))
    assert shelf.quantity == 800 + len(wrong)
    shelf.settle(43 * _DAY)
    again = on_hand.retallied(shelf.stock, shelf.earlier).tally
    assert again is not None
    assert again.quantity == (800 + len(wrong)) * 100_000


def test_settled_pages_are_left_behind() -> None:
    """What is read again is bounded by what is not settled."""
    shelf = _shelf([counted("c", at(0), 1000), *_many(300)])
    shelf.settle(43 * _DAY)
    assert shelf.stock.first_page == 2
    assert shelf.quantity == 700 + sum(1 for each in _many(300) if each.envelope.occurred_at <= at(0))


def test_a_good_that_is_counted_again_and_again_keeps_its_newest_counts() -> None:
    """The oldest quarter settles when there are more than a hundred; the count that stands is still the last."""
    shelf = _shelf([counted(f"c{number}", at(number), 1000 + number) for number in range(140)])
    shelf.settle(200)
    assert on_hand.COUNTS_KEPT // 2 < len(shelf.stock.counts) <= on_hand.COUNTS_KEPT
    assert shelf.quantity == 1139
    assert shelf.stock.counts[-1].quantity == 1139 * 100_000


def test_a_stock_stays_small_however_much_happens() -> None:
    """The value that every sale writes holds sixteen rows at most."""
    shelf = _shelf([counted("c", at(0), 5000), *_many(1000)])
    assert len(shelf.stock.rows) <= ROWS_BESIDE * ROW_BYTES
    assert len(encode(on_hand.STOCK, shelf.stock, 1, None, "chain")) < 700
    assert max(map(len, shelf.pages)) <= ROWS_IN_PAGE * ROW_BYTES < LARGE_BYTES
