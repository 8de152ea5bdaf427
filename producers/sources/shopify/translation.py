"""Shopify: tell by its members what a payload is, and translate it. Pure.

Takes the bodies of webhooks (one order, one refund, one level) and the lists of the API.
"""

from typing import Any

from producers.sources.payload import Node
from producers.sources.shopify.inventory import level_events
from producers.sources.shopify.orders import order_events
from producers.sources.shopify.refunds import refund_events
from producers.sources.vendor import Connection, ItemTranslation, Translated, each

_LISTS: dict[str, ItemTranslation] = {
    "order": order_events,
    "orders": order_events,
    "refund": refund_events,
    "refunds": refund_events,
    "inventory_level": level_events,
    "inventory_levels": level_events,
}


def translate_shopify(payload: Any, connection: Connection) -> Translated:
    """Translate the body of a webhook or an answer of the API."""
    whole = Node(payload)
    alone = _alone(whole)
    if alone is not None:
        return each([whole], alone, connection)
    translated, is_known = Translated(), False
    for name, translate in _LISTS.items():
        if whole.has(name):
            translated, is_known = translated + each(whole.items(name), translate, connection), True
    if is_known:
        return translated
    return Translated((), (whole.refused("unknown_payload", "an order, a refund, an inventory level, or lists of them").problem,))


def _alone(whole: Node) -> ItemTranslation | None:
    """Tell what a body without a name around it is; an order has `refunds` of its own, so it is asked for first."""
    if whole.has("line_items"):
        return order_events
    if whole.has("refund_line_items"):
        return refund_events
    return level_events if whole.has("inventory_item_id") else None
