"""From a record to its entry in the index: headers and hash only, the content is not parsed."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from contracts.codec import content_hash, read_envelope
from contracts.envelope import CHAIN_WIDE
from contracts.errors import Problem, UnreadableRecord
from contracts.events.registry import EVENT_TYPES
from contracts.records import LogRecord
from projections.facts import recorded_at

MAPPING_VERSION = 1
COVERED_TYPES = frozenset(name for name, declared in EVENT_TYPES.items() if declared.kind != "control")


class IndexEntry(NamedTuple):
    """One known event, in the order of the table's columns."""

    store_id: str
    event_id: UUID
    event_type: str
    business_date: date | None
    event_hash: int
    topic: str
    part: int
    position: int
    recorded_at: datetime


def index_entry(record: LogRecord) -> IndexEntry | None:
    """Return the entry; None for what concerns every store and therefore lies in every partition."""
    envelope = read_envelope(record)
    if envelope.type not in EVENT_TYPES:
        raise UnreadableRecord([Problem("unknown_type", "/headers/type", "a declared event type")])
    if envelope.store_id == CHAIN_WIDE:
        return None
    return IndexEntry(
        envelope.store_id,
        envelope.id,
        envelope.type,
        envelope.business_date,
        content_hash(record.headers, record.value),
        record.topic,
        record.partition,
        record.offset,
        recorded_at(record),
    )
