"""How alerts are answered: the current state of each, its whole course, and single transitions on the stream."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from api.held_alerts import Waiting
from api.schemas.events import PositionBody
from api.schemas.freshness import Answer
from contracts.events.alerts import AlertChanged
from contracts.evidence import Evidence
from contracts.fields import Ordinal, Text

_ChangedAt = Annotated[
    datetime, Field(validation_alias=AliasChoices("changed_at", "occurred_at"), description="Time of the newest transition.")
]


class AlertTransition(AlertChanged):
    """One transition of an alert as it was recorded."""

    event_id: UUID
    store_id: str
    changed_at: datetime

    @classmethod
    def of(cls, told: Waiting) -> "AlertTransition":
        """Join an alert with what a listener needs of its envelope."""
        fields = {name: getattr(told.alert, name) for name in AlertChanged.model_fields}
        return cls.model_construct(event_id=told.event_id, store_id=told.store_id, changed_at=told.changed_at, **fields)


class AlertState(BaseModel):
    """An alert as it now is: its highest transition, and what people answered last."""

    model_config = ConfigDict(from_attributes=True)

    alert_id: UUID
    store_id: str
    rule: str = Field(examples=["no_show"])
    rule_version: int
    policy_version: int
    transition: int
    status: str = Field(
        examples=["raised"], description="As people see it: what the rule said last, unless an answer acknowledged or resolved it since."
    )
    rule_status: str = Field(examples=["raised"], description="What the rule said last.")
    stage: str = Field(examples=["provisional"])
    severity: str = Field(examples=["medium"])
    subject: str = Field(description="What it is about: an opaque employee id, a SKU, a till.")
    window_start: datetime
    window_end: datetime
    summary: str
    evidence: Evidence = Field(description="What was seen, what was expected, from which events.")
    raised_at: datetime
    changed_at: _ChangedAt
    notify_at: datetime | None = Field(description="When people are told of the newest transition, if quiet hours put that off.")
    due_at: datetime = Field(description="When people are told of the alert: any transition since it was last raised is due by then.")
    handled: Literal["acknowledged", "resolved"] | None = Field(description="The newest answer on what to do with it.")
    handled_at: datetime | None
    handled_by: str | None
    judged: Literal["true_alarm", "false_alarm"] | None = Field(description="The newest answer on whether the rule was right.")
    judged_at: datetime | None
    judged_by: str | None


class RulesAsOf(BaseModel):
    """How far the rules of a stage are: the slowest partition of it."""

    model_config = ConfigDict(from_attributes=True)

    stage: Literal["stores", "chains"] = Field(description="Rules over the facts of stores, or those that compare the stores of a chain.")
    clock: datetime = Field(description="What time it is for them.")
    as_of: datetime = Field(
        validation_alias=AliasChoices("as_of", "recorded_at"),
        description="Broker time at which they said so last; an old one is a dead rule.",
    )


class AlertPage(Answer):
    """One page of alerts, newest window first."""

    rows: list[AlertState]
    rules: list[RulesAsOf] = Field(description="As of when the rules speak, by stage.")
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class TransitionState(BaseModel):
    """One transition in the course of an alert."""

    model_config = ConfigDict(from_attributes=True)

    transition: int
    event_id: UUID
    status: str
    stage: str
    severity: str
    summary: str
    evidence: Evidence
    rule_version: int
    policy_version: int
    changed_at: _ChangedAt
    notify_at: datetime | None
    recorded_at: datetime


class AnswerState(BaseModel):
    """One answer to an alert."""

    model_config = ConfigDict(from_attributes=True)

    event_id: UUID
    answer: str
    answered_by: str | None
    note: str | None
    transition: int | None = Field(description="The newest transition that the person had seen, where they said so.")
    answered_at: datetime = Field(validation_alias=AliasChoices("answered_at", "occurred_at"))
    recorded_at: datetime
    counts: bool = Field(description="False where a correction has taken it back.")


class AlertCourse(Answer):
    """One alert whole."""

    alert: AlertState
    transitions: list[TransitionState] = Field(description="By number.")
    answers: list[AnswerState] = Field(description="In the order in which they were given.")


class GivenAnswer(BaseModel):
    """A person's word on an alert."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"answer": "acknowledged", "note": "on my way"}]})

    answer: Literal["acknowledged", "resolved", "true_alarm", "false_alarm"] = Field(
        description="Seen; done with; right; wrong. The last two also move the rule's threshold for the subject."
    )
    note: Text | None = Field(default=None, description="What you want to say about it.")
    transition: Ordinal | None = Field(
        default=None, description="The newest transition that you saw; without it the newest that the API knows."
    )


class AnswerTaken(BaseModel):
    """An answer that is on the log."""

    event_id: UUID
    outcome: Literal["accepted", "duplicate"] = Field(description="'duplicate': the log has it already, under this id.")
    position: PositionBody | None = Field(description="Where it is; give it as `min_position` to read what follows from it.")
