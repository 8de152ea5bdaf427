"""Shopify inventory levels as counts that were not blind: Shopify says what it believes to be there. Pure.

The article is the inventory item; the connection's `skus` say which SKU that is.
"""

from collections.abc import Iterable

from contracts.envelope import Event
from contracts.events.registry import STOCK_COUNTED
from contracts.fields import Model
from producers.sources.payload import Node
from producers.sources.vendor import Connection, Happening


def level_events(level: Node, connection: Connection) -> Iterable[Event[Model]]:
    """Translate one level; nothing for an article whose stock is not tracked."""
    if not level.has("available"):
        return []
    store, article = connection.store(level.at("location_id")), level.text("inventory_item_id")
    at = level.moment("updated_at")
    sheet = f"{article}@{at.isoformat()}"
    line = {"line": 1, "sku": connection.sku(article), "quantity": level.decimal("available")}
    happening = Happening(connection, store, at, ("level", level.text("location_id"), article, at.isoformat()), article)
    return [happening.fact(STOCK_COUNTED, {"sheet_id": sheet, "blind": False, "lines": (line,)})]
