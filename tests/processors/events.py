"""Events as the processors' tests write them: one short function for each thing that can happen in a store."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from contracts.codec import build_event, encode
from contracts.envelope import CHAIN_WIDE, Envelope, Event
from contracts.events.registry import (
    CLOCKED_IN,
    EVENT_CORRECTED,
    POLICY_SET,
    SALE_COMPLETED,
    SHIFT_PUBLISHED,
    STOCK_ADJUSTED,
    STOCK_COUNTED,
    TICK,
)
from contracts.identifiers import derived_id
from contracts.records import OutboundRecord, RawRecord
from contracts.topics import STORE_FACTS

TENANT = "shop-chain"
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """Return a time as minutes after the beginning of the story."""
    return START + timedelta(minutes=minutes)


def identity(name: str) -> UUID:
    """Give a thing in a story its event id."""
    return derived_id("story", name)


def event(type_: str, name: str, when: datetime, data: dict[str, Any], store: str = "S1") -> Event[Any]:
    """Build an event; its name in the story is its identity."""
    day = None if store == CHAIN_WIDE else when.date()
    envelope = Envelope(
        id=identity(f"{store}/{name}"), source="story", type=type_, occurred_at=when, tenant_id=TENANT, store_id=store, business_date=day
    )
    return build_event(envelope, data)


def sold(name: str, when: datetime, sku: str = "MILK", quantity: int = 1, store: str = "S1") -> Event[Any]:
    """Sell some of one SKU."""
    line = {"line": 1, "sku": sku, "quantity": str(quantity), "unit_price": "1.00", "gross": 100 * quantity}
    return event(SALE_COMPLETED, name, when, {"receipt_id": name, "currency": "GBP", "lines": [line]}, store)


def counted(name: str, when: datetime, quantity: int, sku: str = "MILK", store: str = "S1") -> Event[Any]:
    """Count one SKU."""
    return event(STOCK_COUNTED, name, when, {"sheet_id": name, "lines": [{"line": 1, "sku": sku, "quantity": str(quantity)}]}, store)


def adjusted(name: str, when: datetime, delta: int, sku: str = "MILK", store: str = "S1") -> Event[Any]:
    """Write off or find some of one SKU."""
    lines = [{"line": 1, "sku": sku, "quantity_delta": str(delta)}]
    return event(STOCK_ADJUSTED, name, when, {"reference": name, "reason": "found" if delta > 0 else "write_off", "lines": lines}, store)


def shift(
    name: str, starts: datetime, ends: datetime, employee: str = "ana", revision: int = 1, status: str = "planned",
    published: datetime | None = None, store: str = "S1",
) -> Event[Any]:  # fmt: skip
    """Publish a revision of a shift."""
    data = {"shift_id": name, "revision": revision, "employee_id": employee, "starts_at": starts, "ends_at": ends, "status": status}
    return event(SHIFT_PUBLISHED, f"{name}/{revision}", published or at(0), data, store)


def clocked_in(name: str, when: datetime, employee: str = "ana", store: str = "S1") -> Event[Any]:
    """Clock in."""
    return event(CLOCKED_IN, name, when, {"employee_id": employee}, store)


def corrected(name: str, wrong: Event[Any], replacement: dict[str, Any] | None = None) -> Event[Any]:
    """Say that an event did not occur, or how it really was."""
    data = {
        "corrects_event_id": wrong.id,
        "corrects_type": wrong.data.corrects_type if wrong.type == EVENT_CORRECTED else wrong.type,
        "corrects_occurred_at": wrong.data.corrects_occurred_at if wrong.type == EVENT_CORRECTED else wrong.envelope.occurred_at,
        "kind": "incorrect_data" if replacement else "did_not_occur",
        "reason": "mistake",
        "replacement": replacement,
    }
    return event(EVENT_CORRECTED, name, wrong.envelope.occurred_at, data, wrong.store_id)


def reorder_policy(point: int, up_to: int, version: int = 1, since: datetime | None = None, sku: str | None = None) -> Event[Any]:
    """Set the reorder point for the whole chain."""
    parameters = {"policy": "reorder_point", "reorder_point": str(point), "order_up_to": str(up_to)}
    data = {"version": version, "effective_from": since or at(-600), "scope_sku": sku, "parameters": parameters}
    return event(POLICY_SET, f"reorder/{version}/{sku}", at(-600), data, CHAIN_WIDE)


def no_show_policy(grace: int, version: int = 1, store: str | None = None) -> Event[Any]:
    """Set the grace of a chain or of one store."""
    data = {
        "version": version,
        "effective_from": at(-600),
        "scope_store_id": store,
        "parameters": {"policy": "no_show", "grace_minutes": grace},
    }
    return event(POLICY_SET, f"no-show/{version}/{store}", at(-600), data, store or CHAIN_WIDE)


def tick(when: datetime, partition: int = 0, time: str = "simulated") -> Event[Any]:
    """Move the clock of a partition."""
    return event(TICK, f"tick/{partition}/{when.isoformat()}", when, {"at": when, "partition": partition, "time": time}, CHAIN_WIDE)


def outbound(happened: Event[Any], partition: int) -> OutboundRecord:
    """Write an event for one partition of the facts."""
    return encode(happened, STORE_FACTS, partition)


def record(happened: Event[Any], offset: int, recorded_at: datetime | None = None, partition: int = 0) -> RawRecord:
    """Put an event at a place of a log in memory."""
    written = outbound(happened, partition)
    milliseconds = int((recorded_at or at(60 * 24 * 400)).timestamp() * 1000)
    return RawRecord(STORE_FACTS, partition, offset, milliseconds, written.key, written.value, written.headers)


def log_of(*story: Event[Any]) -> list[RawRecord]:
    """Write a story down as the only partition of a log."""
    return [record(each, offset) for offset, each in enumerate(story)]


def decimal(text: str | int) -> Decimal:
    """Return an exact number."""
    return Decimal(text)
