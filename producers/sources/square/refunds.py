"""Square refunds that belong to no order: an amount paid back, without articles. Pure.

A refund with an order is told by the `returns` of that order; telling it here too would count it twice.
"""

from collections.abc import Iterable
from decimal import Decimal

from contracts.envelope import Event
from contracts.events.registry import SALE_RETURNED
from contracts.fields import Model
from producers.sources.payload import Node
from producers.sources.square.order_lines import money
from producers.sources.vendor import Connection, Happening
from producers.sources.vendor_receipts import Lines


def refund_events(refund: Node, connection: Connection) -> Iterable[Event[Model]]:
    """Translate one refund; nothing for one that is not completed or has an order."""
    if refund.text("status") != "COMPLETED" or refund.has("order_id"):
        return []
    store = connection.store(refund.at("location_id"))
    refund_id, amount = refund.text("id"), money(refund, store.currency, "amount_money")
    lines = Lines(store.currency, connection.sku)
    lines.add(refund, amount, Decimal(1))
    content = lines.content(
        refund,
        amount,
        receipt_id=refund_id,
        tenders=({"kind": _kind(refund), "amount": amount},),
        reason=refund.text_or_none("reason"),
    )
    happening = Happening(connection, store, refund.moment("created_at"), ("refund", refund_id), refund_id)
    return [happening.fact(SALE_RETURNED, content)]


def _kind(refund: Node) -> str:
    return {"CARD": "card", "CASH": "cash", "WALLET": "mobile"}.get(refund.text_or_none("destination_type") or "", "other")
