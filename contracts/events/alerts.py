"""Alerts as numbered transitions of one identity, each with its evidence."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.fields import Code, DecimalString, Model, Moment, Text


class Evidence(Model):
    """Why the rule spoke: what was seen, what was expected, how likely that is, and from what."""

    observed: Text
    expected: Text
    probability: DecimalString | None = Field(default=None, description="Of what was observed, if all were normal.")
    baseline_window: Text | None = None
    event_ids: tuple[UUID, ...] = Field(default=(), max_length=100)


class AlertChanged(Model):
    """Transition number `transition` of an alert; the fold keeps the highest number."""

    alert_id: UUID
    transition: int = Field(ge=1)
    rule: Code
    rule_version: int = Field(ge=1)
    policy_version: int = Field(ge=0, description="0 is the built-in default.")
    status: Literal["raised", "updated", "acknowledged", "resolved", "retracted", "orphaned"]
    stage: Literal["provisional", "confirmed"]
    severity: Literal["low", "medium", "high"]
    subject: Code
    window_start: Moment
    window_end: Moment
    summary: Text
    evidence: Evidence
