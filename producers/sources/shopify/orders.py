"""Shopify orders as completed sales, told when they are paid. Pure.

The totals are those of the order as it was placed: refunds are events of their own, and an update that changes nothing
of the sale comes out the same. Shopify gives orders no version, so an order that was edited after it was paid is a
conflict, which the edge refuses and names. Test orders are practised sales.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from contracts.envelope import Event
from contracts.events.registry import SALE_COMPLETED, SALE_PRACTISED
from contracts.fields import Model
from producers.sources.payload import Node, same_currency
from producers.sources.vendor import Connection, Happening
from producers.sources.vendor_receipts import Lines, minor

_PAID: Final = frozenset({"paid", "partially_refunded", "refunded"})
_TENDERS: Final = {"cash": "cash", "gift_card": "gift_card", "shopify_payments": "card", "manual": "other", "bank_deposit": "transfer"}


def order_events(order: Node, connection: Connection) -> Iterable[Event[Model]]:
    """Translate one order; nothing for one that is not paid."""
    if order.text_or_none("financial_status") not in _PAID:
        return []
    store = connection.store(order.at("location_id"))
    currency, order_id = store.currency, order.text("id")
    same_currency(order.at("currency"), order.text("currency"), currency)
    lines = order_lines(order, connection, currency)
    tip = amount_of(order, currency, "total_tip_received")
    total = minor(order.at("total_price"), currency) - tip
    content = lines.content(
        order,
        total,
        total_at="total_price",
        receipt_id=order_id,
        customer_ref=order.text_or_none("customer", "id"),
        employee_id=order.text_or_none("user_id"),
        channel="store" if order.text_or_none("source_name") == "pos" else "online",
        tenders=_tenders(order, total, tip, currency),
    )
    happening = Happening(connection, store, order.moment("processed_at"), ("order", order_id), order_id)
    return [happening.fact(SALE_PRACTISED if order.flag("test") else SALE_COMPLETED, content)]


def amount_of(node: Node, currency: str, name: str) -> int:
    """Return an amount in minor units, 0 where it is missing."""
    return minor(node.at(name), currency) if node.has(name) else 0


def sum_of(node: Node, currency: str, items: str, name: str) -> int:
    """Return the sum of an amount over an array, minor units."""
    return sum(amount_of(row, currency, name) for row in node.items(items))


def order_lines(order: Node, connection: Connection, currency: str) -> Lines:
    """Return articles and shipping as lines; sold gift cards and shipping are services."""
    lines, inside = Lines(currency, connection.sku), order.flag("taxes_included")
    for row in order.items("line_items"):
        quantity, price = row.decimal("quantity"), row.decimal("price")
        lines.add(
            row,
            minor(Node(price * quantity, f"{row.pointer}/price"), currency),
            quantity,
            price,
            kind="service" if row.flag("gift_card") else "item",
            article=article_of(row),
            description=row.text_or_none("title"),
            discount=sum_of(row, currency, "discount_allocations", "amount"),
            tax=sum_of(row, currency, "tax_lines", "price"),
            tax_included=inside,
        )
    for row in order.items("shipping_lines"):
        lines.add(
            row,
            amount_of(row, currency, "price"),
            Decimal(1),
            kind="service",
            article="SHIPPING",
            description=row.text_or_none("title"),
            discount=sum_of(row, currency, "discount_allocations", "amount"),
            tax=sum_of(row, currency, "tax_lines", "price"),
            tax_included=inside,
        )
    return lines


def article_of(row: Node) -> str | None:
    """Return what names the article: its SKU, else its variant."""
    return row.text_or_none("sku") or row.text_or_none("variant_id")


def tender_kind(gateway: str | None) -> str:
    """Return our kind of tender of a payment gateway."""
    return _TENDERS.get(gateway or "", "other")


def _tenders(order: Node, total: int, tip: int, currency: str) -> tuple[dict[str, Any], ...]:
    """Tell the payments where the order has them, or has been paid in one way; else how it was split is not known."""
    payments = [
        row
        for row in order.items("transactions")
        if row.text_or_none("kind") in {"sale", "capture"} and row.text_or_none("status") == "success"
    ]
    if payments:
        rows = [{"kind": tender_kind(row.text_or_none("gateway")), "amount": amount_of(row, currency, "amount")} for row in payments]
        return ({**rows[0], "tip": tip}, *rows[1:])
    names = order.items("payment_gateway_names")
    return ({"kind": tender_kind(names[0].text()), "amount": total + tip, "tip": tip},) if len(names) == 1 else ()
