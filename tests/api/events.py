"""Event documents for the tests of the edge, as a till would send them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.identifiers import derived_id
from infra.clock import utc_now

TENANT = "demo"


@dataclass(frozen=True)
class Place:
    """A store's settings as the edge needs them."""

    timezone: str = "Asia/Seoul"
    cut_off_hour: int = 5
    version: int = 3
    currency: str = "KRW"


def event_id(*parts: object) -> UUID:
    """Derive an id that is the same in every run."""
    return derived_id("test", *map(str, parts))


def sale(store: str, name: object, *, at: datetime | None = None, amount: int = 5000, **changes: Any) -> dict[str, Any]:
    """Make a document of a completed sale of one item in the store's currency, a minute ago unless said otherwise."""
    currency, minor = ("GBP", 100) if store == "B" else ("KRW", 1)
    moment = at or (utc_now() - timedelta(minutes=1)).replace(microsecond=0)
    document = {
        "specversion": "1.0",
        "id": str(event_id(store, name)),
        "source": f"till/{store}/1",
        "type": "sale.completed.v1",
        "time": moment.isoformat(),
        "storeid": store,
        "data": {
            "receipt_id": f"R-{name}",
            "currency": currency,
            "lines": [{"line": 1, "sku": "MILK-1L", "quantity": "2", "unit_price": str(amount // 2), "gross": amount * minor}],
        },
    }
    return document | changes
