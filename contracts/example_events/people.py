"""Examples of punches, breaks and shifts."""

from contracts.example_events.build import Json, event

PEOPLE: dict[str, Json] = {
    "clock.in/v1/kiosk.json": event(
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
    "clock.out/v1/mobile_with_distance.json": event(
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
    "shift.published/v1/day_shift.json": event(
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
    "clock.break_started/v1/lunch.json": event(
        "clock.break_started.v1",
        0x35,
        "2026-11-20T13:00:00+09:00",
        "GANGNAM-01",
        {"employee_id": "E-1042", "punch_source": "kiosk", "paid": False},
        businessdate="2026-11-20",
        storeversion=3,
    ),
    "clock.break_ended/v1/by_beacon.json": event(
        "clock.break_ended.v1",
        0x36,
        "2026-11-20T14:00:00+09:00",
        "GANGNAM-01",
        {
            "employee_id": "E-1042",
            "punch_source": "mobile",
            "location": {"verdict": "beacon", "beacon_id": "B-GANGNAM-2", "beacon_age_seconds": 4, "fence_id": "front"},
        },
        businessdate="2026-11-20",
        storeversion=3,
    ),
}
