"""From a record to its row in the archive; pure. It reads headers only and refuses nothing."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from contracts.codec import content_hash, header
from contracts.records import LogRecord

MAPPING_VERSION: Final = 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class EventLogRow(NamedTuple):
    """A record, in the order of the table's columns."""

    log_id: str
    topic: str
    partition: int
    offset: int
    recorded_at: datetime
    key: bytes | None
    value: bytes | None
    header_names: list[str]
    header_values: list[bytes]
    ce_type: str
    store_id: str
    ce_id: str
    ce_businessdate: str
    event_hash: int


def recorded_at(record: LogRecord) -> datetime:
    """Return the broker's time of a record."""
    return _EPOCH + timedelta(milliseconds=record.timestamp)


def map_record(log_id: str, record: LogRecord) -> EventLogRow:
    """Map a record (its topic by the declared name); the columns beside the bytes are for finding it."""
    headers = [(name, value or b"") for name, value in record.headers]
    return EventLogRow(
        log_id,
        record.topic,
        record.partition,
        record.offset,
        recorded_at(record),
        record.key,
        record.value,
        [name for name, _ in headers],
        [value for _, value in headers],
        header(headers, "ce_type") or "",
        header(headers, "ce_storeid") or "",
        header(headers, "ce_id") or "",
        header(headers, "ce_businessdate") or "",
        content_hash(headers, record.value),
    )
