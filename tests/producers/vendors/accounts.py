"""The accounts that the golden payloads belong to: one connection a vendor, over the same two stores."""

from pathlib import Path

from producers.sources.vendor import Connection, StoreAt
from producers.sources.vendors import VendorName

GOLDEN = Path(__file__).parent / "golden"
SEATTLE = StoreAt(store_id="SEATTLE-01", timezone="America/Los_Angeles", currency="USD", cut_off_hour=4)
TOKYO = StoreAt(store_id="TOKYO-01", timezone="Asia/Tokyo", currency="JPY", cut_off_hour=5)

CONNECTIONS: dict[VendorName, Connection] = {
    "square": Connection(
        tenant="demo", source="square-main", locations={"L-SEATTLE": SEATTLE, "L-TOKYO": TOKYO}, skus={"ITEM-MILK": "MILK-1L"}
    ),
    "toast": Connection(tenant="demo", source="toast-main", locations={"6f0c1b0e-restaurant": SEATTLE}),
    "shopify": Connection(
        tenant="demo",
        source="shopify-main",
        locations={"655441491": SEATTLE, "online": TOKYO},
        unlocated="online",
        skus={"808950810": "TEE-M"},
    ),
    "json_lines": Connection(tenant="demo", source="own-till", locations={"seattle": SEATTLE}),
}
