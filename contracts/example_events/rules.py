"""Examples of corrections, control records and what rules say."""

from contracts.example_events.build import SALE_ID, Json, event

_SHIFT_ALERT_ID = "6f0d0a52-3c0e-5b56-9a52-77f3b9a1c2d4"
_RECOMMENDATION_ID = "b7a2e6c1-8f94-5d0b-8e55-1c0f6a3d9e27"

CORRECTIONS: dict[str, Json] = {
    "event.corrected/v1/wrong_count.json": event(
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
    "event.corrected/v1/punch_that_never_was.json": event(
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

CONTROL: dict[str, Json] = {
    "tick/v1/live.json": event(
        "tick.v1", 0x12, "2026-11-20T10:00:10+00:00", "*", {"at": "2026-11-20T10:00:10+00:00", "partition": 4}, source="ticker"
    ),
    "rule.progressed/v1/one_partition.json": event(
        "rule.progressed.v1",
        0x13,
        "2026-11-20T10:00:10+00:00",
        "*",
        {"partition": 4, "next_offset": 120874, "clock": "2026-11-20T10:00:10+00:00"},
        source="processors",
    ),
}

DERIVED: dict[str, Json] = {
    "alert.answered/v1/false_alarm.json": event(
        "alert.answered.v1",
        0x2F,
        "2026-11-20T10:30:00+09:00",
        "GANGNAM-01",
        {
            "alert_id": _SHIFT_ALERT_ID,
            "rule": "no_show",
            "subject": "E-1077",
            "answer": "false_alarm",
            "by": "E-0007",
            "note": "다른 매장에서 근무 중",
        },
        source="office/GANGNAM-01",
        businessdate="2026-11-20",
        storeversion=3,
    ),
    "alert.changed/v1/no_show_raised.json": event(
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
    "reorder.recommended/v1/open.json": event(
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
            "evidence": {"observed": "11 on hand", "expected": "more than 12", "event_ids": [SALE_ID]},
        },
        source="processors/reorder_point",
    ),
    "sales.observed/v1/until_two_in_the_afternoon.json": event(
        "sales.observed.v1",
        0x4F,
        "2026-11-20T14:00:10+09:00",
        "GANGNAM-01",
        {
            "business_date": "2026-11-20",
            "hour": 9,
            "hour_end": "2026-11-20T14:00:00+09:00",
            "day_begin": "2026-11-20T04:00:00+09:00",
            "day_end": "2026-11-21T04:00:00+09:00",
            "revision": 1,
            "currency": "KRW",
            "actual": 3104500,
            "expected": 4120000,
            "receipts": 214,
            "expected_receipts": 291,
            "residual": "-1.94",
            "spread": "0.152",
            "elapsed": "0.48",
            "like_days": 8,
            "false_discovery_rate": "0.5",
            "false_alarm_rate": "0.01",
            "least_deviation": 412000,
            "high_deviation": 1648000,
            "policy_version": 1,
            "rule_version": 1,
        },
        source="rules/sales_deviation",
        businessdate="2026-11-20",
    ),
}
