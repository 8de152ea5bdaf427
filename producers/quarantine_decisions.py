"""Decide about a quarantined entry: it was resubmitted, refused again, or discarded with a reason. Nothing is sent here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from producers.quarantine import QUARANTINE
from producers.quarantine_reader import Entry, Visibility, read_entry


class NotOpen(RuntimeError):
    """It was decided about the entry already."""


class ReasonMissing(ValueError):
    """Nothing is discarded without saying why."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An open entry that nobody else can decide about until the transaction ends."""

    entry: Entry
    _connection: AsyncConnection

    async def mark_resubmitted(self, event_id: UUID, by: str, now: datetime) -> None:
        """Note that the entry is an event of the log now."""
        await self._set(
            status="resubmitted", resubmitted_event_id=event_id, attempts=self.entry.attempts + 1, resolved_at=now, resolved_by=by
        )

    async def mark_refused_again(self) -> None:
        """Note that a correction was refused; nothing else changes."""
        await self._set(attempts=self.entry.attempts + 1)

    async def mark_discarded(self, reason: str, by: str, now: datetime) -> None:
        """Note that the entry will not become an event, and why."""
        await self._set(status="discarded", resolution_reason=reason, resolved_at=now, resolved_by=by)

    async def _set(self, **values: object) -> None:
        await self._connection.execute(update(QUARANTINE).where(QUARANTINE.c.id == self.entry.id).values(values))


@asynccontextmanager
async def claimed(engine: AsyncEngine, visible: Visibility, entry_id: UUID) -> AsyncIterator[Claim]:
    """Hold an open entry while the body runs, in one transaction; UnknownEntry or NotOpen otherwise."""
    async with engine.begin() as connection:
        entry = await read_entry(connection, visible, entry_id, lock=True)
        if entry.status != "open":
            raise NotOpen(f"it was {entry.status} by {entry.resolved_by}")
        yield Claim(entry, connection)


async def discard(engine: AsyncEngine, visible: Visibility, entry_id: UUID, reason: str, by: str, now: datetime) -> None:
    """Discard an open entry; ReasonMissing, UnknownEntry or NotOpen otherwise."""
    if not reason.strip():
        raise ReasonMissing("say why it is discarded")
    async with claimed(engine, visible, entry_id) as claim:
        await claim.mark_discarded(reason.strip(), by, now)
