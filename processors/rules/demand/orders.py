"""What was ordered and has come: by SKU what is still to come, by supplier how long it took. Pure, any order of arrival."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from contracts.envelope import Event
from contracts.events.stock import StockOrdered, StockReceived
from processors.rules.on_hand import units
from processors.rules.rule import Kind, Recounted, State, microseconds

DAY = 86_400_000_000
_KEPT_DAYS, _KEPT_ROWS = 400, 200


class OrderRow(msgspec.Struct, frozen=True, array_like=True):
    """A line of a purchase order, or of a delivery that names it (`came`)."""

    order: str
    event: bytes
    at: int
    quantity: int
    came: bool
    counts: bool


class Orders(State, frozen=True, array_like=True):
    """Orders and deliveries of one SKU, or of one supplier (then without quantities), the newest last."""

    rows: tuple[OrderRow, ...] = ()


ON_ORDER = Kind("on_order", Orders, 1, 2)
LEAD_TIMES = Kind("lead_times", Orders, 1, 2)


def with_event(known: Orders, event: Event[Any], sku: str | None, counts: bool) -> Orders:
    """Add what an order or a delivery says about a SKU, or with None about its supplier; deliveries that name no order say nothing."""
    data: StockOrdered | StockReceived = event.data
    if data.purchase_order_id is None:
        return known
    quantity = sum(units(line.quantity) for line in data.lines if line.sku == sku)
    at, came = microseconds(event.envelope.occurred_at), isinstance(data, StockReceived)
    row = OrderRow(data.purchase_order_id, event.id.bytes, at, quantity, came, counts)
    rows = sorted((*known.rows, row), key=lambda each: (each.at, each.event))
    newest = rows[-1].at
    return Orders(tuple(each for each in rows[-_KEPT_ROWS:] if each.at > newest - _KEPT_DAYS * DAY))


def recounted(known: Orders, change: Recounted) -> Orders:
    """Return the rows after a correction changed which events count."""
    return Orders(tuple(replace(row, counts=change.verdict(row.event, row.counts)) for row in known.rows))


def to_come(known: Orders, now: int, limit_days: int) -> int:
    """Return what is still to come of orders that are younger than the limit."""
    wanted: dict[str, int] = {}
    came: dict[str, int] = {}
    for row in known.rows:
        if row.counts and row.came:
            came[row.order] = came.get(row.order, 0) + row.quantity
        elif row.counts and row.at > now - limit_days * DAY:
            wanted[row.order] = wanted.get(row.order, 0) + row.quantity
    return sum(max(quantity - came.get(order, 0), 0) for order, quantity in wanted.items())


def lead_days(known: Orders) -> Sequence[float]:
    """Return for each order the days until its first delivery, the oldest order first."""
    sent: dict[str, int] = {}
    came: dict[str, int] = {}
    for row in known.rows:
        if row.counts:
            (came if row.came else sent).setdefault(row.order, row.at)
    return [(came[order] - at) / DAY for order, at in sent.items() if came.get(order, -1) >= at]
