"""Read dead letters: which of them fit, one whole, how many there are; limited to what the asker may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.dead_letters import Letter, LetterKey, read_headers


class UnknownLetter(Exception):
    """No dead letter has this key, or the asker may not see it."""


@dataclass(frozen=True, slots=True)
class LetterScope:
    """Whose letters may be seen: of one chain, and there of some stores; None is no limit.

    A record that does not say whose it is can only be seen without a limit.
    """

    tenant_id: str | None = None
    stores: Sequence[str] | None = None


EVERYTHING: Final = LetterScope()
"""The operator of a stack sees every chain."""


@dataclass(frozen=True, slots=True)
class LetterSearch:
    """What letters must be like; None does not filter. Without a generation they are of the one that serves.

    `since` and `until` are about the time at which a letter was noted; `until` itself is not included.
    """

    projection: str | None = None
    disposition: str | None = "open"
    event_type: str | None = None
    store_id: str | None = None
    reason: str | None = None
    event_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class LetterCount:
    """How many letters of a projection's serving generation have a reason and a disposition."""

    projection: str
    reason: str
    disposition: str
    letters: int


_FROM: Final = """
    FROM delivery.dead_letters l
    LEFT JOIN (SELECT projection, generation, serving FROM delivery.generations) g USING (projection, generation)
    LEFT JOIN LATERAL (
        SELECT decided_by, d.reason AS decision_reason, correction_id FROM write.letter_decisions d
        WHERE d.projection IN (l.projection, '*') AND (d.topic, d.part, d.record_offset, d.recorded_at)
              = (l.topic, l.part, l.record_offset, l.recorded_at)
        ORDER BY decision DESC LIMIT 1
    ) decided ON l.disposition IN ('discarded', 'corrected')
"""
_COLUMNS: Final = """l.projection, l.generation, topic, part, record_offset, event_id, tenant_id, store_id, event_type, reason, detail,
    key, value, headers, recorded_at, disposition, attempts, noted_at, updated_at, decided_by, decision_reason, correction_id"""
_SEEN: Final = """
    (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
    AND (CAST(:stores AS text[]) IS NULL OR store_id = ANY(:stores))
"""
_SEARCH: Final = text(
    f"""
    SELECT {_COLUMNS} {_FROM}
    WHERE {_SEEN}
      AND CASE WHEN CAST(:generation AS int) IS NULL THEN coalesce(g.serving, true) ELSE l.generation = :generation END
      AND (CAST(:projection AS text) IS NULL OR l.projection = :projection)
      AND (CAST(:disposition AS text) IS NULL OR disposition = :disposition)
      AND (CAST(:event_type AS text) IS NULL OR event_type = :event_type)
      AND (CAST(:store_id AS text) IS NULL OR store_id = :store_id)
      AND (CAST(:reason AS text) IS NULL OR reason = :reason)
      AND (CAST(:event_id AS uuid) IS NULL OR event_id = :event_id)
      AND (CAST(:since AS timestamptz) IS NULL OR noted_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR noted_at < :until)
      AND (l.projection, l.generation, topic, part, record_offset)
          > (:after_projection, :after_generation, :after_topic, :after_part, :after_offset)
    ORDER BY l.projection, l.generation, topic, part, record_offset LIMIT :limit
    """
).bindparams(bindparam("stores", type_=ARRAY(TEXT)))
_FIND: Final = text(
    f"""
    SELECT {_COLUMNS} {_FROM}
    WHERE {_SEEN} AND l.projection = :projection AND l.generation = :generation
      AND topic = :topic AND part = :part AND record_offset = :record_offset
    """
).bindparams(bindparam("stores", type_=ARRAY(TEXT)))
_GENERATIONS: Final = text(
    """
    SELECT generation FROM delivery.dead_letters
    WHERE projection = :projection AND topic = :topic AND part = :part AND record_offset = :record_offset ORDER BY generation
    """
)
_COUNT: Final = text(
    """
    SELECT projection, reason, disposition, count(*) AS letters
    FROM delivery.dead_letters LEFT JOIN (SELECT projection, generation, serving FROM delivery.generations) g USING (projection, generation)
    WHERE coalesce(g.serving, true) GROUP BY projection, reason, disposition ORDER BY projection, reason, disposition
    """
)


async def list_letters(
    engine: AsyncEngine, search: LetterSearch, scope: LetterScope = EVERYTHING, after: LetterKey | None = None, limit: int = 100
) -> list[Letter]:
    """Return letters in the order of their keys, beginning after one."""
    wanted = {name: getattr(search, name) for name in LetterSearch.__slots__}
    begin = {
        "after_projection": after.projection if after else "",
        "after_generation": after.generation if after else -1,
        "after_topic": after.topic if after else "",
        "after_part": after.part if after else -1,
        "after_offset": after.record_offset if after else -1,
    }
    async with engine.connect() as conn:
        rows = await conn.execute(_SEARCH, {**wanted, **begin, **_seen(scope), "limit": limit})
        return [_letter(row) for row in rows]


async def show_letter(engine: AsyncEngine, key: LetterKey, scope: LetterScope = EVERYTHING) -> Letter:
    """Return one letter; UnknownLetter when there is none."""
    async with engine.connect() as conn:
        return await find_letter(conn, key, scope)


async def find_letter(conn: AsyncConnection, key: LetterKey, scope: LetterScope = EVERYTHING) -> Letter:
    """Return one letter within the caller's transaction; UnknownLetter when there is none."""
    row = (await conn.execute(_FIND, {**key_parameters(key), **_seen(scope)})).one_or_none()
    if row is None:
        raise UnknownLetter(f"{key.projection}/{key.source}")
    return _letter(row)


async def generations_with(engine: AsyncEngine, key: LetterKey) -> list[int]:
    """Return which generations of the read model have a letter about the record of this one."""
    async with engine.connect() as conn:
        return list((await conn.execute(_GENERATIONS, key_parameters(key))).scalars())


async def count_letters(engine: AsyncEngine) -> list[LetterCount]:
    """Count the letters of the serving generations and of the rules."""
    async with engine.connect() as conn:
        return [LetterCount(*row) for row in await conn.execute(_COUNT)]


def key_parameters(key: LetterKey) -> dict[str, object]:
    """Return a key as the parameters of a statement."""
    return {
        "projection": key.projection,
        "generation": key.generation,
        "topic": key.topic,
        "part": key.part,
        "record_offset": key.record_offset,
    }


def _seen(scope: LetterScope) -> dict[str, object]:
    return {"tenant_id": scope.tenant_id, "stores": None if scope.stores is None else list(scope.stores)}


def _letter(row: Row[Any]) -> Letter:
    return Letter(
        key=LetterKey(row.projection, row.topic, row.part, row.record_offset, row.generation),
        event_id=row.event_id,
        tenant_id=row.tenant_id,
        store_id=row.store_id,
        event_type=row.event_type,
        reason=row.reason,
        detail=row.detail,
        record_key=row.key,
        value=row.value,
        headers=read_headers(row.headers),
        recorded_at=row.recorded_at,
        disposition=row.disposition,
        attempts=row.attempts,
        noted_at=row.noted_at,
        updated_at=row.updated_at,
        decided_by=row.decided_by,
        decision_reason=row.decision_reason,
        correction_id=row.correction_id,
    )
