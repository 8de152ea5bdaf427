"""Examples of counts and movements of stock."""

from contracts.example_events.build import Json, event

STOCK: dict[str, Json] = {
    "stock.counted/v1/blind_count.json": event(
        "stock.counted.v1",
        0x09,
        "2026-11-20T07:30:00+09:00",
        "GANGNAM-01",
        {
            "sheet_id": "C-20261120-01",
            "lines": [
                {"line": 1, "sku": "MILK-1L", "quantity": "18"},
                {"line": 2, "sku": "APPLE-KG", "quantity": "24.35", "counted_at": "2026-11-20T07:34:00+09:00"},
            ],
            "employee_id": "E-1042",
        },
        source="scanner/GANGNAM-01/2",
        businessdate="2026-11-20",
        storeversion=3,
    ),
    "stock.adjusted/v1/write_off.json": event(
        "stock.adjusted.v1",
        0x0A,
        "2026-11-20T21:10:00+09:00",
        "GANGNAM-01",
        {
            "reference": "W-20261120-03",
            "reason": "spoilage",
            "lines": [{"line": 1, "sku": "APPLE-KG", "quantity_delta": "-1.2", "description": "멍든 사과"}],
            "employee_id": "E-1042",
        },
        source="scanner/GANGNAM-01/2",
        businessdate="2026-11-20",
        storeversion=3,
    ),
    "stock.received/v1/delivery.json": event(
        "stock.received.v1",
        0x37,
        "2026-11-21T06:40:00+09:00",
        "GANGNAM-01",
        {
            "delivery_id": "D-20261121-07",
            "supplier_id": "SUP-DAIRY",
            "purchase_order_id": "PO-2026-3312",
            "currency": "KRW",
            "lines": [{"line": 1, "sku": "MILK-1L", "quantity": "24", "unit_cost": "2100", "expires_on": "2026-12-03"}],
            "employee_id": "E-1042",
        },
        source="scanner/GANGNAM-01/2",
        businessdate="2026-11-21",
        storeversion=3,
    ),
    "stock.transferred_out/v1/to_hongdae.json": event(
        "stock.transferred_out.v1",
        0x38,
        "2026-11-21T10:00:00+09:00",
        "GANGNAM-01",
        {
            "transfer_id": "T-20261121-02",
            "other_store_id": "HONGDAE-02",
            "lines": [{"line": 1, "sku": "MILK-1L", "quantity": "12"}],
            "employee_id": "E-1042",
        },
        source="scanner/GANGNAM-01/2",
        businessdate="2026-11-21",
        storeversion=3,
    ),
    "stock.transferred_in/v1/from_gangnam.json": event(
        "stock.transferred_in.v1",
        0x39,
        "2026-11-21T11:10:00+09:00",
        "HONGDAE-02",
        {
            "transfer_id": "T-20261121-02",
            "other_store_id": "GANGNAM-01",
            "lines": [{"line": 1, "sku": "MILK-1L", "quantity": "12"}],
        },
        source="scanner/HONGDAE-02/1",
        businessdate="2026-11-21",
        storeversion=1,
    ),
    "stock.wasted/v1/expired.json": event(
        "stock.wasted.v1",
        0x3A,
        "2026-11-21T21:30:00+09:00",
        "GANGNAM-01",
        {"reference": "X-20261121-01", "reason": "expired", "lines": [{"line": 1, "sku": "MILK-1L", "quantity": "2"}]},
        source="scanner/GANGNAM-01/2",
        businessdate="2026-11-21",
        storeversion=3,
    ),
}
