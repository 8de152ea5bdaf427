"""Read the quarantine: pages of entries by what is asked for and who asks, one entry whole, and how many there are."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from contracts.errors import Problem
from producers.quarantine import QUARANTINE

Status = Literal["open", "resubmitted", "discarded"]
SHOWN_BYTES = 4_096
"""A body up to this size is part of a page; a larger one is read with its entry."""

_C = QUARANTINE.c


class UnknownEntry(LookupError):
    """There is no such entry, or not for whoever asks."""


@dataclass(frozen=True, slots=True)
class Visibility:
    """Which entries somebody may see; None sets no bound. Entries of no store are seen by those who see every store."""

    tenant_id: str | None = None
    store_ids: tuple[str, ...] | None = None

    def condition(self) -> ColumnElement[bool]:
        """Return the bound as a condition on the table."""
        bounds: list[ColumnElement[bool]] = [true()]
        if self.tenant_id is not None:
            bounds.append(_C.tenant_id == self.tenant_id)
        if self.store_ids is not None:
            bounds.append(_C.store_id.in_(self.store_ids) if self.store_ids else false())
        return and_(*bounds)


@dataclass(frozen=True, slots=True)
class Search:
    """What to list; a source stands also for everything below it (`till/A` for `till/A/1`)."""

    source: str | None = None
    code: str | None = None
    status: Status | None = None
    store_id: str | None = None
    since: datetime | None = None

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """Add the conditions to a query."""
        if self.source is not None:
            query = query.where(or_(_C.source == self.source, _C.source.startswith(f"{self.source}/", autoescape=True)))
        for column, wanted in ((_C.code, self.code), (_C.status, self.status), (_C.store_id, self.store_id)):
            if wanted is not None:
                query = query.where(column == wanted)
        return query if self.since is None else query.where(_C.noted_at >= self.since)


class EntryCursor(NamedTuple):
    """The last entry of a page; the newest come first."""

    noted_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was refused, and what became of it; `raw` is None where a page leaves a large body out."""

    id: UUID
    tenant_id: str | None
    store_id: str | None
    device_id: str | None
    source: str
    kind: Literal["line", "event"]
    content_type: str
    line_number: int | None
    code: str
    pointer: str
    expected: str
    problems: tuple[Problem, ...]
    raw: bytes | None
    raw_bytes: int
    noted_at: datetime
    last_seen_at: datetime
    seen_count: int
    status: Status
    attempts: int
    expires_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution_reason: str | None
    resubmitted_event_id: UUID | None

    @property
    def cursor(self) -> EntryCursor:
        """Where the next page begins."""
        return EntryCursor(self.noted_at, self.id)


@dataclass(frozen=True, slots=True)
class EntryCount:
    """How many entries have a source, a code and a status."""

    source: str
    code: str
    status: str
    entries: int


_SIZE = func.octet_length(_C.raw).label("raw_bytes")
_PLAIN = [_C[field.name] for field in fields(Entry) if field.name not in {"raw", "raw_bytes"}]
_SHORT_BODY = case((func.octet_length(_C.raw) <= SHOWN_BYTES, _C.raw)).label("raw")


async def read_entries(
    engine: AsyncEngine, visible: Visibility, search: Search, after: EntryCursor | None = None, limit: int = 100
) -> list[Entry]:
    """Return a page of entries, the newest first."""
    query = search.narrow(select(*_PLAIN, _SHORT_BODY, _SIZE).where(visible.condition()))
    if after is not None:
        query = query.where(tuple_(_C.noted_at, _C.id) < tuple_(*after))
    async with engine.connect() as connection:
        found = await connection.execute(query.order_by(_C.noted_at.desc(), _C.id.desc()).limit(limit))
        return [_entry(dict(row)) for row in found.mappings()]


async def read_entry(connection: AsyncConnection, visible: Visibility, entry_id: UUID, lock: bool = False) -> Entry:
    """Return one entry with its body, held against others until the transaction ends where asked; UnknownEntry when there is none."""
    query = select(*_PLAIN, _C.raw, _SIZE).where(visible.condition(), _C.id == entry_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    if row is None:
        raise UnknownEntry(str(entry_id))
    return _entry(dict(row))


async def count_entries(engine: AsyncEngine, visible: Visibility) -> list[EntryCount]:
    """Count entries by source, code and status."""
    keys = (_C.source, _C.code, _C.status)
    query = select(*keys, func.count()).where(visible.condition()).group_by(*keys).order_by(*keys)
    async with engine.connect() as connection:
        return [EntryCount(*row) for row in await connection.execute(query)]


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(**row | {"problems": tuple(Problem(**problem) for problem in row["problems"])})
