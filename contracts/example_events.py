"""One full example of every event type, as CloudEvents JSON: a chain with stores in Seoul and Busan.

The files below `contracts/examples` and the examples inside the JSON Schemas are written from this table.
"""

from typing import Any

Json = dict[str, Any]

_SALE_ID = "019a9b3c-5d10-7c41-8a6e-2f5d9c3b7a01"
_SHIFT_ALERT_ID = "6f0d0a52-3c0e-5b56-9a52-77f3b9a1c2d4"
_RECOMMENDATION_ID = "b7a2e6c1-8f94-5d0b-8e55-1c0f6a3d9e27"


def _event(event_type: str, number: int, time: str, store: str, data: Json, **attributes: Any) -> Json:
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


def _line(number: int, sku: str, description: str, quantity: str, unit_price: str, gross: int, **more: Any) -> Json:
    line = {"line": number, "sku": sku, "description": description, "quantity": quantity, "unit_price": unit_price, "gross": gross}
    return {**line, **more}


_MILK = _line(1, "MILK-1L", "서울우유 1L", "2", "2980", 5960, discount=500)
_APPLE = _line(2, "APPLE-KG", "부사 사과", "0.435", "12900", 5612)
_BAG = _line(3, "BAG", "쇼핑백", "1", "100", 100, kind="service")

_SALES = {
    "sale.completed/v1/receipt_with_weighed_goods.json": _event(
        "sale.completed.v1",
        0x01,
        "2026-11-20T19:42:11+09:00",
        "GANGNAM-01",
        {
            "receipt_id": "20261120-1-0457",
            "currency": "KRW",
            "lines": [_MILK, _APPLE, _BAG],
            "rounding_remainder": "-0.5",
            "till_id": "1",
            "employee_id": "E-1042",
        },
        subject="20261120-1-0457",
        businessdate="2026-11-20",
        deviceid="till-1",
        deviceseq=88214,
        storeversion=3,
        ingestedtime="2026-11-20T19:42:12+09:00",
    ),
    "sale.completed/v1/after_midnight_before_the_cut_off.json": _event(
        "sale.completed.v1",
        0x02,
        "2026-11-21T00:55:03+09:00",
        "HONGDAE-02",
        {"receipt_id": "20261121-2-0003", "currency": "KRW", "lines": [_line(1, "GIMBAP", "참치김밥", "1", "4500", 4500)], "till_id": "2"},
        subject="20261121-2-0003",
        businessdate="2026-11-20",
        storeversion=1,
    ),
    "sale.completed/v1/exchange.json": _event(
        "sale.completed.v1",
        0x03,
        "2026-11-20T20:05:40+09:00",
        "GANGNAM-01",
        {
            "receipt_id": "20261120-1-0461",
            "currency": "KRW",
            "lines": [
                _line(1, "SOCK-L", "양말 L", "1", "3900", 3900),
                _line(2, "SOCK-M", "양말 M", "1", "3900", 3900, kind="return"),
            ],
        },
        businessdate="2026-11-20",
        storeversion=3,
    ),
    "sale.returned/v1/linked_return.json": _event(
        "sale.returned.v1",
        0x04,
        "2026-11-21T11:20:00+09:00",
        "GANGNAM-01",
        {
            "receipt_id": "20261121-1-0102",
            "currency": "KRW",
            "lines": [_line(1, "MILK-1L", "서울우유 1L", "1", "2980", 2980, discount=250)],
            "original_event_id": _SALE_ID,
            "original_receipt_id": "20261120-1-0457",
            "reason": "유통기한",
        },
        businessdate="2026-11-21",
        storeversion=3,
    ),
    "sale.voided/v1/after_completion.json": _event(
        "sale.voided.v1",
        0x05,
        "2026-11-20T19:44:02+09:00",
        "GANGNAM-01",
        {
            "receipt_id": "20261120-1-0458",
            "currency": "KRW",
            "lines": [_MILK],
            "phase": "after_completion",
            "voided_event_id": _SALE_ID,
            "reason": "결제 오류",
            "employee_id": "E-1042",
            "approver_id": "E-0007",
        },
        businessdate="2026-11-20",
        storeversion=3,
    ),
}

