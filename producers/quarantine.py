"""Keep what could not become an event: its exact bytes, where it came from, what was wrong and what was expected.

Refused lines of files and refused events of posts end in one table; what is decided about them later is not said here.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB, insert

from contracts.errors import Problem
from contracts.identifiers import derived_id
from infra.clock import utc_now
from producers.sources.mapped_csv import RefusedLine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

KEPT_FOR = timedelta(days=90)
"""How long an open entry is kept after it was first noted."""
_BATCH = 500

QUARANTINE = Table(
    "quarantine",
    MetaData(schema="write"),
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Text),
    Column("store_id", Text),
    Column("device_id", Text),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("line_number", BigInteger),
    Column("code", Text, nullable=False),
    Column("pointer", Text, nullable=False),
    Column("expected", Text, nullable=False),
    Column("problems", JSONB, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("noted_at", DateTime(timezone=True), nullable=False),
    Column("last_seen_at", DateTime(timezone=True), nullable=False),
    Column("seen_count", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("resolved_at", DateTime(timezone=True)),
    Column("resolved_by", Text),
    Column("resolution_reason", Text),
    Column("resubmitted_event_id", Uuid),
)
"""The table as its writers and readers see it; the migrations own its definition."""


@dataclass(frozen=True, slots=True)
class QuarantinedLine:
    """One refused line; `raw` are the bytes of the file."""

    id: UUID
    source: str
    line_number: int
    code: str
    pointer: str
    expected: str
    raw: bytes


def quarantined(source: str, refused: RefusedLine, encoding: str) -> QuarantinedLine:
    """Describe a refused line; its id comes from source, line and text, so that loading a file again adds nothing."""
    row, problem = refused.row, refused.problem
    raw = row.raw.encode(encoding, "surrogateescape")
    return QuarantinedLine(
        id=derived_id("quarantine", source, str(row.number), raw.hex()),
        source=source,
        line_number=row.number,
        code=problem.code,
        pointer=problem.pointer,
        expected=problem.expected,
        raw=raw,
    )


@dataclass(frozen=True, slots=True)
class QuarantinedEvent:
    """One refused event; `raw` are the bytes of its document, `problems` is never empty."""

    tenant_id: str
    store_id: str | None
    device_id: str | None
    source: str
    content_type: str
    problems: tuple[Problem, ...]
    raw: bytes

    @property
    def id(self) -> UUID:
        """The same for the same bytes of the same source, so that what is sent every minute stays one entry."""
        return derived_id("quarantine", "event", self.tenant_id, self.source, self.raw.hex())


class Quarantine(Protocol):
    """Where refused lines go. Adding a line that is there already changes nothing."""

    async def add(self, rows: Sequence[QuarantinedLine]) -> None:
        """Keep the lines durably before returning."""
        ...


class PostgresQuarantine:
    """The quarantine of the write model. Lines belong to `tenant_id`; without it only the operator of the stack sees them."""

    def __init__(self, engine: "AsyncEngine", tenant_id: str | None = None, now: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._tenant_id = tenant_id
        self._now = now

    async def add(self, rows: Sequence[QuarantinedLine]) -> None:
        """Insert the lines that are not there yet, in one transaction."""
        statement = insert(QUARANTINE).on_conflict_do_nothing(index_elements=["id"])
        begun = _beginning(self._now()) | {"tenant_id": self._tenant_id, "kind": "line", "content_type": "text/csv", "seen_count": 1}
        async with self._engine.begin() as connection:
            for start in range(0, len(rows), _BATCH):
                values = [asdict(row) | {"problems": [_problem_of(row)]} | begun for row in rows[start : start + _BATCH]]
                await connection.execute(statement.values(values))

    async def add_events(self, events: Sequence[QuarantinedEvent]) -> None:
        """Insert refused events in one transaction; one that is there already is counted once more, whatever was decided about it."""
        seen = Counter(event.id for event in events)
        kept = sorted({event.id: event for event in events}.items())  # in one order everywhere: two writers cannot wait for each other
        new = insert(QUARANTINE)
        count = QUARANTINE.c.seen_count + new.excluded.seen_count
        latest = func.greatest(QUARANTINE.c.last_seen_at, new.excluded.last_seen_at)
        statement = new.on_conflict_do_update(index_elements=["id"], set_={"seen_count": count, "last_seen_at": latest})
        begun = _beginning(self._now())
        async with self._engine.begin() as connection:
            for start in range(0, len(kept), _BATCH):
                values = [_event_row(event) | begun | {"id": id_, "seen_count": seen[id_]} for id_, event in kept[start : start + _BATCH]]
                await connection.execute(statement.values(values))


def _beginning(now: datetime) -> dict[str, object]:
    return {"status": "open", "attempts": 0, "noted_at": now, "last_seen_at": now, "expires_at": now + KEPT_FOR}


def _problem_of(row: QuarantinedLine) -> dict[str, str]:
    return asdict(Problem(row.code, row.pointer, row.expected))


def _event_row(event: QuarantinedEvent) -> dict[str, object]:
    first = event.problems[0]
    return {
        "tenant_id": event.tenant_id,
        "store_id": event.store_id,
        "device_id": event.device_id,
        "source": event.source,
        "kind": "event",
        "content_type": event.content_type,
        "code": first.code,
        "pointer": first.pointer,
        "expected": first.expected,
        "problems": [asdict(problem) for problem in event.problems],
        "raw": event.raw,
    }
