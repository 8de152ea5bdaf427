"""Square: find what a payload holds and translate each part. Pure.

Takes webhook notifications and the answers of Square's API alike. The notifications of orders name the order only;
whoever fetches it (RetrieveOrder, SearchOrders) hands in that answer.
"""

from collections.abc import Mapping
from typing import Any, Final

from producers.sources.payload import Node
from producers.sources.square.inventory import change_events
from producers.sources.square.orders import order_events
from producers.sources.square.refunds import refund_events
from producers.sources.square.timecards import timecard_events
from producers.sources.vendor import Connection, ItemTranslation, Translated, each

_PARTS: Final[Mapping[str, ItemTranslation]] = {
    "order": order_events,
    "orders": order_events,
    "refund": refund_events,
    "refunds": refund_events,
    "timecard": timecard_events,
    "timecards": timecard_events,
    "shift": timecard_events,
    "shifts": timecard_events,
    "change": change_events,
    "changes": change_events,
}
_NOTHING_NEW: Final = frozenset({"payment", "payments", "inventory_counts", "counts"})
"""Payments are told by their order; calculated counts follow from what we know already."""
_NAMED_ONLY: Final = ("order_created", "order_updated", "order_fulfillment_updated")


def translate_square(payload: Any, connection: Connection) -> Translated:
    """Translate a webhook notification or an answer of the API."""
    whole = Node(payload)
    body = whole.at("data", "object") if whole.has("data") else whole
    translated, is_known = Translated(), False
    for name, translate in _PARTS.items():
        if body.has(name):
            translated, is_known = translated + each(body.items(name), translate, connection), True
    if is_known or any(body.has(name) for name in _NOTHING_NEW):
        return translated
    for name in _NAMED_ONLY:
        if body.has(name):
            return Translated((), (body.at(name).refused("order_not_included", "the whole order, as RetrieveOrder gives it").problem,))
    return Translated((), (body.refused("unknown_payload", "one of " + ", ".join(_PARTS)).problem,))
