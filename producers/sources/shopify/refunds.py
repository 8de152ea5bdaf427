"""Shopify refunds as returns of the order that they name. Pure.

What was paid back says whether the tax is inside the prices or on top, because a refund itself does not.
"""

from collections.abc import Iterable
from decimal import Decimal

from contracts.envelope import Event
from contracts.events.registry import SALE_RETURNED
from contracts.fields import Model
from producers.sources.payload import Node, same_currency
from producers.sources.shopify.orders import amount_of, article_of, tender_kind
from producers.sources.vendor import Connection, Happening
from producers.sources.vendor_receipts import Lines, minor, tenders_that_fit


def refund_events(refund: Node, connection: Connection) -> Iterable[Event[Model]]:
    """Translate one refund; nothing for one in which no money and no goods came back."""
    rows = refund.items("refund_line_items")
    store = connection.store(next((row.at("location_id") for row in rows if row.has("location_id")), refund.at("location_id")))
    currency, refund_id, order_id = store.currency, refund.text("id"), refund.text("order_id")
    payments = [row for row in refund.items("transactions") if row.text_or_none("status") == "success"]
    for row in payments:
        same_currency(row.at("currency"), row.text("currency"), currency)
    amounts = [amount_of(row, currency, "amount") for row in payments]
    paid = [{"kind": tender_kind(row.text_or_none("gateway")), "amount": amount} for row, amount in zip(payments, amounts, strict=True)]
    total = sum(amounts)
    if not rows and not total:
        return []
    lines = _lines(refund, connection, currency, inside=False)
    if abs(lines.sum() - total) > len(lines.rows):
        lines = _lines(refund, connection, currency, inside=True)
    if not lines.rows:
        lines.add(refund, total, Decimal(1))
    content = lines.content(
        refund,
        total,
        receipt_id=refund_id,
        tenders=tenders_that_fit(paid, total, len(lines.rows)),
        employee_id=refund.text_or_none("user_id"),
        reason=refund.text_or_none("note"),
        original_receipt_id=order_id,
        original_event_id=connection.event_id("order", order_id),
    )
    happening = Happening(connection, store, refund.moment("created_at"), ("refund", refund_id), refund_id)
    return [happening.fact(SALE_RETURNED, content)]


def _lines(refund: Node, connection: Connection, currency: str, inside: bool) -> Lines:
    lines = Lines(currency, connection.sku)
    for row in refund.items("refund_line_items"):
        item, quantity, subtotal = row.at("line_item"), row.decimal("quantity"), amount_of(row, currency, "subtotal")
        price = item.decimal("price")
        gross = max(minor(Node(price * quantity, f"{item.pointer}/price"), currency), subtotal)
        tax, name = amount_of(row, currency, "total_tax"), item.text_or_none("title")
        article, discount = article_of(item), gross - subtotal
        lines.add(row, gross, quantity, price, article, description=name, discount=discount, tax=tax, tax_included=inside)
    for row in refund.items("order_adjustments"):
        if row.text_or_none("kind") == "shipping_refund":
            amount, tax = abs(amount_of(row, currency, "amount")), abs(amount_of(row, currency, "tax_amount"))
            lines.add(row, amount, Decimal(1), article="SHIPPING", kind="service", tax=tax)
    return lines
