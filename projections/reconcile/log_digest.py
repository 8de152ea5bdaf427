"""Read the log once, independently of every mapping: headers as they are, JSON only to see what a correction corrects.

Per store and id the first position counts; what else came under the same id is told as a conflict where its content differs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from contracts.codec import content_hash
from contracts.events.registry import ALERT_CHANGED, EVENT_CORRECTED, FACT_TYPES
from contracts.records import Headers
from contracts.topics import ALERTS, STORE_FACTS
from infra.kafka.consumer import Partition, Record, read_range
from projections.reconcile.compare import MODULUS, Digest, Entry, Key

_COMPARED: Final = {STORE_FACTS: FACT_TYPES | {EVENT_CORRECTED}, ALERTS: frozenset({ALERT_CHANGED})}
"""Topic to the types of which each event is told apart; of every other record only the archive's sums are taken."""


class Conflict(NamedTuple):
    """A later record under a known id with other content: every model keeps the first."""

    store_id: str
    event_id: str
    first: str
    later: str


@dataclass(slots=True)
class LogDigest:
    """What the log says below an end vector."""

    events: dict[Key, dict[str, Entry]] = field(default_factory=dict)
    partition_of_store: dict[str, int] = field(default_factory=dict)
    archive: dict[Partition, Digest] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    records: int = 0
    repeats: int = 0
    unidentified: int = 0
    holes: list[str] = field(default_factory=list)
    _first: dict[tuple[str, str], Entry] = field(default_factory=dict)

    def take(self, partition: Partition, records: list[Record]) -> None:
        """Take records of one partition, in their order."""
        known = self.archive.get(partition, Digest(0, 0))
        total = known.hash_sum
        for offset, record in enumerate(records, known.ids):
            if record.offset != offset:
                self.holes.append(f"{partition.topic}/{partition.partition}: offset {offset} is not there, {record.offset} is")
                break
            event_hash = content_hash(record.headers, record.value)
            total += event_hash
            self._take_event(partition, record, event_hash)
        self.archive[partition] = Digest(known.ids + len(records), total % MODULUS)
        self.records += len(records)

    def _take_event(self, partition: Partition, record: Record, event_hash: int) -> None:
        headers = record.headers
        event_type, store_id, event_id = _text(headers, "ce_type"), _text(headers, "ce_storeid"), _event_id(headers)
        if event_type not in _COMPARED.get(partition.topic, ()):
            return
        if not store_id or event_id is None:
            self.unidentified += 1
            return
        place = f"{partition.topic}/{partition.partition}/{record.offset}"
        if partition.topic == STORE_FACTS:
            self.partition_of_store.setdefault(store_id, partition.partition)
        first = self._first.get((store_id, event_id))
        if first is not None:
            self.repeats += 1
            if first.event_hash != event_hash:
                self.conflicts.append(Conflict(store_id, event_id, first.place, place))
            return
        entry = self._first[store_id, event_id] = Entry(event_hash, place)
        kind = key_type(event_type, _corrects(record) if event_type == EVENT_CORRECTED else "")
        key = Key(store_id, _day(headers, partition.topic == ALERTS), kind)
        self.events.setdefault(key, {})[event_id] = entry


def key_type(event_type: str, corrects_type: str | None) -> str:
    """Name a type for comparison; corrections apart by what they correct."""
    return f"{event_type}:{corrects_type}" if corrects_type else event_type


async def read_log(bootstrap: str, ends: Mapping[Partition, int], prefix: str = "") -> LogDigest:
    """Digest every partition from its beginning up to the end vector."""
    found = LogDigest()
    await read_range(bootstrap, dict.fromkeys(ends, 0), ends, found.take, prefix)
    for partition, end in ends.items():
        count = found.archive.get(partition, Digest(0, 0)).ids
        if count != end:
            found.holes.append(f"{partition.topic}/{partition.partition}: {count} of {end} records could be read")
    return found


async def read_records(bootstrap: str, partition: Partition, end: int, prefix: str = "") -> dict[int, int]:
    """Return offset to hash of every record of one partition below `end`."""
    found: dict[int, int] = {}

    def take(_: Partition, records: list[Record]) -> None:
        found.update({record.offset: content_hash(record.headers, record.value) for record in records})

    await read_range(bootstrap, {partition: 0}, {partition: end}, take, prefix)
    return found


def _text(headers: Headers, name: str) -> str:
    for key, value in headers:
        if key == name:
            return (value or b"").decode("utf-8", "replace")
    return ""


def _event_id(headers: Headers) -> str | None:
    try:
        return str(UUID(_text(headers, "ce_id")))
    except ValueError:
        return None


def _day(headers: Headers, has_time_instead: bool) -> str:
    """Return the business date; where rules name none, the date of the time in UTC."""
    text = _text(headers, "ce_businessdate")
    try:
        if not text and has_time_instead:
            return datetime.fromisoformat(_text(headers, "ce_time")).astimezone(UTC).date().isoformat()
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return text


def _corrects(record: Record) -> str:
    try:
        content = json.loads(record.value or b"")
        return str(content["corrects_type"])
    except (ValueError, KeyError, TypeError):
        return "?"