_PEOPLE = {
    "clock.in/v1/kiosk.json": _event(
        "clock.in.v1",
        0x06,
        "2026-11-20T08:53:27+09:00",
        "GANGNAM-01",
        {"employee_id": "E-1042", "punch_source": "kiosk"},
        businessdate="2026-11-20",
        deviceid="kiosk-1",
        deviceseq=412,
        storeversion=3,
    ),
    "clock.out/v1/mobile_with_distance.json": _event(
        "clock.out.v1",
        0x07,
        "2026-11-20T18:04:10+09:00",
        "GANGNAM-01",
        {
            "employee_id": "E-1042",
            "punch_source": "mobile",
            "location": {"distance_m": 38, "accuracy_m": 12, "verdict": "inside", "mock_location": False},
        },
        businessdate="2026-11-20",
        storeversion=3,
    ),
    "shift.published/v1/day_shift.json": _event(
        "shift.published.v1",
        0x08,
        "2026-11-18T10:00:00+09:00",
        "GANGNAM-01",
        {
            "shift_id": "S-20261120-E-1042",
            "revision": 1,
            "employee_id": "E-1042",
            "starts_at": "2026-11-20T09:00:00+09:00",
            "ends_at": "2026-11-20T18:00:00+09:00",
        },
        source="roster/hanbit",
        businessdate="2026-11-18",
        storeversion=3,
    ),
}

