"""What is on hand: adding up as events come gives what adding up from the rows gives, corrected or settled."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.rules import on_hand
from processors.rules.on_hand import Stock, settle, with_event
from processors.rules.rule import microseconds
from tests.processors.events import adjusted, at, counted, event, sold
from tests.processors.stories import Story, stock_facts

_DAY = 24 * 60


def _stock(facts: Story) -> Stock:
    stock = Stock()
    for position, fact in enumerate(facts):
        stock = with_event(stock, fact, "MILK", position, True)
    return stock


@given(stock_facts(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_running_tally_is_what_the_rows_add_up_to(facts: Story, random: Any) -> None:
    """In any order of arrival."""
    stock = _stock(random.sample(facts, len(facts)))
    assert on_hand._tallied(stock) == stock


@given(stock_facts())
@settings(max_examples=100, deadline=None)
def test_settling_changes_nothing_that_is_on_hand(facts: Story) -> None:
    """Not what the tally says, and not what it would say if it were added up again."""
    stock = _stock(facts)
    settled = settle(stock, microseconds(at(43 * _DAY)))
    assert settled.tally == stock.tally
    again = on_hand._tallied(settled).tally
    assert (again.quantity if again else None) == (stock.tally.quantity if stock.tally else None)


def test_a_late_movement_from_before_the_horizon_still_counts() -> None:
    """It moves the settled quantity when it happened after the count that this rests on."""
    stock = settle(_stock([counted("c", at(0), 20), sold("a", at(5))]), microseconds(at(50 * _DAY)))
    assert stock.movements == ()
    late = with_event(stock, adjusted("late", at(3), -4), "MILK", 9, True)
    assert late.tally is not None
    assert late.tally.quantity == 15
    assert on_hand._tallied(late).tally.quantity == 15  # type: ignore[union-attr]


def test_a_line_may_be_counted_at_a_time_of_its_own() -> None:
    """The time of the line, not of the sheet, decides what came after."""
    sheet = {"sheet_id": "c", "lines": [{"line": 1, "sku": "MILK", "quantity": "9", "counted_at": at(10)}]}
    stock = _stock([sold("before", at(5)), event("stock.counted.v1", "c", at(60), sheet), sold("after", at(20))])
    assert stock.tally is not None
    assert stock.tally.quantity == 8
