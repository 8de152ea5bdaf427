"""Toast checks as receipts: closed checks are sales, voided ones voids on their own business date, refunds returns on theirs. Pure.

A check is told when it is CLOSED: while it is only PAID its tips may still change. Toast has no version numbers; a check
that was modified more than a minute after it was closed and last refunded is an update of what was told: a correction,
whose id follows from the check and that time.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from contracts.envelope import Event
from contracts.events.registry import SALE_COMPLETED, SALE_VOIDED
from contracts.fields import Model
from producers.sources.payload import Node
from producers.sources.toast.check_lines import check_lines, payment_tender
from producers.sources.vendor import SETTLING, Connection, Happening, StoreAt
from producers.sources.vendor_receipts import minor

_NOT_PAID: Final = frozenset({"VOIDED", "DENIED", "CANCELLED", "ERROR"})


def check_events(check: Node, connection: Connection, order: Node, restaurant: Node) -> Iterable[Event[Model]]:
    """Translate one check, its refunds aside; nothing for one that is open or deleted."""
    store = connection.store(restaurant)
    if order.flag("deleted") or check.flag("deleted"):
        return []
    if order.flag("voided") or check.flag("voided"):
        return [_void(order, check, connection, store)]
    return [_sale(order, check, connection, store)] if check.text_or_none("paymentStatus") == "CLOSED" else []


def _sale(order: Node, check: Node, connection: Connection, store: StoreAt) -> Event[Model]:
    check_id, closed_at = check.text("guid"), check.moment("closedDate")
    happening = Happening(connection, store, closed_at, ("check", check_id), check_id, order.day_or_none("businessDate"))
    content = _content(order, check, connection, store)
    modified_at = check.moment_or_none("modifiedDate")
    if modified_at is not None and modified_at > _told_at(check, closed_at) + SETTLING:
        return happening.correction(
            SALE_COMPLETED, content, modified_at.isoformat(), modified_at, "the check was modified after it was closed"
        )
    return happening.fact(SALE_COMPLETED, content)


def _told_at(check: Node, closed_at: datetime) -> datetime:
    refunds = [moment for row in check.items("payments") if (moment := row.at("refund").moment_or_none("refundDate")) is not None]
    return max([closed_at, *refunds])


def _content(order: Node, check: Node, connection: Connection, store: StoreAt) -> dict[str, Any]:
    lines = check_lines(check, connection, store, with_voided=False)
    total = minor(check.at("totalAmount"), store.currency)
    tenders = [
        payment_tender(row, store.currency)
        for row in check.items("payments")
        if not row.has("voidInfo") and row.text_or_none("paymentStatus") not in _NOT_PAID
    ]
    return lines.content(
        check,
        total,
        total_at="totalAmount",
        receipt_id=check.text("guid"),
        employee_id=order.text_or_none("server", "guid"),
        customer_ref=check.text_or_none("customer", "guid"),
        tenders=tuple(tenders),
    )


def _void(order: Node, check: Node, connection: Connection, store: StoreAt) -> Event[Model]:
    """A check voided after it was paid or closed had counted; before, it never did."""
    source = check if check.has("voidDate") else order
    info = next((row.at("voidInfo") for row in check.items("payments") if row.has("voidInfo")), Node({}, check.pointer))
    at = source.moment("voidDate") if source.has("voidDate") else info.moment("voidDate")
    day = source.day_or_none("voidBusinessDate") or info.day_or_none("voidBusinessDate")
    completed_at = check.moment_or_none("closedDate") or check.moment_or_none("paidDate")
    had_counted = completed_at is not None and completed_at < at
    check_id = check.text("guid")
    lines = check_lines(check, connection, store, with_voided=True)
    content = lines.content(check, lines.sum(), receipt_id=check_id, employee_id=info.text_or_none("voidUser", "guid"))
    content |= {"phase": "after_completion" if had_counted else "before_completion", "voided_receipt_id": check_id}
    if had_counted:
        content["voided_event_id"] = connection.event_id("check", check_id)
    for name, path in (("approver_id", ("voidApprover", "guid")), ("reason", ("voidReason", "name"))):
        if (said := info.text_or_none(*path)) is not None:
            content[name] = said
    return Happening(connection, store, at, ("void", check_id), check_id, day).fact(SALE_VOIDED, content)
