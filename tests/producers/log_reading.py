"""What is on the log, read by itself: the records of a topic by partition, and an index of known events made from them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts.codec import content_hash, event_uuid, header
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.kafka.consumer import Record, end_offsets, read_range
from producers.quarantine import QuarantinedLine


async def read_log(place: Addresses, topic: str = STORE_FACTS) -> dict[int, list[Record]]:
    """Return all records of a topic, in order per partition."""
    ends = await end_offsets(place.kafka_bootstrap, [topic], place.topic_prefix)
    found: dict[int, list[Record]] = {tp.partition: [] for tp in ends}
    await read_range(
        place.kafka_bootstrap,
        dict.fromkeys(ends, 0),
        ends,
        lambda tp, records: found[tp.partition].extend(records),
        place.topic_prefix,
    )
    return found


def hash_of(record: Record) -> int:
    """Return what a record says, as a hash."""
    return content_hash(record.headers, record.value)


def contents(log: Mapping[int, Sequence[Record]], event_types: set[str] | None = None) -> dict[UUID, set[int]]:
    """Return every distinct id of the log with the hashes of its contents; more than one is a contradiction."""
    found: dict[UUID, set[int]] = {}
    for record in (record for records in log.values() for record in records):
        event_id = event_uuid(record.headers)
        if event_id is not None and (event_types is None or header(record.headers, "ce_type") in event_types):
            found.setdefault(event_id, set()).add(hash_of(record))
    return found


class LogIndex:
    """Known events straight from the log: what an event index says once it is caught up."""

    def __init__(self, log: Mapping[int, Sequence[Record]]) -> None:
        self._known: dict[tuple[str, UUID], int] = {}
        for record in (record for records in log.values() for record in records):
            event_id, store = event_uuid(record.headers), header(record.headers, "ce_storeid")
            if event_id is not None and store is not None:
                self._known.setdefault((store, event_id), hash_of(record))

    async def hashes(self, store_id: str, event_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """Return the content hash of those of the events that the log has."""
        return {event_id: self._known[store_id, event_id] for event_id in event_ids if (store_id, event_id) in self._known}


class CollectedQuarantine:
    """A quarantine in memory, by id, as the table keeps it."""

    def __init__(self) -> None:
        self.rows: dict[UUID, QuarantinedLine] = {}

    async def add(self, rows: Sequence[QuarantinedLine]) -> None:
        """Keep lines that are not there yet."""
        for row in rows:
            self.rows.setdefault(row.id, row)
