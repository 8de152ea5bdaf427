"""From an alert's transition, or a rule worker's progress, to its row; pure."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from contracts.codec import decode
from contracts.events.alerts import AlertChanged
from contracts.events.control import RuleProgressed
from contracts.events.registry import ALERT_CHANGED, RULE_PROGRESSED
from contracts.records import LogRecord
from projections.facts import recorded_at

MAPPING_VERSION = 1
COVERED_TYPES = frozenset({ALERT_CHANGED, RULE_PROGRESSED})


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
    occurred_at: datetime
    recorded_at: datetime
    part: int
    position: int


class ProgressRow(NamedTuple):
    """How far the rules are in one partition of the facts."""

    part: int
    next_offset: int
    clock: datetime
    recorded_at: datetime


def alert_row(record: LogRecord) -> TransitionRow | ProgressRow:
    """Map a record; UnreadableRecord for what cannot be decoded."""
    event = decode(record)
    data = event.data
    if isinstance(data, RuleProgressed):
        return ProgressRow(data.partition, data.next_offset, data.clock, recorded_at(record))
    if not isinstance(data, AlertChanged):
        raise TypeError(f"{event.type} is no event of this model")
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
        event.envelope.occurred_at,
        recorded_at(record),
        record.partition,
        record.offset,
    )
