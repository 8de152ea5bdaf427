"""How much of the quarantine waits, what is about to expire, and the end of what nobody decided about in time."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, delete, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from producers.quarantine import QUARANTINE

WARNED_BEFORE = timedelta(days=14)
"""How long before its end an open entry is warned of."""
_EXPIRY_LOCK = 0x7115_0090
_C = QUARANTINE.c
_ORIGIN = case(
    (_C.kind == "event", func.concat_ws("/", func.split_part(_C.source, "/", 1), func.nullif(func.split_part(_C.source, "/", 2), ""))),
    else_=_C.source,
).label("origin")


@dataclass(frozen=True, slots=True)
class OpenCount:
    """How many open entries have an origin (a source; of events, its first two parts) and a code."""

    origin: str
    code: str
    entries: int


async def count_open(engine: AsyncEngine, most: int = 500) -> list[OpenCount]:
    """Count open entries by origin and code, the largest groups first."""
    query = select(_ORIGIN, _C.code, func.count().label("entries")).where(_C.status == "open").group_by(_ORIGIN, _C.code)
    async with engine.connect() as connection:
        found = await connection.execute(query.order_by(func.count().desc(), _ORIGIN, _C.code).limit(most))
        return [OpenCount(*row) for row in found]


async def count_expiring(engine: AsyncEngine, now: datetime, within: timedelta = WARNED_BEFORE) -> Counter[str]:
    """Count by origin the open entries that expire within a time from now, those that should be gone already included."""
    query = select(_ORIGIN, func.count().label("entries")).where(_C.status == "open", _C.expires_at <= now + within).group_by(_ORIGIN)
    async with engine.connect() as connection:
        return Counter({row.origin: row.entries for row in await connection.execute(query)})


async def expire(engine: AsyncEngine, now: datetime) -> Counter[str]:
    """Delete the open entries whose time is over and return how many by source; one process at a time."""
    async with engine.begin() as connection:
        await connection.execute(select(func.pg_advisory_xact_lock(_EXPIRY_LOCK)))
        gone = await connection.execute(delete(QUARANTINE).where(_C.status == "open", _C.expires_at <= now).returning(_C.source))
        return Counter(gone.scalars())
