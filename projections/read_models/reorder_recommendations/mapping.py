"""From a revision of a reorder recommendation to its row; pure."""

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from contracts.events.registry import REORDER_RECOMMENDED
from contracts.events.reorder import ReorderRecommended
from contracts.records import LogRecord
from projections.facts import recorded_at
from projections.shared_records import event_of

MAPPING_VERSION = 1
COVERED_TYPES = frozenset({REORDER_RECOMMENDED})


class RevisionRow(NamedTuple):
    """One revision, in the order of the table's columns; `position` is stock, in units."""

    recommendation_id: UUID
    revision: int
    store_id: str
    event_id: UUID
    sku: str
    status: str
    position: Decimal
    reorder_point: Decimal
    order_quantity: Decimal
    rule_version: int
    policy_version: int
    evidence: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime


def revision_row(record: LogRecord) -> RevisionRow:
    """Map a record; UnreadableRecord for what cannot be decoded."""
    event = event_of(record)
    data = event.data
    if not isinstance(data, ReorderRecommended):
        raise TypeError(f"{event.type} is no event of this model")
    return RevisionRow(
        data.recommendation_id,
        data.revision,
        event.store_id,
        event.id,
        data.sku,
        data.status,
        data.position,
        data.reorder_point,
        data.order_quantity,
        data.rule_version,
        data.policy_version,
        data.evidence.model_dump(mode="json", exclude_none=True),
        event.envelope.occurred_at,
        recorded_at(record),
    )
