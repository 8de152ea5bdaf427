"""Alerts as numbered transitions of one identity, each with its evidence."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.evidence import Evidence as Evidence  # noqa: PLC0414 - rules know it from here too
from contracts.fields import Code, Model, Moment, Number, Ordinal, PersonRef, Text


class AlertChanged(Model):
    """Transition number `transition` of an alert; the fold keeps the highest number."""

    alert_id: UUID = Field(description="Derived from rule, store, subject and window.", examples=["6f0d0a52-3c0e-5b56-9a52-77f3b9a1c2d4"])
    transition: Ordinal = Field(description="Counts the transitions of the alert, from 1.", examples=[1])
    rule: Code = Field(description="Rule that speaks.", examples=["no_show"])
    rule_version: Ordinal = Field(description="Version of the rule's code.", examples=[1])
    policy_version: Number = Field(description="Version of the policy in force; 0 is the built-in default.", examples=[1])
    status: Literal["raised", "updated", "acknowledged", "resolved", "retracted", "orphaned"] = Field(
        description="'retracted': late data took the reason away; 'orphaned': nobody can resolve it any more."
    )
    stage: Literal["provisional", "confirmed"] = Field(description="Whether late data may still change it.")
    severity: Literal["low", "medium", "high"] = Field(description="By money or legal risk.")
    subject: Code = Field(description="Person, SKU, till … that it is about.", examples=["E-1077"])
    window_start: Moment = Field(description="Begin of what it is about.", examples=["2026-11-20T09:00:00+09:00"])
    window_end: Moment = Field(description="End of what it is about.", examples=["2026-11-20T18:00:00+09:00"])
    summary: Text = Field(description="One sentence for people.", examples=["E-1077 has not clocked in 15 minutes after the shift began"])
    evidence: Evidence = Field(description="Why the rule spoke.")
    notify_at: Moment | None = Field(
        default=None,
        description="When people are to be told, where that is later than the transition: the end of the store's quiet hours.",
        examples=["2026-11-21T07:00:00+09:00"],
    )


class AlertAnswered(Model):
    """A person's word on an alert: seen, done with, right or wrong. The last answer on each question counts."""

    alert_id: UUID = Field(description="The alert.", examples=["6f0d0a52-3c0e-5b56-9a52-77f3b9a1c2d4"])
    rule: Code = Field(description="Rule that had spoken.", examples=["no_show"])
    subject: Code = Field(description="Person, SKU, till … that it was about.", examples=["E-1077"])
    answer: Literal["acknowledged", "resolved", "true_alarm", "false_alarm"] = Field(
        description="'true_alarm' and 'false_alarm' also move the rule's threshold for the subject."
    )
    by: PersonRef | None = Field(default=None, description="Opaque id of who answered.", examples=["E-0007"])
    note: Text | None = Field(default=None, description="What they want to say about it.", examples=["지각 통보 받음"])
    transition: Ordinal | None = Field(
        default=None,
        description="The newest transition that they had seen; absent: the newest that had happened by then. Later ones may ask anew.",
        examples=[1],
    )
