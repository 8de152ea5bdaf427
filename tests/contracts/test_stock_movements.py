"""What moves stock, and which way: one place for the rule and the read model."""

from decimal import Decimal

import pytest

from contracts.codec import build_event
from contracts.envelope import Envelope
from contracts.events.registry import EVENT_TYPES
from contracts.example_events.table import EXAMPLES
from contracts.stock_movements import MOVING_TYPES, Movement, movements

EXPECTED = {
    "sale.completed/v1/receipt_with_weighed_goods.json": [(1, "MILK-1L", "-2"), (2, "APPLE-KG", "-0.435")],
    "sale.completed/v1/exchange.json": [(1, "SOCK-L", "-1"), (2, "SOCK-M", "1")],
    "sale.returned/v1/linked_return.json": [(1, "MILK-1L", "1")],
    "sale.voided/v1/after_completion.json": [(1, "MILK-1L", "2")],
    "sale.suspended/v1/set_aside.json": [],
    "sale.practised/v1/training_mode.json": [],
    "stock.counted/v1/blind_count.json": [],
    "stock.adjusted/v1/write_off.json": [(1, "APPLE-KG", "-1.2")],
    "stock.received/v1/delivery.json": [(1, "MILK-1L", "24")],
    "stock.transferred_out/v1/to_hongdae.json": [(1, "MILK-1L", "-12")],
    "stock.transferred_in/v1/from_gangnam.json": [(1, "MILK-1L", "12")],
    "stock.wasted/v1/expired.json": [(1, "MILK-1L", "-2")],
    "clock.in/v1/kiosk.json": [],
}


@pytest.mark.parametrize("path", sorted(EXPECTED))
def test_an_event_moves_what_its_kind_says(path: str) -> None:
    """Goods that leave are negative; what was only set aside or practised moves nothing."""
    event = EXAMPLES[path]
    content = EVENT_TYPES[event["type"]].model.model_validate(event["data"])

    assert movements(content) == [Movement(line, sku, Decimal(delta)) for line, sku, delta in EXPECTED[path]]


def test_every_type_that_moves_something_is_named_as_moving() -> None:
    """A type that is left out would be folded by nobody."""
    moving = set()
    for event in EXAMPLES.values():
        attributes = {key: value for key, value in event.items() if key not in ("data", "datacontenttype")}
        if movements(build_event(Envelope.model_validate(attributes), event["data"]).data):
            moving.add(event["type"])

    assert moving == MOVING_TYPES
