"""Square orders as receipts: a completed sale, a return, or an exchange (a sale with returned lines). Pure.

Only COMPLETED orders are told. A `version` above 1 that was made more than a minute after the order was closed is an
update of what was told already: it becomes a correction, whose id follows from the order and that version.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from contracts.envelope import Event
from contracts.events.registry import SALE_COMPLETED, SALE_RETURNED
from contracts.fields import Model
from producers.sources.payload import Node
from producers.sources.square.order_lines import money, refund_of, returned_lines, service_charge, sold_line, taxes_of, tender_of
from producers.sources.vendor import SETTLING, Connection, Happening, StoreAt, Update
from producers.sources.vendor_receipts import Lines, tenders_that_fit

_UPDATED = "the order was changed after it was closed"
_VERSIONS_BACK = 100
"""How many versions before an update are asked for; an order is rarely changed more than a few times."""


def order_events(order: Node, connection: Connection) -> Iterable[Event[Model] | Update]:
    """Translate one order; nothing for one that is not completed."""
    if order.text("state") != "COMPLETED":
        return []
    store = connection.store(order.at("location_id"))
    order_id, closed_at = order.text("id"), order.moment("closed_at")
    happening = Happening(connection, store, closed_at, ("order", order_id), order_id)
    event_type, content = _receipt(order, connection, store)
    if (changed_at := _changed_after(order, closed_at)) is not None:
        version = order.whole("version")
        correction = happening.correction(event_type, content, str(version), changed_at, _UPDATED)
        before = range(version - 1, max(version - 1 - _VERSIONS_BACK, 1), -1)
        return [Update(correction, tuple(happening.version_id(str(number)) for number in before))]
    return [happening.fact(event_type, content)]


def _changed_after(order: Node, closed_at: datetime) -> datetime | None:
    updated_at = order.moment_or_none("updated_at")
    is_later_version = order.has("version") and order.whole("version") > 1
    return updated_at if is_later_version and updated_at is not None and updated_at > closed_at + SETTLING else None


def _receipt(order: Node, connection: Connection, store: StoreAt) -> tuple[str, dict[str, Any]]:
    """Return the type and the content: a return where nothing is sold."""
    currency = store.currency
    lines = Lines(currency, connection.sku)
    sold, returns = order.items("line_items"), order.items("returns")
    is_return = bool(returns) and not sold
    for item in sold:
        sold_line(lines, item, currency)
    for item in order.items("service_charges"):
        service_charge(lines, item, currency)
    for back in returns:
        returned_lines(lines, back, currency, "item" if is_return else "return")
    net = _net_total(order, currency, is_return)
    rounding = money(order, currency, "rounding_adjustment", "amount_money")
    rounding -= sum(money(back, currency, "rounding_adjustment", "amount_money") for back in returns) * (-1 if is_return else 1)
    tenders = [tender_of(row, currency) for row in order.items("tenders")] or [refund_of(row, currency) for row in order.items("refunds")]
    content = lines.content(
        order,
        net,
        rounding,
        total_at="return_amounts" if is_return else "net_amounts" if returns else "total_money",
        receipt_id=order.text("id"),
        customer_ref=order.text_or_none("customer_id"),
        tenders=tenders_that_fit(tenders, net, len(lines.rows)) if returns else tuple(tenders),
        taxes=tuple(taxes_of(order, currency)),
        channel="online" if order.text_or_none("source", "name") == "Square Online" else "store",
    )
    if not is_return:
        return SALE_COMPLETED, content
    return SALE_RETURNED, {**content, **_link(returns, connection, order)}


def _net_total(order: Node, currency: str, is_return: bool) -> int:
    """Return what was due without tips; for a return what was paid back, as a positive amount."""
    if is_return:
        amounts = [back.at("return_amounts") for back in order.items("returns")]
        if not any(row.has("total_money") for row in amounts):
            amounts = [order.at("return_amounts")]
        return sum(money(row, currency, "total_money") - money(row, currency, "tip_money") for row in amounts)
    if order.has("returns") and order.has("net_amounts"):
        amounts = [order.at("net_amounts")]
        return sum(money(row, currency, "total_money") - money(row, currency, "tip_money") for row in amounts)
    return money(order, currency, "total_money") - money(order, currency, "total_tip_money")


def _link(returns: list[Node], connection: Connection, order: Node) -> dict[str, Any]:
    """Name the sale of a linked return; an unlinked one names none, and neither does one of several sales."""
    sources = {source for back in returns if (source := back.text_or_none("source_order_id")) is not None}
    reason = next((row.text("reason") for row in order.items("refunds") if row.has("reason")), None)
    told: dict[str, Any] = {"reason": reason} if reason else {}
    if len(sources) == 1:
        (source,) = sources
        told |= {"original_receipt_id": source, "original_event_id": connection.event_id("order", source)}
    return told
