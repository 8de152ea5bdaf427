"""Facts as they were recorded, over any span of business dates: the stock ledger, punches, and the lives of alerts."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Json

from api.schemas.freshness import Answer, KnownAtField
from contracts.fields import DecimalString


def _known_distance(value: int) -> int | None:
    return None if value < 0 else value


def _real_id(value: UUID) -> UUID | None:
    return value if value.int else None


def _stated(value: str) -> str | None:
    return value or None


Distance = Annotated[int | None, BeforeValidator(_known_distance)]
Stated = Annotated[str | None, BeforeValidator(_stated)]


class FactRow(BaseModel):
    """What every fact says of itself."""

    model_config = ConfigDict(from_attributes=True)

    store_id: str
    business_date: date
    event_id: UUID
    line: int = Field(description="Place among the rows of the event, from 0.")
    event_type: str
    corrects_event_id: Annotated[UUID | None, BeforeValidator(_real_id)] = Field(description="The wrong event that this one replaces.")
    occurred_at: datetime
    recorded_at: datetime = Field(description="Broker time.")


class HistoryPage(Answer):
    """Part of every page of facts."""

    known_at: KnownAtField
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class LedgerRow(FactRow):
    """A line of the stock ledger."""

    kind: str = Field(description="sale, return, void, receipt, transfer_in, transfer_out, waste, adjustment; or count.", examples=["sale"])
    sku: str
    quantity: DecimalString = Field(description="Units: a signed change, or what was there for a count.", examples=["-2"])
    moved_at: datetime
    reason: Stated
    reference: Stated = Field(description="Document that explains it: receipt, delivery, count sheet, transfer.")
    employee_id: Stated = Field(description="Opaque id.")


class LedgerPage(HistoryPage):
    """One page of the stock ledger by store, business date and event."""

    rows: list[LedgerRow]


class PunchRow(FactRow):
    """A press of a time clock."""

    kind: str = Field(description="in, out, break_started, break_ended.", examples=["in"])
    employee_id: str = Field(description="Opaque id.")
    punch_source: str
    offline: bool
    auto_reason: Stated = Field(description="Why the system pressed it, where the person did not.")
    verdict: Stated = Field(description="What is known of the place; null: nothing.")
    distance_m: Distance
    accuracy_m: Distance
    mock_location: bool
    fence_id: Stated


class PunchPage(HistoryPage):
    """One page of punches by store, business date and event."""

    rows: list[PunchRow]


class AlertHistoryRow(FactRow):
    """A transition of an alert, or an answer to it."""

    kind: str = Field(description="transition or answer.", examples=["transition"])
    alert_id: UUID
    transition: int = Field(description="Number of the transition; of an answer, the newest that had been seen, 0 where it does not say.")
    rule: str
    rule_version: int
    policy_version: int
    status: str = Field(description="Of an answer: what was answered.", examples=["raised"])
    stage: Stated
    severity: Stated
    subject: str
    window_start: datetime
    window_end: datetime
    summary: Stated
    evidence: Annotated[Json[dict[str, Any]] | None, BeforeValidator(_stated)] = Field(description="Why the rule spoke.")
    answered_by: Stated = Field(description="Opaque id.")
    note: Stated


class AlertHistoryPage(HistoryPage):
    """One page of what became of alerts, by store, business date and event."""

    rows: list[AlertHistoryRow]
