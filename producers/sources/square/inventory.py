"""Square inventory changes as stock events: counts, deliveries, waste and adjustments. Pure.

What Square books for a sale or a customer's return says nothing new: our sales move the stock themselves.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from contracts.envelope import Event
from contracts.events.registry import STOCK_ADJUSTED, STOCK_COUNTED, STOCK_RECEIVED, STOCK_WASTED
from contracts.fields import Model
from producers.sources.payload import Node
from producers.sources.vendor import Connection, Happening

_IN_STOCK = "IN_STOCK"
_TOLD_BY_SALES: Final = frozenset({"SOLD", "RETURNED_BY_CUSTOMER", "UNLINKED_RETURN", "SOLD_ONLINE"})
_COMES_FROM: Final = frozenset({"NONE", "ORDERED_FROM_VENDOR", "RECEIVED_FROM_VENDOR"})
_WASTE_REASONS: Final[Mapping[str, str]] = {
    "SPOILAGE_WASTE": "spoilage",
    "DAMAGED": "damaged",
    "PRODUCTION_WASTE": "production",
    "SAMPLES_PROMOTIONAL": "sample",
}
_REASONS: Final[Mapping[str, str]] = {
    "DAMAGED": "damaged",
    "THEFT": "theft",
    "LOST": "lost",
    "SPOILAGE_WASTE": "spoilage",
    "SAMPLES_PROMOTIONAL": "sample",
    "INTERNAL_USE": "internal_use",
    "VENDOR_RETURN": "vendor_return",
    "RECOUNT": "recount",
}
_LOSSES: Final = frozenset({"THEFT", "LOST", "INTERNAL_USE", "VENDOR_RETURN"})
"""Goods that are gone without being waste, although Square has one state for both."""


def change_events(change: Node, connection: Connection) -> Iterable[Event[Model]]:
    """Translate one inventory change; nothing for one that moves no stock of ours or that sales tell."""
    kind = change.text("type")
    if kind == "PHYSICAL_COUNT":
        return _count(change.at("physical_count"), connection)
    if kind == "ADJUSTMENT":
        return _adjustment(change.at("adjustment"), connection)
    raise change.at("type").refused("unknown_change", "PHYSICAL_COUNT or ADJUSTMENT")


def _happening(row: Node, connection: Connection) -> Happening:
    store, row_id = connection.store(row.at("location_id")), row.text("id")
    return Happening(connection, store, row.moment("occurred_at"), ("inventory", row_id), row_id)


def _with_person(row: Node, content: dict[str, Any]) -> dict[str, Any]:
    person = row.text_or_none("team_member_id") or row.text_or_none("employee_id")
    return {**content, "employee_id": person} if person else content


def _count(count: Node, connection: Connection) -> Iterable[Event[Model]]:
    if count.text("state") != _IN_STOCK:
        return []
    happening = _happening(count, connection)
    line = {"line": 1, "sku": connection.sku(count.text("catalog_object_id")), "quantity": count.decimal("quantity")}
    return [happening.fact(STOCK_COUNTED, _with_person(count, {"sheet_id": count.text("id"), "lines": (line,)}))]


def _adjustment(row: Node, connection: Connection) -> Iterable[Event[Model]]:
    before, after = row.text("from_state"), row.text("to_state")
    if _IN_STOCK not in {before, after} or {before, after} & _TOLD_BY_SALES:
        return []
    happening = _happening(row, connection)
    line = {"line": 1, "sku": connection.sku(row.text("catalog_object_id"))}
    reason, quantity = row.text_or_none("reason") or "", row.decimal("quantity")
    if after == _IN_STOCK and before in _COMES_FROM and reason in {"", "RECEIVED"}:
        return [happening.fact(STOCK_RECEIVED, _delivery(row, {**line, "quantity": quantity}))]
    if after == "WASTE" and reason not in _LOSSES:
        content = {"reference": row.text("id"), "reason": _WASTE_REASONS.get(reason, "other"), "lines": ({**line, "quantity": quantity},)}
        return [happening.fact(STOCK_WASTED, _with_person(row, content))]
    delta = quantity if after == _IN_STOCK else -quantity
    why = _REASONS.get(reason, "found" if before == "WASTE" else "other")
    content = {"reference": row.text("id"), "reason": why, "lines": ({**line, "quantity_delta": delta},)}
    return [happening.fact(STOCK_ADJUSTED, _with_person(row, content))]


def _delivery(row: Node, line: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"delivery_id": row.text_or_none("goods_receipt_id") or row.text("id")}
    if row.has("purchase_order_id"):
        content["purchase_order_id"] = row.text("purchase_order_id")
    return _with_person(row, {**content, "lines": (line,)})