_STOCK = {
    "stock.counted/v1/blind_count.json": _event(
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
    "stock.adjusted/v1/write_off.json": _event(
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
}

_REFERENCE = {
    "store.defined/v1/seoul_store.json": _event(
        "store.defined.v1",
        0x0B,
        "2026-11-01T09:00:00+09:00",
        "HONGDAE-02",
        {
            "version": 1,
            "effective_from": "2026-11-01T09:00:00+09:00",
            "store_id": "HONGDAE-02",
            "name": "홍대점",
            "timezone": "Asia/Seoul",
            "currency": "KRW",
            "country": "KR",
            "cut_off_hour": 4,
            "region": "Seoul",
            "opened_on": "2019-03-04",
            "head_count": 11,
            "tills": ["1", "2"],
        },
        source="office/hanbit",
    ),
    "sku.defined/v1/milk.json": _event(
        "sku.defined.v1",
        0x0C,
        "2026-11-01T09:00:00+09:00",
        "*",
        {
            "version": 1,
            "effective_from": "2026-11-01T09:00:00+09:00",
            "sku": "MILK-1L",
            "name": "서울우유 1L",
            "pack_size": "12",
            "category": "dairy",
            "gtin": "8801115114031",
        },
        source="office/hanbit",
    ),
    "employee.defined/v1/active.json": _event(
        "employee.defined.v1",
        0x0D,
        "2026-11-01T09:00:00+09:00",
        "GANGNAM-01",
        {"version": 1, "effective_from": "2026-11-01T09:00:00+09:00", "employee_id": "E-1042", "store_id": "GANGNAM-01"},
        source="office/hanbit",
    ),
    "policy.set/v1/reorder_point_of_one_sku.json": _event(
        "policy.set.v1",
        0x0E,
        "2026-11-01T09:00:00+09:00",
        "GANGNAM-01",
        {
            "version": 2,
            "effective_from": "2026-11-01T09:00:00+09:00",
            "scope_store_id": "GANGNAM-01",
            "scope_sku": "MILK-1L",
            "parameters": {"policy": "reorder_point", "reorder_point": "12", "order_up_to": "48"},
        },
        source="office/hanbit",
    ),
    "policy.set/v1/no_show_of_the_chain.json": _event(
        "policy.set.v1",
        0x0F,
        "2026-11-01T09:00:00+09:00",
        "*",
        {
            "version": 1,
            "effective_from": "2026-11-01T09:00:00+09:00",
            "parameters": {"policy": "no_show", "grace_minutes": 15, "early_minutes": 60},
        },
        source="office/hanbit",
    ),
}

_CORRECTIONS = {
    "event.corrected/v1/wrong_count.json": _event(
        "event.corrected.v1",
        0x10,
        "2026-11-20T09:10:00+09:00",
        "GANGNAM-01",
        {
            "corrects_event_id": "019a9b3c-5d10-7c41-8a6e-2f5d9c3b7a09",
            "corrects_type": "stock.counted.v1",
            "corrects_occurred_at": "2026-11-20T07:30:00+09:00",
            "kind": "incorrect_data",
            "reason": "한 상자를 두 번 셈",
            "replacement": {"sheet_id": "C-20261120-01", "lines": [{"line": 1, "sku": "MILK-1L", "quantity": "6"}]},
        },
        source="office/GANGNAM-01",
        businessdate="2026-11-20",
        storeversion=3,
    ),
    "event.corrected/v1/punch_that_never_was.json": _event(
        "event.corrected.v1",
        0x11,
        "2026-11-20T10:00:00+09:00",
        "GANGNAM-01",
        {
            "corrects_event_id": "019a9b3c-5d10-7c41-8a6e-2f5d9c3b7a06",
            "corrects_type": "clock.in.v1",
            "corrects_occurred_at": "2026-11-20T08:53:27+09:00",
            "kind": "did_not_occur",
            "reason": "다른 사람의 카드",
        },
        source="office/GANGNAM-01",
        businessdate="2026-11-20",
        storeversion=3,
    ),
}

_CONTROL = {
    "tick/v1/live.json": _event(
        "tick.v1", 0x12, "2026-11-20T10:00:10+00:00", "*", {"at": "2026-11-20T10:00:10+00:00", "partition": 4}, source="ticker"
    ),
    "rule.progressed/v1/one_partition.json": _event(
        "rule.progressed.v1",
        0x13,
        "2026-11-20T10:00:10+00:00",
        "*",
        {"partition": 4, "next_offset": 120874, "clock": "2026-11-20T10:00:10+00:00"},
        source="processors",
    ),
}

_DERIVED = {
    "alert.changed/v1/no_show_raised.json": _event(
        "alert.changed.v1",
        0x14,
        "2026-11-20T09:15:10+09:00",
        "GANGNAM-01",
        {
            "alert_id": _SHIFT_ALERT_ID,
            "transition": 1,
            "rule": "no_show",
            "rule_version": 1,
            "policy_version": 1,
            "status": "raised",
            "stage": "provisional",
            "severity": "medium",
            "subject": "E-1077",
            "window_start": "2026-11-20T09:00:00+09:00",
            "window_end": "2026-11-20T18:00:00+09:00",
            "summary": "E-1077 has not clocked in 15 minutes after the shift began",
            "evidence": {
                "observed": "no punch from 08:00 to 09:15",
                "expected": "a punch by 09:15",
                "event_ids": ["019a9b3c-5d10-7c41-8a6e-2f5d9c3b7a08"],
            },
        },
        source="processors/no_show",
    ),
    "reorder.recommended/v1/open.json": _event(
        "reorder.recommended.v1",
        0x15,
        "2026-11-20T19:42:11+09:00",
        "GANGNAM-01",
        {
            "recommendation_id": _RECOMMENDATION_ID,
            "revision": 1,
            "status": "open",
            "sku": "MILK-1L",
            "position": "11",
            "reorder_point": "12",
            "order_quantity": "37",
            "rule_version": 1,
            "policy_version": 2,
            "evidence": {"observed": "11 on hand", "expected": "more than 12", "event_ids": [_SALE_ID]},
        },
        source="processors/reorder_point",
    ),
}

EXAMPLES: dict[str, Json] = {**_SALES, **_PEOPLE, **_STOCK, **_REFERENCE, **_CORRECTIONS, **_CONTROL, **_DERIVED}
"""Path below `contracts/examples` to the event."""


def examples_of(event_type: str) -> list[Json]:
    """Return the examples of one type, in the order of the table."""
    return [event for event in EXAMPLES.values() if event["type"] == event_type]
