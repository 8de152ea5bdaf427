"""Keep what could not become an event: its exact bytes, where it stood, what was wrong and what was expected."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, LargeBinary, MetaData, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import insert

from contracts.identifiers import derived_id
from producers.sources.mapped_csv import RefusedLine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_BATCH = 500

QUARANTINE = Table(
    "quarantine",
    MetaData(schema="write"),
    Column("id", Uuid, primary_key=True),
    Column("source", Text, nullable=False),
    Column("line_number", BigInteger),
    Column("code", Text, nullable=False),
    Column("pointer", Text, nullable=False),
    Column("expected", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("noted_at", DateTime(timezone=True), nullable=False),
    Column("status", Text, nullable=False),
)
"""The table as this writer sees it; the migrations own its definition."""


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


class Quarantine(Protocol):
    """Where refused lines go. Adding a line that is there already changes nothing."""

    async def add(self, rows: Sequence[QuarantinedLine]) -> None:
        """Keep the lines durably before returning."""
        ...


class PostgresQuarantine:
    """The quarantine of the write model."""

    def __init__(self, engine: "AsyncEngine") -> None:
        self._engine = engine

    async def add(self, rows: Sequence[QuarantinedLine]) -> None:
        """Insert the lines that are not there yet, in one transaction."""
        statement = insert(QUARANTINE).on_conflict_do_nothing(index_elements=["id"])
        async with self._engine.begin() as connection:
            for start in range(0, len(rows), _BATCH):
                values = [asdict(row) | {"status": "open", "noted_at": func.now()} for row in rows[start : start + _BATCH]]
                await connection.execute(statement.values(values))
