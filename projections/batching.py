"""The arithmetic of a batch: records of a partition follow each other, and each is accounted for once.

It decides from headers only which records a projection takes; it neither decodes nor writes.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from contracts.codec import header, peek_type
from contracts.events.registry import EVENT_TYPES
from contracts.records import LogRecord

RETRY_HEADER: Final = "ce_retryof"


class Part(NamedTuple):
    """One partition of a topic, by its plain name."""

    topic: str
    number: int


class Source(NamedTuple):
    """Where a record lies: the identity of a dead letter."""

    topic: str
    part: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.part}/{self.offset}"


Covers: TypeAlias = Mapping[str, AbstractSet[str] | None]
"""Topic to the event types that a projection folds; None: every record, whatever it is."""


class OffsetGap(Exception):
    """Offsets do not follow each other: a record is missing, and nothing may go on after it."""

    def __init__(self, part: Part, expected: int, found: int) -> None:
        super().__init__(f"{part.topic}/{part.number}: offset {expected} was expected, {found} was read")
        self.part, self.expected, self.found = part, expected, found


class Outcome(Enum):
    """What became of one record."""

    APPLIED = "applied"
    REPEAT = "repeats"
    FILTERED = "filtered"
    CONTROL = "control"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many records of a range had which outcome; the sum is what was consumed."""

    applied: int = 0
    repeats: int = 0
    filtered: int = 0
    control: int = 0
    dead: int = 0

    @property
    def consumed(self) -> int:
        """All records of the range."""
        return self.applied + self.repeats + self.filtered + self.control + self.dead


@dataclass(frozen=True, slots=True)
class PartBatch:
    """Records `[first, next)` of one partition, read by the owner of `epoch`; `only_store`: the only store whose records are applied."""

    part: Part
    epoch: int
    first: int
    next: int
    recorded_at: datetime
    records: Sequence[LogRecord]
    only_store: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step of a projection takes from all partitions that it owns; never empty."""

    projection: str
    generation: int
    parts: tuple[PartBatch, ...]

    @property
    def records(self) -> int:
        """Number of records."""
        return sum(len(part.records) for part in self.parts)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that cannot be applied for a reason in its data, its bytes untouched."""

    record: LogRecord
    reason: str
    detail: str

    @property
    def source(self) -> Source:
        """Where it lies."""
        return source_of(self.record)


@dataclass(frozen=True, slots=True)
class Sorted:
    """A partition's records by what their headers say; `taken` keeps the order of the log.

    `retries`: those of the taken ones that are retries, each with the dead letter that it is the retry of.
    """

    taken: Sequence[LogRecord]
    filtered: int
    control: int
    retries: Sequence[tuple[LogRecord, Source]] = ()

    def __add__(self, other: "Sorted") -> "Sorted":
        """Join records with those that follow them."""
        taken, retries = (*self.taken, *other.taken), (*self.retries, *other.retries)
        return Sorted(taken, self.filtered + other.filtered, self.control + other.control, retries)


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """The account of one range of one partition."""

    part: Part
    first: int
    next: int
    tally: Tally


def source_of(record: LogRecord) -> Source:
    """Return where a record lies."""
    return Source(record.topic, record.partition, record.offset)


def part_batch(part: Part, epoch: int, expected: int, records: Sequence[LogRecord], only_store: str | None = None) -> PartBatch:
    """Accept records that begin at the expected offset and leave none out; OffsetGap otherwise."""
    offset = expected
    for record in records:
        if record.offset != offset:
            raise OffsetGap(part, offset, record.offset)
        offset += 1
    latest = max(record.timestamp for record in records)
    return PartBatch(part, epoch, expected, offset, datetime.fromtimestamp(latest / 1000, UTC), records, only_store)


def grown(before: PartBatch, more: Sequence[LogRecord]) -> PartBatch:
    """Return a partition's batch with the records that follow it; OffsetGap where they do not."""
    added = part_batch(before.part, before.epoch, before.next, more, before.only_store)
    latest = max(before.recorded_at, added.recorded_at)
    return replace(added, first=before.first, recorded_at=latest, records=[*before.records, *more])


def shortened(batch: Batch, ends: Mapping[Part, int]) -> Batch:
    """Return the batch whose partitions end before the given offsets, each of which lies within its range."""
    return replace(batch, parts=tuple(_until(part, ends.get(part.part, part.next)) for part in batch.parts))


def _until(part: PartBatch, end: int) -> PartBatch:
    records = part.records[: end - part.first]
    return part_batch(part.part, part.epoch, part.first, records, part.only_store)


def is_control(event_type: str | None) -> bool:
    """Tell whether a type moves clocks and says nothing of a store."""
    declared = EVENT_TYPES.get(event_type or "")
    return declared is not None and declared.kind == "control"


def sort_records(batch: PartBatch, covers: Covers) -> Sorted:
    """Split a partition's records by their type header; where a batch is for one store, records of others are filtered, but no ticks.

    What has no type, or one that nobody declared, is taken: it is the projection's to refuse, never to pass over.
    """
    if batch.only_store is not None:
        mine = [record for record in batch.records if _concerns(record, batch.only_store)]
        of_store = sort_records(replace(batch, records=mine, only_store=None), covers)
        return replace(of_store, filtered=of_store.filtered + len(batch.records) - len(mine))
    types = covers.get(batch.part.topic, frozenset())
    taken, retries, filtered, control = [], [], 0, 0
    for record in batch.records:
        headers = dict(record.headers)  # looked at once for all that is asked: a projection of everything reads each record of the log
        event_type = _text(headers.get("ce_type"))
        if types is None or event_type in types or event_type not in EVENT_TYPES:
            taken.append(record)
            if (of := parse_source(_text(headers.get(RETRY_HEADER)))) is not None:
                retries.append((record, of))
        elif is_control(event_type):
            control += 1
        else:
            filtered += 1
    return Sorted(tuple(taken), filtered, control, tuple(retries))


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "replace")


def retry_of(record: LogRecord) -> Source | None:
    """Return the dead letter that a record is the retry of."""
    return parse_source(header(record.headers, RETRY_HEADER))


def parse_source(found: str | None) -> Source | None:
    """Read `topic/partition/offset`; None where it is something else."""
    fields = found.rsplit("/", 2) if found else []
    if len(fields) != 3 or not all(field.isascii() and field.isdecimal() and len(field) < 19 for field in fields[1:]):
        return None
    return Source(fields[0], int(fields[1]), int(fields[2]))


def _concerns(record: LogRecord, store_id: str) -> bool:
    return header(record.headers, "ce_storeid") == store_id or is_control(peek_type(record.headers))


def account(batch: PartBatch, split: Sorted, outcomes: Mapping[Source, Outcome]) -> LedgerRow:
    """Write the account of a range; a taken record without an outcome was applied."""
    found = dict.fromkeys(Outcome, 0)
    if not outcomes:
        found[Outcome.APPLIED] = len(split.taken)
    for record in split.taken if outcomes else ():
        found[outcomes.get(source_of(record), Outcome.APPLIED)] += 1
    tally = Tally(
        applied=found[Outcome.APPLIED],
        repeats=found[Outcome.REPEAT],
        filtered=found[Outcome.FILTERED] + split.filtered,
        control=found[Outcome.CONTROL] + split.control,
        dead=found[Outcome.DEAD],
    )
    if tally.consumed != batch.next - batch.first:
        raise AssertionError(f"{tally} does not account for [{batch.first}, {batch.next})")
    return LedgerRow(batch.part, batch.first, batch.next, tally)
