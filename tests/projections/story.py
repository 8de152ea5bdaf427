"""Events as the tests of the Postgres projections write them, and the log they lie on."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.codec import build_event, encode
from contracts.envelope import CHAIN_WIDE, Envelope, Event
from contracts.events.registry import (
    ALERT_CHANGED,
    CLOCKED_IN,
    CLOCKED_OUT,
    EVENT_CORRECTED,
    REORDER_RECOMMENDED,
    SALE_COMPLETED,
    SHIFT_PUBLISHED,
    STOCK_ADJUSTED,
    STOCK_COUNTED,
    STORE_DEFINED,
    TICK,
)
from contracts.identifiers import derived_id
from contracts.records import OutboundRecord, RawRecord
from contracts.topics import STORE_FACTS

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
RECORDED = datetime(2026, 3, 10, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """Return a time as minutes after the beginning of the story."""
    return START + timedelta(minutes=minutes)


def event(type_: str, name: str, when: datetime, data: dict[str, Any], store: str = "S1", day: date | None = None) -> Event[Any]:
    """Build an event; its name and store are its identity."""
    envelope = Envelope(
        id=derived_id("story", store, name),
        source="story",
        type=type_,
        occurred_at=when,
        tenant_id="chain",
        store_id=store,
        business_date=None if store == CHAIN_WIDE else day or when.date(),
    )
    return build_event(envelope, data)


def sold(name: str, when: datetime, quantity: int = 1, sku: str = "MILK", store: str = "S1") -> Event[Any]:
    """Sell some of one SKU."""
    line = {"line": 1, "sku": sku, "quantity": str(quantity), "unit_price": "1.00", "gross": 100 * quantity}
    return event(SALE_COMPLETED, name, when, {"receipt_id": name, "currency": "GBP", "lines": [line]}, store)


def counted(name: str, when: datetime, quantity: int, sku: str = "MILK", store: str = "S1") -> Event[Any]:
    """Count one SKU."""
    return event(STOCK_COUNTED, name, when, {"sheet_id": name, "lines": [{"line": 1, "sku": sku, "quantity": str(quantity)}]}, store)


def adjusted(name: str, when: datetime, delta: int, sku: str = "MILK", store: str = "S1") -> Event[Any]:
    """Write off or find some of one SKU."""
    lines = [{"line": 1, "sku": sku, "quantity_delta": str(delta)}]
    return event(STOCK_ADJUSTED, name, when, {"reference": name, "reason": "other", "lines": lines}, store)


def punched(direction: str, name: str, when: datetime, employee: str = "ana", store: str = "S1", day: date | None = None) -> Event[Any]:
    """Clock in or out."""
    return event(CLOCKED_IN if direction == "in" else CLOCKED_OUT, name, when, {"employee_id": employee}, store, day)


def shift(
    name: str, starts: datetime, ends: datetime, employee: str = "ana", revision: int = 1, status: str = "planned", store: str = "S1"
) -> Event[Any]:
    """Publish a revision of a shift."""
    data = {"shift_id": name, "revision": revision, "employee_id": employee, "starts_at": starts, "ends_at": ends, "status": status}
    return event(SHIFT_PUBLISHED, f"{name}/{revision}", at(0), data, store)


def corrected(name: str, wrong: Event[Any], replacement: dict[str, Any] | None = None) -> Event[Any]:
    """Say that an event did not occur, or how it really was."""
    known = wrong.data if wrong.type == EVENT_CORRECTED else None
    data = {
        "corrects_event_id": wrong.id,
        "corrects_type": known.corrects_type if known else wrong.type,
        "corrects_occurred_at": known.corrects_occurred_at if known else wrong.envelope.occurred_at,
        "kind": "incorrect_data" if replacement else "did_not_occur",
        "reason": "mistake",
        "replacement": replacement,
    }
    return event(EVENT_CORRECTED, name, wrong.envelope.occurred_at, data, wrong.store_id)


def tick(when: datetime, partition: int = 0, time: str = "live") -> Event[Any]:
    """Move the clock of a partition."""
    data = {"at": when, "partition": partition, "time": time}
    return event(TICK, f"tick/{partition}/{when.isoformat()}", when, data, CHAIN_WIDE)


def store(name: str = "S1", version: int = 1, since: datetime = START, cut_off_hour: int = 0) -> Event[Any]:
    """Define a version of a store."""
    data = {"version": version, "effective_from": since, "store_id": name, "name": f"Store {name}", "timezone": "Europe/London"}
    return event(STORE_DEFINED, f"store/{version}", since, data | {"currency": "GBP", "country": "GB", "cut_off_hour": cut_off_hour}, name)


def alert(number: int, status: str, subject: str = "ana", store: str = "S1", summary: str = "no punch") -> Event[Any]:
    """Change an alert: transition `number`."""
    data = {
        "alert_id": derived_id("alert", store, subject), "transition": number, "rule": "no_show", "rule_version": 1, "policy_version": 0,
        "status": status, "stage": "confirmed", "severity": "low", "subject": subject, "window_start": at(0), "window_end": at(60),
        "summary": summary, "evidence": {"observed": "none", "expected": "one"},
    }  # fmt: skip
    return event(ALERT_CHANGED, f"alert/{subject}/{number}/{summary}", at(number), data, store)


def recommended(number: int, quantity: int, sku: str = "MILK", store: str = "S1") -> Event[Any]:
    """Revise a recommendation."""
    data = {
        "recommendation_id": derived_id("reorder", store, sku), "revision": number, "status": "open" if quantity else "closed", "sku": sku,
        "position": "3", "reorder_point": "5", "order_quantity": str(quantity), "rule_version": 1, "policy_version": 0,
        "evidence": {"observed": "3", "expected": "5"},
    }  # fmt: skip
    return event(REORDER_RECOMMENDED, f"reorder/{sku}/{number}", at(number), data, store)


def outbound(happened: Event[Any], partition: int = 0, topic: str = STORE_FACTS) -> OutboundRecord:
    """Write an event for one partition."""
    return encode(happened, topic, partition)


def record(happened: Event[Any], offset: int, partition: int = 0, topic: str = STORE_FACTS) -> RawRecord:
    """Put an event at a place of a log in memory."""
    written = outbound(happened, partition, topic)
    milliseconds = int(RECORDED.timestamp() * 1000) + offset
    return RawRecord(topic, partition, offset, milliseconds, written.key, written.value, written.headers)


def log_of(story: Iterable[Event[Any]], partition: int = 0, topic: str = STORE_FACTS) -> list[RawRecord]:
    """Write a story down as one partition of a log."""
    return [record(each, offset, partition, topic) for offset, each in enumerate(story)]


def poison(offset: int, like: Event[Any], value: bytes = b"{", partition: int = 0) -> RawRecord:
    """Put a record on a log in memory whose value cannot be read."""
    good = record(like, offset, partition)
    return RawRecord(good.topic, partition, offset, good.timestamp, good.key, value, good.headers)


def ids(events: Sequence[Event[Any]]) -> set[UUID]:
    """Return the identities of events."""
    return {each.id for each in events}
