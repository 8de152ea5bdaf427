"""What the state machine of the protocol plays with: the stores, two workers and a judge, and a log in memory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.codec import decode
from contracts.envelope import Event
from contracts.records import OutboundRecord, RawRecord
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.kafka.publisher import NotDurable, Position
from projections.batching import Part
from projections.generations import register
from projections.options import Safeguards
from tests.projections.protocol.subjects import Subject
from tests.projections.protocol.workers import Worker
from tests.projections.story import RECORDED


@dataclass
class Theatre:
    """What all examples of a law share: the stores, two workers, and somebody who looks."""

    place: Addresses
    subject: Subject
    workers: Sequence[Worker]
    judge: Worker
    postgres: psycopg.Connection[Any]

    def forget(self, parts: Sequence[Part]) -> None:
        """Delete what was delivered of some partitions, so that later examples have less to look through."""
        numbers = [part.number for part in parts]
        for table in ("positions", "ledger", "dead_letters"):
            self.postgres.execute(f"DELETE FROM delivery.{table} WHERE part = ANY(%s)".encode(), [numbers])


@contextmanager
def theatre(place: Addresses, make: Callable[[Addresses], Subject], safeguards: Safeguards) -> Iterator[Theatre]:
    """Open the stores for the examples of one law."""
    subject = make(place)
    crew = [Worker(subject.projection, place, safeguards, subject.sink) for _ in range(3)]
    with psycopg.connect(place.postgres_dsn, autocommit=True) as connection:
        try:
            crew[2].ask(lambda engine: _register(engine, subject.projection))
            yield Theatre(place, subject, crew[:2], crew[2], connection)
        finally:
            for worker in crew:
                worker.ends()
            subject.close()


async def _register(engine: AsyncEngine, projection: str) -> None:
    async with engine.begin() as conn:
        await register(conn, projection, 1, 1, "log")


@dataclass
class Partition:
    """One partition: its log, how far it was applied, who owns it, and until where its store may be ahead."""

    part: Part
    store: str
    log: list[RawRecord] = field(default_factory=list)
    events: list[Event[Any]] = field(default_factory=list)
    position: int = 0
    owner: Worker | None = None
    written_until: int = 0

    @property
    def is_certain(self) -> bool:
        """Tell whether the store should hold exactly what lies before the position."""
        return self.position >= self.written_until

    def append(self, record: OutboundRecord, value: bytes | None = None) -> int:
        """Put a record on the log, its value as it is or another one; return its offset."""
        offset = len(self.log)
        milliseconds = int(RECORDED.timestamp() * 1000) + offset
        content = record.value if value is None else value
        self.log.append(RawRecord(*self.part, offset, milliseconds, record.key, content, record.headers))
        return offset


class LogInMemory:
    """The log as somebody who decides about letters writes to it."""

    def __init__(self, partitions: Sequence[Partition]) -> None:
        self._by_number = {each.part.number: each for each in partitions}

    async def publish(self, records: Sequence[OutboundRecord], timeout_seconds: float) -> list[Position | NotDurable]:
        """Append; nobody has to be waited for."""
        del timeout_seconds
        numbers = [each.partition or 0 for each in records]
        offsets = [self._by_number[number].append(each) for number, each in zip(numbers, records, strict=True)]
        return [Position(STORE_FACTS, number, offset, 0) for number, offset in zip(numbers, offsets, strict=True)]


def first_of(records: Sequence[RawRecord]) -> dict[tuple[str, Any], int]:
    """Return the events of readable records, and where each came first."""
    found: dict[tuple[str, Any], int] = {}
    for record in records:
        event = decode(record)
        found.setdefault((event.store_id, event.id), record.offset)
    return found
