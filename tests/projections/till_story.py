"""Events of tills and their devices, as the tests of the till read models write them."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from contracts.envelope import Event
from contracts.events.registry import (
    CASH_PAID_IN,
    CASH_PAID_OUT,
    CLOCKED_IN,
    DRAWER_OPENED,
    SALE_COMPLETED,
    SALE_RETURNED,
    SALE_VOIDED,
    TILL_CLOSED,
    TILL_HEARTBEAT,
    TILL_OPENED,
)
from tests.projections.story import at, event


def numbered(happened: Event[Any], device: str, number: int | None = None) -> Event[Any]:
    """Let a device have made an event, with or without a number."""
    return replace(happened, envelope=happened.envelope.model_copy(update={"device_id": device, "device_seq": number}))


def line(gross: int, number: int = 1, **more: Any) -> dict[str, Any]:
    """Sell, return or void one thing for so many pence."""
    return {"line": number, "sku": "MILK", "quantity": "1", "unit_price": str(gross / 100), "gross": gross, **more}


def receipt(
    name: str,
    when: datetime,
    *lines: dict[str, Any],
    kind: str = SALE_COMPLETED,
    store: str = "S1",
    till: str | None = "1",
    period: str | None = None,
    day: date | None = None,
    **more: Any,
) -> Event[Any]:
    """Ring up a receipt at a till."""
    data = {"receipt_id": name, "currency": "GBP", "lines": list(lines or (line(100),)), "till_id": till, "period_id": period, **more}
    return event(kind, name, when, {key: value for key, value in data.items() if value is not None}, store, day)


def renamed(happened: Event[Any], number: str) -> Event[Any]:
    """Let a receipt bear another number: what it is known by to people, not to the log."""
    return replace(happened, data=happened.data.model_copy(update={"receipt_id": number}))


def returned(name: str, when: datetime, *lines: dict[str, Any], **more: Any) -> Event[Any]:
    """Take goods back."""
    return receipt(name, when, *lines, kind=SALE_RETURNED, **more)


def voided(name: str, when: datetime, *lines: dict[str, Any], phase: str = "after_completion", **more: Any) -> Event[Any]:
    """Void a receipt."""
    return receipt(name, when, *lines, kind=SALE_VOIDED, phase=phase, **more)


def heartbeat(name: str, when: datetime, store: str = "S1", till: str = "1", last: int | None = None) -> Event[Any]:
    """Let a till say that it is alive, and which number it used last."""
    return event(TILL_HEARTBEAT, name, when, {"till_id": till} | ({} if last is None else {"last_device_seq": last}), store)


def opened(period: str, when: datetime, store: str = "S1", till: str = "1", float_amount: int = 0) -> Event[Any]:
    """Begin a till period, with or without cash in the drawer."""
    data = {"till_id": till, "period_id": period, "currency": "GBP", "float_amount": float_amount}
    return event(TILL_OPENED, f"open/{till}/{period}", when, data, store)


def moved(
    name: str, when: datetime, amount: int, purpose: str | None = None, till: str = "1", period: str | None = None, store: str = "S1"
) -> Event[Any]:
    """Move cash without a sale: into the drawer, or out of it for a purpose."""
    data = {"till_id": till, "currency": "GBP", "amount": amount, "period_id": period, "purpose": purpose}
    kind = CASH_PAID_IN if purpose is None else CASH_PAID_OUT
    return event(kind, name, when, {key: value for key, value in data.items() if value is not None}, store)


def closed(period: str, since: datetime, when: datetime, store: str = "S1", till: str = "1", **figures: Any) -> Event[Any]:
    """End a till period with its Z report."""
    data = {"till_id": till, "period_id": period, "opened_at": since, "currency": "GBP", "sales_count": 0, "gross": 0, **figures}
    return event(TILL_CLOSED, f"close/{till}/{period}", when, data, store)


def drawer(name: str, when: datetime, till: str = "1", period: str | None = None, store: str = "S1") -> Event[Any]:
    """Open the drawer without a sale."""
    return event(DRAWER_OPENED, name, when, {"till_id": till} | ({} if period is None else {"period_id": period}), store)


def punch(name: str, minutes: float, store: str = "S1") -> Event[Any]:
    """Clock in: a fact that no till sends."""
    return event(CLOCKED_IN, name, at(minutes), {"employee_id": "ana"}, store)
