"""What a fold wants written to the log: derived events, dead letters with their bytes untouched, and progress."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from operator import itemgetter
from uuid import UUID

from contracts.codec import encode
from contracts.envelope import CHAIN_WIDE, Envelope, Event
from contracts.events.control import RuleProgressed
from contracts.events.registry import ALERT_CHANGED, REORDER_RECOMMENDED, RULE_PROGRESSED, SALES_OBSERVED
from contracts.fields import Model
from contracts.identifiers import derived_id
from contracts.records import Headers, LogRecord, OutboundRecord
from contracts.topics import ALERTS, CHAIN_OBSERVATIONS, DEAD_LETTERS, REORDER_RECOMMENDATIONS
from processors.partition_clock import Clock
from processors.rules.rule import Derived
from processors.stages import Stage

TOPIC_OF = {ALERT_CHANGED: ALERTS, REORDER_RECOMMENDED: REORDER_RECOMMENDATIONS, SALES_OBSERVED: CHAIN_OBSERVATIONS}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to write; a dead letter's key and value may be missing as they were."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    partition: int | None = None


_position = itemgetter(0)


def in_order(rows: Iterable[tuple[int, Outgoing]]) -> tuple[Outgoing, ...]:
    """Return records by the position that each came of; those of one in the order in which they came."""
    return tuple(record for _, record in sorted(rows, key=_position))


def derived_record(rule: str, made: Derived, tenant_id: str, store_id: str, cause: UUID) -> Outgoing:
    """Write a rule's event: everything in it follows from the log. What is compared across a chain is kept together by it."""
    envelope = Envelope(
        id=made.id,
        source=f"rules/{rule}",
        type=made.type,
        occurred_at=made.occurred_at,
        subject=made.subject,
        tenant_id=tenant_id,
        store_id=made.store_id or store_id,
        business_date=date.fromisoformat(made.business_date) if made.business_date else None,
        causation_id=cause,
    )
    topic = TOPIC_OF[made.type]
    record = _outgoing(encode(Event(envelope, made.data), topic))
    return replace(record, key=f"chain:{tenant_id}".encode()) if topic == CHAIN_OBSERVATIONS else record


def progress_records(stage: Stage, partition: int, next_offset: int, clock: Clock, tenant_id: str) -> Iterator[Outgoing]:
    """Say that everything below `next_offset` is applied: to the alerts, and to every partition of the next stage."""
    envelope = Envelope(
        id=derived_id("progress", *(() if stage.name == "stores" else (stage.name,)), str(partition), str(next_offset)),
        source="rules/progress",
        type=RULE_PROGRESSED,
        occurred_at=clock.now,
        tenant_id=tenant_id,
        store_id=CHAIN_WIDE,
    )
    data = RuleProgressed(
        partition=partition,
        next_offset=next_offset,
        clock=clock.now,
        stage=stage.name,
        partitions=stage.partitions,
        time="simulated" if clock.simulated else "live",
    )
    content: Event[Model] = Event(envelope, data)
    yield _outgoing(encode(content, ALERTS, partition))
    for number in range(stage.tells):
        yield _outgoing(encode(content, CHAIN_OBSERVATIONS, number))


def dead_letter(record: LogRecord, topic: str, reason: str, detail: str) -> Outgoing:
    """Pass a record on as it is, with why and from where; `topic` is its topic's own name, which a shared cluster prefixes."""
    told = (
        ("x-reason", reason),
        ("x-detail", detail[:2000]),
        ("x-source-topic", topic),
        ("x-source-partition", str(record.partition)),
        ("x-source-offset", str(record.offset)),
    )
    headers = [*record.headers, *((name, text.encode()) for name, text in told)]
    return Outgoing(DEAD_LETTERS, record.key, record.value, headers)


def _outgoing(record: OutboundRecord) -> Outgoing:
    return Outgoing(record.topic, record.key, record.value, record.headers, record.partition)
