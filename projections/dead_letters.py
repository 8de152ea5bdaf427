"""Dead letters are rows: noted with the position that passes them, settled when a retry is applied, and too many of them halt.

Reading them is in `letter_reader`, deciding about them in `letter_decisions`.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.codec import event_uuid, header
from contracts.records import Headers
from projections.batching import RETRY_HEADER, Batch, DeadLetter, Part, Source, parse_source, retry_of
from projections.errors import LimitPassed, TooManyDeadLetters
from projections.options import DeadLetterLimit

PROCESSORS = "processors"
"""The name under which the rule workers' dead letters are kept."""
_MAX_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class LetterKey:
    """Identity of a dead letter: who could not apply which record."""

    projection: str
    topic: str
    part: int
    record_offset: int
    generation: int = 1

    @property
    def source(self) -> Source:
        """Where the record lies."""
        return Source(self.topic, self.part, self.record_offset)


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter as it is kept; who decided about it and why, where somebody has."""

    key: LetterKey
    event_id: UUID | None
    tenant_id: str | None
    store_id: str | None
    event_type: str | None
    reason: str
    detail: str
    record_key: bytes | None
    value: bytes | None
    headers: Headers
    recorded_at: datetime
    disposition: str
    attempts: int
    noted_at: datetime
    updated_at: datetime
    decided_by: str | None = None
    decision_reason: str | None = None
    correction_id: UUID | None = None


_INSERT = text(
    """
    INSERT INTO delivery.dead_letters (projection, generation, topic, part, record_offset, event_id, tenant_id, store_id, event_type,
                                       reason, detail, key, value, headers, recorded_at, disposition, attempts)
    VALUES (:projection, :generation, :topic, :part, :record_offset, :event_id, :tenant_id, :store_id, :event_type,
            :reason, :detail, :key, :value, :headers, :recorded_at,
            coalesce((SELECT decision FROM write.letter_decisions
                      WHERE projection IN (:projection, '*') AND topic = :topic AND part = :part
                        AND record_offset = :record_offset AND recorded_at = :recorded_at ORDER BY decision DESC LIMIT 1),
                     (SELECT decision FROM write.letter_decisions
                      WHERE projection = :projection AND topic = :of_topic AND part = :of_part AND record_offset = :of_offset
                        AND decision = 'discarded' AND :recorded_at <= decided_at + interval '1 minute' LIMIT 1), 'open'),
            1 + coalesce((SELECT attempts FROM delivery.dead_letters
                          WHERE projection = :projection AND generation = :generation
                            AND topic = :of_topic AND part = :of_part AND record_offset = :of_offset), 0))
    ON CONFLICT DO NOTHING
    """
).bindparams(bindparam("headers", type_=JSONB))

_APPLIED = text(
    """
    UPDATE delivery.dead_letters SET disposition = 'applied', updated_at = now()
    WHERE projection = :projection AND generation = :generation AND topic = :topic AND part = :part
      AND record_offset = :record_offset AND disposition IN ('open', 'retried')
    RETURNING headers
    """
)

_PASSES = text(
    """
    SELECT min(record_offset) FROM (
        SELECT record_offset,
               count(*) OVER (ORDER BY record_offset RANGE BETWEEN CAST(:among AS bigint) - 1 PRECEDING AND CURRENT ROW) AS found
        FROM delivery.dead_letters
        WHERE projection = :projection AND generation = :generation AND topic = :topic AND part = :part
          AND record_offset > :first - :among AND disposition = 'open'
    ) AS letters WHERE found > :open AND record_offset >= :first
    """
)


def _clean(found: str | None) -> str | None:
    return None if found is None else found.replace("\x00", "�")[:_MAX_TEXT]


def letter_row(projection: str, generation: int, letter: DeadLetter, source: Source, retried: Source | None) -> dict[str, object]:
    """Return the parameters of a dead letter's row; the record's bytes stay as they are."""
    record = letter.record
    return {
        "projection": projection,
        "generation": generation,
        "topic": source.topic,
        "part": source.part,
        "record_offset": source.offset,
        "event_id": event_uuid(record.headers),
        "tenant_id": _clean(header(record.headers, "ce_tenantid")),
        "store_id": _clean(header(record.headers, "ce_storeid")),
        "event_type": _clean(header(record.headers, "ce_type")),
        "reason": letter.reason,
        "detail": _clean(letter.detail),
        "key": record.key,
        "value": record.value,
        "headers": [[_clean(name), None if value is None else b64encode(value).decode()] for name, value in record.headers],
        "recorded_at": datetime.fromtimestamp(record.timestamp / 1000, UTC),
        "of_topic": retried.topic if retried else None,
        "of_part": retried.part if retried else None,
        "of_offset": retried.offset if retried else None,
    }


async def insert_letters(conn: AsyncConnection, rows: Sequence[dict[str, object]]) -> int:
    """Insert rows made by `letter_row`; what is there already stays as it is. Returns how many were new."""
    return sum([(await conn.execute(_INSERT, row)).rowcount for row in rows])


async def note_letters(conn: AsyncConnection, batch: Batch, letters: Sequence[DeadLetter]) -> None:
    """Keep the dead letters of a batch, within the transaction that advances its positions."""
    rows = [letter_row(batch.projection, batch.generation, item, item.source, retry_of(item.record)) for item in letters]
    await insert_letters(conn, rows)


async def refuse_excess(conn: AsyncConnection, batch: Batch, letters: Sequence[DeadLetter], limit: DeadLetterLimit) -> None:
    """Raise LimitPassed when the letters just noted pass the limit of a partition before its range in the batch ends."""
    ends: dict[Part, int] = {}
    touched = {(letter.source.topic, letter.source.part) for letter in letters}
    for part in batch.parts:
        if part.part in touched:
            bound = {"projection": batch.projection, "generation": batch.generation, "topic": part.part.topic, "part": part.part.number}
            bound |= {"first": part.first, "among": limit.among, "open": limit.open}
            passed = (await conn.execute(_PASSES, bound)).scalar_one()
            if passed is not None and passed + 1 < part.next:
                ends[part.part] = passed + 1
    if ends:
        raise LimitPassed(ends)


async def settle_retried(conn: AsyncConnection, batch: Batch, sources: Sequence[Source]) -> None:
    """Mark the letters whose retried record this projection has now applied (or had applied before).

    A letter may be the failed retry of an earlier one, which then is settled as well.
    """
    waiting = list(sources)
    while waiting:
        source = waiting.pop()
        place = {"topic": source.topic, "part": source.part, "record_offset": source.offset}
        applied = await conn.execute(_APPLIED, {"projection": batch.projection, "generation": batch.generation, **place})
        waiting += [earlier for (headers,) in applied if (earlier := parse_source(header(read_headers(headers), RETRY_HEADER)))]


def read_headers(kept: Sequence[tuple[str, str | None]]) -> Headers:
    """Return headers as they were on the log, from how they are kept."""
    return [(name, b64decode(value or "")) for name, value in kept]


async def check_limit(
    conn: AsyncConnection, projection: str, generation: int, part: Part, next_offset: int, limit: DeadLetterLimit
) -> None:
    """Raise TooManyDeadLetters when too many of the last records of a partition are open dead letters."""
    found = await conn.execute(
        text(
            """
            SELECT count(*) FROM delivery.dead_letters
            WHERE projection = :projection AND generation = :generation AND topic = :topic AND part = :part
              AND record_offset >= :since AND disposition = 'open'
            """
        ),
        {
            "projection": projection,
            "generation": generation,
            "topic": part.topic,
            "part": part.number,
            "since": next_offset - limit.among,
        },
    )
    count = int(found.scalar_one())
    if count > limit.open:
        raise TooManyDeadLetters(projection, f"{part.topic}/{part.number}", count, limit.open, limit.among)
