"""From an alert's transition, or a person's answer, to its row; pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from contracts.envelope import Event
from contracts.events.alerts import AlertAnswered, AlertChanged
from contracts.events.registry import ALERT_ANSWERED, ALERT_CHANGED, EVENT_CORRECTED
from contracts.fields import Model

MAPPING_VERSION: Final = 1
FACT_TYPES: Final = frozenset({ALERT_CHANGED, ALERT_ANSWERED})
ALERT_TYPES: Final = frozenset({ALERT_CHANGED})
ANSWER_TYPES: Final = frozenset({ALERT_ANSWERED, EVENT_CORRECTED})
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class HistoryRow(NamedTuple):
    """A step in the life of an alert, in the order of the table's own columns."""

    kind: str
    alert_id: bytes
    transition: int
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
    evidence: str
    answered_by: str
    note: str


NOTHING: Final = HistoryRow("", bytes(16), 0, "", 0, 0, "", "", "", "", _NEVER, _NEVER, "", "", "", "")


def history_rows(content: Event[Model]) -> Sequence[HistoryRow]:
    """Return the one row of a transition or an answer."""
    data, at = content.data, content.envelope.occurred_at
    if isinstance(data, AlertChanged):
        return (
            HistoryRow(
                "transition",
                data.alert_id.bytes,
                data.transition,
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
                data.evidence.model_dump_json(exclude_none=True),
                "",
                "",
            ),
        )
    if isinstance(data, AlertAnswered):
        return (
            NOTHING._replace(
                kind="answer",
                alert_id=data.alert_id.bytes,
                transition=data.transition or 0,
                rule=data.rule,
                status=data.answer,
                subject=data.subject,
                window_start=at,
                window_end=at,
                answered_by=data.by or "",
                note=data.note or "",
            ),
        )
    return ()
