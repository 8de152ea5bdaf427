"""Alerts as numbered transitions of one identity, each with its evidence."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.evidence import Evidence as Evidence  # noqa: PLC0414 - rules know it from here too
from contracts.fields import Code, Model, Moment, Number, Ordinal, Text


class AlertChanged(Model):
    """Transition number `transition` of an alert; the fold keeps the highest number."""

    alert_id: UUID
    transition: Ordinal
    rule: Code
    rule_version: Ordinal
    policy_version: Number = Field(description="0 is the built-in default.")
    status: Literal["raised", "updated", "acknowledged", "resolved", "retracted", "orphaned"]
    stage: Literal["provisional", "confirmed"]
    severity: Literal["low", "medium", "high"]
    subject: Code
    window_start: Moment
    window_end: Moment
    summary: Text
    evidence: Evidence
