"""How an example is written: an event of the chain 'hanbit', with stores in Seoul, as CloudEvents JSON."""

from typing import Any

Json = dict[str, Any]

SALE_ID = "019a9b3c-5d10-7c41-8a6e-2f5d9c3b7a01"


def event(event_type: str, number: int, time: str, store: str, data: Json, **attributes: Any) -> Json:
    """Write an event with an id that ends in a number of its own."""
    envelope = {
        "specversion": "1.0",
        "id": f"019a9b3c-5d10-7c41-8a6e-2f5d9c3b7a{number:02x}",
        "source": f"till/{store}/1",
        "type": event_type,
        "time": time,
        "tenantid": "hanbit",
        "storeid": store,
        "datacontenttype": "application/json",
        "dataschema": f"contracts/schemas/{event_type}.json",
    }
    return {**envelope, **attributes, "data": data}


def line(number: int, sku: str, description: str, quantity: str, unit_price: str, gross: int, **more: Any) -> Json:
    """Write a line of a receipt."""
    line = {"line": number, "sku": sku, "description": description, "quantity": quantity, "unit_price": unit_price, "gross": gross}
    return {**line, **more}
