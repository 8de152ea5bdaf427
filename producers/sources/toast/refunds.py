"""Toast refunds as returns: one for each payment that was paid back, on the refund's own business date. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from contracts.envelope import Event
from contracts.events.registry import SALE_RETURNED
from contracts.fields import Model
from producers.sources.payload import Node
from producers.sources.toast.check_lines import payment_tender
from producers.sources.vendor import Connection, Happening, StoreAt
from producers.sources.vendor_receipts import Lines, minor


def refund_events(check: Node, connection: Connection, order: Node, restaurant: Node) -> Iterator[Event[Model]]:
    """Translate the refunds of one check; a tip paid back is in the tender, not in the return. A void tells all by itself."""
    is_gone = any(node.flag(name) for node in (order, check) for name in ("voided", "deleted"))
    refunded = [] if is_gone else [row for row in check.items("payments") if row.has("refund")]
    for payment in refunded:
        yield _return(check, payment, len(refunded) == 1, connection, connection.store(restaurant))


def _return(check: Node, payment: Node, is_only: bool, connection: Connection, store: StoreAt) -> Event[Model]:
    refund, currency = payment.at("refund"), store.currency
    amount = minor(refund.at("refundAmount"), currency)
    tip = minor(refund.at("tipRefundAmount"), currency) if refund.has("tipRefundAmount") else 0
    lines = _itemised(check, connection, currency) if is_only else Lines(currency, connection.sku)
    if not lines.rows or abs(lines.sum() - amount) > len(lines.rows):
        lines = Lines(currency, connection.sku)
        lines.add(refund, amount, Decimal(1))
    payment_id, check_id = payment.text("guid"), check.text("guid")
    content = lines.content(
        refund,
        amount,
        receipt_id=f"{check_id}/refund/{payment_id}",
        tenders=({**payment_tender(payment, currency), "amount": amount + tip, "tip": tip, "change": 0},),
        original_receipt_id=check_id,
        original_event_id=connection.event_id("check", check_id),
    )
    day = refund.day_or_none("refundBusinessDate")
    at = refund.moment_or_none("refundDate") or _midday(refund, day, store)
    return Happening(connection, store, at, ("refund", payment_id), check_id, day).fact(SALE_RETURNED, content)


def _itemised(check: Node, connection: Connection, currency: str) -> Lines:
    """Return the selections that Toast says were refunded; a part of their amount is a lower price, not a part of them."""
    lines = Lines(currency, connection.sku)
    for row in check.items("selections"):
        detail = row.at("refundDetails")
        if detail.has("refundAmount"):
            tax = minor(detail.at("taxRefundAmount"), currency) if detail.has("taxRefundAmount") else 0
            gross = minor(detail.at("refundAmount"), currency)
            name = row.text_or_none("displayName")
            lines.add(row, gross, row.decimal("quantity"), article=row.text_or_none("item", "guid"), description=name, tax=tax)
    return lines


def _midday(refund: Node, day: date | None, store: StoreAt) -> datetime:
    """Stand in for the time of a refund of which only the business date is said: the middle of that day."""
    if day is None:
        raise refund.at("refundDate").refused("missing", "refundDate or refundBusinessDate")
    return datetime.combine(day, time(store.cut_off_hour), ZoneInfo(store.timezone)) + timedelta(hours=12)
