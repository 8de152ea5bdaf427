"""Toast: find what a payload holds and translate each part. Pure.

Takes webhook notifications, which carry the order under `details`, and answers of the API put beside the restaurant's
GUID: `{"restaurantGuid": ..., "orders": [...]}` and `{"restaurantGuid": ..., "timeEntries": [...]}`.
"""

from functools import partial
from typing import Any

from producers.sources.payload import Node
from producers.sources.toast.checks import check_events
from producers.sources.toast.refunds import refund_events
from producers.sources.toast.time_entries import time_entry_events
from producers.sources.vendor import Connection, Translated, each

_ORDERS, _TIME_ENTRIES = ("order", "orders"), ("timeEntry", "timeEntries")


def translate_toast(payload: Any, connection: Connection) -> Translated:
    """Translate a webhook notification, or what the API answered about one restaurant."""
    whole = Node(payload)
    body = whole.at("details") if whole.has("details") else whole
    if not any(body.has(name) for name in _ORDERS + _TIME_ENTRIES):
        return Translated((), (body.refused("unknown_payload", "order, orders, timeEntry or timeEntries").problem,))
    restaurant = body.at("restaurantGuid")
    translated = Translated()
    for order in [item for name in _ORDERS for item in body.items(name)]:
        for translate in (check_events, refund_events):
            translated += each(order.items("checks"), partial(translate, order=order, restaurant=restaurant), connection)
    entries = [item for name in _TIME_ENTRIES for item in body.items(name)]
    return translated + each(entries, partial(time_entry_events, restaurant=restaurant), connection)
