"""From an alert's transition, a person's answer, or a rule worker's progress, to its row; pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from contracts.envelope import Event
from contracts.events.alerts import AlertAnswered, AlertChanged
from contracts.events.control import RuleProgressed
from contracts.events.registry import ALERT_ANSWERED, ALERT_CHANGED, EVENT_CORRECTED, RULE_PROGRESSED
from contracts.fields import Model
from contracts.records import LogRecord
from projections.facts import FactEvent, concerned_type, content_of, fact_event, recorded_at
from projections.shared_records import event_of

MAPPING_VERSION = 2
COVERED_TYPES = frozenset({ALERT_CHANGED, RULE_PROGRESSED})
ANSWER_TYPES = frozenset({ALERT_ANSWERED, EVENT_CORRECTED})


class TransitionRow(NamedTuple):
    """One transition of an alert, in the order of the table's columns."""

    alert_id: UUID
    transition: int
    store_id: str
    event_id: UUID
    rule: str
    rule_version: int
    policy_version: int
    status: str
    stage: str
    severity: str
    subject: str
    window_start: datetime
    window_end: datetime
    summary: str
    evidence: dict[str, Any]
    notify_at: datetime | None
    occurred_at: datetime
    recorded_at: datetime
    part: int
    position: int


class ProgressRow(NamedTuple):
    """How far the rules of a stage are in one partition of the stage's topic."""

    stage: str
    part: int
    next_offset: int
    clock: datetime
    recorded_at: datetime


class AnswerRow(NamedTuple):
    """One person's word on an alert; `transition` is the newest that they had seen, where they say so."""

    store_id: str
    event_id: UUID
    alert_id: UUID
    answer: str
    answered_by: str | None
    note: str | None
    transition: int | None
    occurred_at: datetime
    recorded_at: datetime
    position: int


@dataclass(frozen=True, slots=True)
class AnswerFact:
    """An event of a person and its row; a correction that takes an answer back has none."""

    event: FactEvent
    answer: AnswerRow | None = None


AlertRows = TransitionRow | ProgressRow | AnswerFact


def alert_row(record: LogRecord) -> AlertRows | None:
    """Map a record; None for a correction of something else, UnreadableRecord for what cannot be decoded."""
    event = event_of(record)
    data = event.data
    if isinstance(data, RuleProgressed):
        return ProgressRow(data.stage, data.partition, data.next_offset, data.clock, recorded_at(record))
    if isinstance(data, AlertChanged):
        return _transition(record, event, data)
    if concerned_type(event) != ALERT_ANSWERED:
        return None
    return AnswerFact(fact_event(record, event), _answer(record, content_of(event)))


def _transition(record: LogRecord, event: Event[Model], data: AlertChanged) -> TransitionRow:
    return TransitionRow(
        data.alert_id,
        data.transition,
        event.store_id,
        event.id,
        data.rule,
        data.rule_version,
        data.policy_version,
        data.status,
        data.stage,
        data.severity,
        data.subject,
        data.window_start,
        data.window_end,
        data.summary,
        data.evidence.model_dump(mode="json", exclude_none=True),
        data.notify_at,
        event.envelope.occurred_at,
        recorded_at(record),
        record.partition,
        record.offset,
    )


def _answer(record: LogRecord, content: Event[Model] | None) -> AnswerRow | None:
    if content is None or not isinstance(content.data, AlertAnswered):
        return None
    data = content.data
    return AnswerRow(
        content.store_id,
        content.id,
        data.alert_id,
        data.answer,
        data.by,
        data.note,
        data.transition,
        content.envelope.occurred_at,
        recorded_at(record),
        record.offset,
    )
