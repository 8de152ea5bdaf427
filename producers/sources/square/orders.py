"""Square orders as receipts: a completed sale, a return, or an exchange (a sale with returned lines). Pure.

Only COMPLETED orders are told. A `version` above 1 that was made after the order was closed is an update of what was
told already: it becomes a correction, whose id follows from the order and that version.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from contracts.envelope import Event
from contracts.events.registry import SALE_COMPLETED, SALE_RETURNED
from contracts.fields import Model
from contracts.money import to_major
from producers.sources.payload import Node, same_currency
from producers.sources.vendor import Connection, Happening, StoreAt
from producers.sources.vendor_receipts import Lines, is_tax_included, tenders_that_fit

_TENDERS = {
    "CARD": "card",
    "CASH": "cash",
    "SQUARE_GIFT_CARD": "gift_card",
    "WALLET": "mobile",
    "BUY_NOW_PAY_LATER": "mobile",
    "BANK_ACCOUNT": "transfer",
}
_UPDATED = "the order was changed after it was closed"


def money(node: Node, currency: str, *path: str) -> int:
    """Return a Money member in minor units, 0 where it is missing; refused in another currency than the store's."""
    found = node.at(*path)
    if found.value is None:
        return 0
    same_currency(found.at("currency"), found.text("currency"), currency)
    return found.whole("amount")


def order_events(order: Node, connection: Connection) -> Iterable[Event[Model]]:
    """Translate one order; nothing for one that is not completed."""
    if order.text("state") != "COMPLETED":
        return []
    store = connection.store(order.at("location_id"))
    order_id, closed_at = order.text("id"), order.moment("closed_at")
    happening = Happening(connection, store, closed_at, ("order", order_id), order_id)
    event_type, content = _receipt(order, connection, store)
    if (changed_at := _changed_after(order, closed_at)) is not None:
        return [happening.correction(event_type, content, order.text("version"), changed_at, _UPDATED)]
    return [happening.fact(event_type, content)]


def _changed_after(order: Node, closed_at: datetime) -> datetime | None:
    updated_at = order.moment_or_none("updated_at")
    is_later_version = order.has("version") and order.whole("version") > 1
    return updated_at if is_later_version and updated_at is not None and updated_at > closed_at else None


def _receipt(order: Node, connection: Connection, store: StoreAt) -> tuple[str, dict[str, Any]]:
    """Return the type and the content: a return where nothing is sold."""
    currency = store.currency
    lines = Lines(currency, connection.sku)
    sold, returns = order.items("line_items"), order.items("returns")
    is_return = bool(returns) and not sold
    for item in sold:
        _sold_line(lines, item, currency)
    for item in order.items("service_charges"):
        _service_charge(lines, item, currency)
    for back in returns:
        _returned_lines(lines, back, currency, "item" if is_return else "return")
    net = _net_total(order, currency, is_return)
    rounding = money(order, currency, "rounding_adjustment", "amount_money")
    rounding -= sum(money(back, currency, "rounding_adjustment", "amount_money") for back in returns) * (-1 if is_return else 1)
    tenders = [_tender(row, currency) for row in order.items("tenders")] or [_refund(row, currency) for row in order.items("refunds")]
    content = lines.content(
        order,
        net,
        rounding,
        receipt_id=order.text("id"),
        customer_ref=order.text_or_none("customer_id"),
        tenders=tenders_that_fit(tenders, net, len(lines.rows)) if returns else tuple(tenders),
        taxes=tuple(_taxes(order, currency)),
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


def _sold_line(lines: Lines, item: Node, currency: str) -> None:
    kind = "service" if item.text_or_none("item_type") == "GIFT_CARD" else "item"
    _line(lines, item, currency, "gross_sales_money", kind)


def _returned_lines(lines: Lines, back: Node, currency: str, kind: str) -> None:
    for item in back.items("return_line_items"):
        _line(lines, item, currency, "gross_return_money", kind)
    for item in back.items("return_service_charges"):
        if kind == "return":
            raise item.refused("not_expressible", "an exchange without returned service charges")
        _service_charge(lines, item, currency)


def _line(lines: Lines, item: Node, currency: str, gross_name: str, kind: str) -> None:
    gross, discount = money(item, currency, gross_name), money(item, currency, "total_discount_money")
    tax, due = money(item, currency, "total_tax_money"), money(item, currency, "total_money")
    lines.add(
        item,
        gross,
        item.decimal("quantity"),
        to_major(money(item, currency, "base_price_money"), currency),
        kind=kind,
        article=item.text_or_none("catalog_object_id"),
        description=item.text_or_none("name"),
        discount=discount,
        tax=tax,
        tax_included=is_tax_included(gross, discount, tax, due),
    )


def _service_charge(lines: Lines, item: Node, currency: str) -> None:
    """Service charges are lines of kind 'service', with the tax on them."""
    amount = money(item, currency, "applied_money") or money(item, currency, "amount_money")
    lines.add(
        item,
        amount,
        Decimal(1),
        kind="service",
        article=item.text_or_none("catalog_object_id") or "SERVICE-CHARGE",
        description=item.text_or_none("name"),
        tax=money(item, currency, "total_tax_money"),
    )


def _tender(row: Node, currency: str) -> dict[str, Any]:
    amount, tip = money(row, currency, "amount_money"), money(row, currency, "tip_money")
    cash = row.at("cash_details")
    if cash.has("buyer_tendered_money"):
        back = money(cash, currency, "change_back_money")
        return {"kind": "cash", "amount": money(cash, currency, "buyer_tendered_money"), "change": back, "tip": tip}
    return {"kind": _TENDERS.get(row.text("type"), "other"), "amount": amount, "tip": tip}


def _refund(row: Node, currency: str) -> dict[str, Any]:
    return {"kind": "other", "amount": money(row, currency, "amount_money")}


def _taxes(order: Node, currency: str) -> Iterator[dict[str, Any]]:
    """Tell the tax by rate where Square says what it is on: an amount of tax and its percentage."""
    for row in order.items("taxes"):
        amount, rate = money(row, currency, "applied_money"), row.decimal("percentage") if row.has("percentage") else None
        if amount > 0 and rate is not None and rate > 0:
            yield {"rate": rate, "taxable": int((Decimal(amount) * 100 / rate).to_integral_value()), "amount": amount}


def _link(returns: list[Node], connection: Connection, order: Node) -> dict[str, Any]:
    """Name the sale of a linked return; an unlinked one names none, and neither does one of several sales."""
    sources = {source for back in returns if (source := back.text_or_none("source_order_id")) is not None}
    reason = next((row.text("reason") for row in order.items("refunds") if row.has("reason")), None)
    told: dict[str, Any] = {"reason": reason} if reason else {}
    if len(sources) == 1:
        (source,) = sources
        told |= {"original_receipt_id": source, "original_event_id": connection.event_id("order", source)}
    return told
