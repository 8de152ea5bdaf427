"""How alerts are answered: the current state of each, and single transitions on the stream."""

from datetime import datetime
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from api.schemas.freshness import Freshness
from contracts.envelope import Envelope
from contracts.events.alerts import AlertChanged
from contracts.evidence import Evidence


class AlertTransition(AlertChanged):
    """One transition of an alert as it was recorded."""

    event_id: UUID
    store_id: str
    changed_at: datetime

    @classmethod
    def of(cls, envelope: Envelope, alert: AlertChanged) -> "AlertTransition":
        """Join an alert with the parts of its envelope that a listener needs."""
        fields = {name: getattr(alert, name) for name in AlertChanged.model_fields}
        return cls.model_construct(event_id=envelope.id, store_id=envelope.store_id, changed_at=envelope.occurred_at, **fields)


class AlertState(BaseModel):
    """An alert as it now is: its highest transition."""

    model_config = ConfigDict(from_attributes=True)

    alert_id: UUID
    store_id: str
    rule: str = Field(examples=["no_show"])
    rule_version: int
    policy_version: int
    transition: int
    status: str = Field(examples=["raised"])
    stage: str = Field(examples=["provisional"])
    severity: str = Field(examples=["medium"])
    subject: str = Field(description="What it is about: an opaque employee id, a SKU, a till.")
    window_start: datetime
    window_end: datetime
    summary: str
    evidence: Evidence = Field(description="What was seen, what was expected, from which events.")
    raised_at: datetime
    changed_at: datetime = Field(validation_alias=AliasChoices("changed_at", "occurred_at"), description="Time of the newest transition.")


class AlertPage(Freshness):
    """One page of alerts, newest window first."""

    rows: list[AlertState]
    next_cursor: str | None = Field(description="For the next page; null on the last.")
