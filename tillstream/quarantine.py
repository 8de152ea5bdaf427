"""The quarantine for the command line: describe entries, resubmit them on the API's own way to the log, discard, expire."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.resubmission import Desk
from api.schemas.events import ItemResult
from api.schemas.quarantine import KeptBody
from api.security.caller import EVERY_STORE, Caller
from infra.addresses import Addresses
from infra.clock import utc_now
from infra.postgres.engine import async_engine
from producers.quarantine_decisions import discard
from producers.quarantine_expiry import count_expiring, expire
from producers.quarantine_reader import Entry, EntryCount, Search, Visibility, count_entries, read_entries, read_entry
from tillstream.edge_desk import operators_edge

EVERYTHING = Visibility()
"""The operator of a stack sees every chain."""


@asynccontextmanager
async def _database(addresses: Addresses) -> AsyncIterator[AsyncEngine]:
    engine = async_engine(addresses.postgres_dsn, "tillstream-quarantine", pool_size=2)
    try:
        yield engine
    finally:
        await engine.dispose()


async def find_entries(addresses: Addresses, search: Search, limit: int) -> list[Entry]:
    """Return the newest entries that fit."""
    async with _database(addresses) as engine:
        return await read_entries(engine, EVERYTHING, search, limit=limit)


async def find_entry(addresses: Addresses, entry_id: UUID) -> Entry:
    """Return one entry whole; UnknownEntry when there is none."""
    async with _database(addresses) as engine, engine.connect() as connection:
        return await read_entry(connection, EVERYTHING, entry_id)


async def counts(addresses: Addresses) -> list[EntryCount]:
    """Count all entries by source, code and status."""
    async with _database(addresses) as engine:
        return await count_entries(engine, EVERYTHING)


async def discard_entry(addresses: Addresses, entry_id: UUID, reason: str, by: str) -> None:
    """Discard an open entry; UnknownEntry, NotOpen or ReasonMissing otherwise."""
    async with _database(addresses) as engine:
        await discard(engine, EVERYTHING, entry_id, reason, by, utc_now())


async def expire_entries(addresses: Addresses, dry_run: bool) -> Counter[str]:
    """Delete the open entries whose time is over, or only count them."""
    async with _database(addresses) as engine:
        return await (count_expiring(engine, utc_now(), timedelta(0)) if dry_run else expire(engine, utc_now()))


@dataclass(frozen=True, slots=True)
class Resubmission:
    """Which entry is sent again, with which correction, in whose name."""

    entry_id: UUID
    corrected: Path | None
    by: str


async def resubmit_entry(addresses: Addresses, time: Literal["live", "simulated"], wanted: Resubmission) -> ItemResult:
    """Send an entry again as HQ of its chain, and return what became of it; UnknownEntry, NotOpen or ApiError otherwise."""
    corrected = None if wanted.corrected is None else wanted.corrected.read_bytes()
    tenant_id = (await find_entry(addresses, wanted.entry_id)).tenant_id
    caller = Caller(wanted.by, "hq", tenant_id or "", (EVERY_STORE,))
    async with _desk(addresses, time) as desk:
        return await desk.resubmit(EVERYTHING, wanted.entry_id, caller, utc_now(), corrected)


@asynccontextmanager
async def _desk(addresses: Addresses, time: Literal["live", "simulated"]) -> AsyncIterator[Desk]:
    async with operators_edge(addresses) as (engine, edge, stores):
        yield Desk(engine, edge, stores.including, stores.tenants, time)


def describe(entry: Entry) -> list[str]:
    """Return the lines that show an entry whole."""
    body = KeptBody.of(entry.raw or b"")
    place = f" line {entry.line_number}" if entry.line_number is not None else ""
    lines = [
        f"entry       {entry.id}",
        f"what        {entry.kind} of {entry.source}{place} ({entry.content_type})",
        f"where       chain {entry.tenant_id or '?'}, store {entry.store_id or '?'}, device {entry.device_id or '?'}",
        f"noted at    {entry.noted_at.isoformat()}, seen {entry.seen_count} time(s), last {entry.last_seen_at.isoformat()}",
        f"status      {entry.status}, resubmitted {entry.attempts} time(s), {_end(entry)}",
    ]
    lines += [f"problem     {problem}" for problem in entry.problems]
    return [*lines, f"body        {entry.raw_bytes} bytes, {body.encoding}", body.content]


def _end(entry: Entry) -> str:
    if entry.status == "open":
        return f"deleted at {entry.expires_at.isoformat()} if still open"
    outcome = entry.resolution_reason or f"event {entry.resubmitted_event_id}"
    return f"by {entry.resolved_by} at {entry.resolved_at.isoformat() if entry.resolved_at else '?'}: {outcome}"


def moment(text: str) -> datetime:
    """Read a date or a time, in UTC unless it says otherwise; ValueError when it is neither."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
