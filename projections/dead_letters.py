"""Dead letters are rows: noted with the position that passes them, listed, shown, and retried by appending the same bytes again."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from contracts.codec import event_uuid, header
from contracts.records import Headers, LogRecord, OutboundRecord
from infra.kafka.publisher import Position, Publisher
from projections.batching import Batch, DeadLetter, Part, Source
from projections.errors import TooManyDeadLetters
from projections.options import DeadLetterLimit

RETRY_HEADER = "ce_retryof"
PROCESSORS = "processors"
"""The name under which the rule workers' dead letters are kept."""
_MAX_TEXT = 2_000


class UnknownLetter(Exception):
    """No dead letter has this key."""


class NotRetriable(Exception):
    """The letter was settled already, or has no bytes that could be sent again."""


@dataclass(frozen=True, slots=True)
class LetterKey:
    """Identity of a dead letter: who could not apply which record."""

    projection: str
    topic: str
    part: int
    record_offset: int
    generation: int = 1


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter as it is kept."""

    key: LetterKey
    event_id: UUID | None
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


_INSERT = text(
    """
    INSERT INTO delivery.dead_letters (projection, generation, topic, part, record_offset, event_id, store_id, event_type,
                                       reason, detail, key, value, headers, recorded_at, attempts)
    VALUES (:projection, :generation, :topic, :part, :record_offset, :event_id, :store_id, :event_type,
            :reason, :detail, :key, :value, :headers, :recorded_at,
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
    """
)

_COLUMNS = """projection, generation, topic, part, record_offset, event_id, store_id, event_type, reason, detail,
    key, value, headers, recorded_at, disposition, attempts, noted_at, updated_at"""


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


async def settle_retried(conn: AsyncConnection, batch: Batch, sources: Sequence[Source]) -> None:
    """Mark the dead letters whose retried record this projection has now applied (or had applied before)."""
    if sources:
        await conn.execute(
            _APPLIED,
            [
                {
                    "projection": batch.projection,
                    "generation": batch.generation,
                    "topic": source.topic,
                    "part": source.part,
                    "record_offset": source.offset,
                }
                for source in sources
            ],
        )


def retry_of(record: LogRecord) -> Source | None:
    """Return the dead letter that a record is the retry of."""
    found = header(record.headers, RETRY_HEADER)
    fields = found.rsplit("/", 2) if found else []
    if len(fields) != 3 or not all(field.isascii() and field.isdecimal() and len(field) < 19 for field in fields[1:]):
        return None
    return Source(fields[0], int(fields[1]), int(fields[2]))


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


async def list_letters(
    engine: AsyncEngine, projection: str | None = None, disposition: str | None = "open", after: LetterKey | None = None, limit: int = 100
) -> list[Letter]:
    """Return letters in the order of their keys, beginning after one; None does not filter."""
    async with engine.connect() as conn:
        rows = await conn.execute(
            text(
                f"""
                SELECT {_COLUMNS} FROM delivery.dead_letters
                WHERE (CAST(:projection AS text) IS NULL OR projection = :projection)
                  AND (CAST(:disposition AS text) IS NULL OR disposition = :disposition)
                  AND (projection, generation, topic, part, record_offset)
                      > (:after_projection, :after_generation, :after_topic, :after_part, :after_offset)
                ORDER BY projection, generation, topic, part, record_offset LIMIT :limit
                """  # noqa: S608 - the columns are ours
            ),
            {
                "projection": projection,
                "disposition": disposition,
                "after_projection": after.projection if after else "",
                "after_generation": after.generation if after else -1,
                "after_topic": after.topic if after else "",
                "after_part": after.part if after else -1,
                "after_offset": after.record_offset if after else -1,
                "limit": limit,
            },
        )
        return [_letter(row) for row in rows]


async def show_letter(engine: AsyncEngine, key: LetterKey) -> Letter:
    """Return one letter; UnknownLetter when there is none."""
    async with engine.connect() as conn:
        return await _find(conn, key, lock=False)


async def retry_letter(engine: AsyncEngine, publisher: Publisher, key: LetterKey) -> Position:
    """Append the letter's bytes to its partition again, naming what is retried, and return where.

    Whoever had applied the event sees a repeat, whoever had not applies it now. A crash in between may
    append twice, which is one more repeat.
    """
    async with engine.begin() as conn:
        letter = await _find(conn, key, lock=True)
        if letter.disposition not in {"open", "retried"} or letter.value is None:
            raise NotRetriable(f"{key}: {'it has no value' if letter.value is None else 'it is ' + letter.disposition}")
        headers = [(name, value) for name, value in letter.headers if name != RETRY_HEADER]
        headers.append((RETRY_HEADER, str(Source(key.topic, key.part, key.record_offset)).encode()))
        record = OutboundRecord(key.topic, letter.record_key or b"", letter.value, headers, key.part)
        position = (await publisher.publish_all([record]))[0]
        await conn.execute(
            text(
                f"UPDATE delivery.dead_letters SET disposition = 'retried', updated_at = now() WHERE {_BY_KEY}"  # noqa: S608 - ours
            ),
            _key_parameters(key),
        )
        return position


_BY_KEY = "projection = :projection AND generation = :generation AND topic = :topic AND part = :part AND record_offset = :record_offset"


def _key_parameters(key: LetterKey) -> dict[str, object]:
    return {
        "projection": key.projection,
        "generation": key.generation,
        "topic": key.topic,
        "part": key.part,
        "record_offset": key.record_offset,
    }


async def _find(conn: AsyncConnection, key: LetterKey, lock: bool) -> Letter:
    query = f"SELECT {_COLUMNS} FROM delivery.dead_letters WHERE {_BY_KEY}{' FOR UPDATE' if lock else ''}"  # noqa: S608 - ours
    row = (await conn.execute(text(query), _key_parameters(key))).one_or_none()
    if row is None:
        raise UnknownLetter(str(key))
    return _letter(row)


def _letter(row: object) -> Letter:
    found = row._mapping  # type: ignore[attr-defined] # noqa: SLF001 - SQLAlchemy's public name for a row's columns
    return Letter(
        key=LetterKey(found["projection"], found["topic"], found["part"], found["record_offset"], found["generation"]),
        event_id=found["event_id"],
        store_id=found["store_id"],
        event_type=found["event_type"],
        reason=found["reason"],
        detail=found["detail"],
        record_key=found["key"],
        value=found["value"],
        headers=[(name, b64decode(value or "")) for name, value in found["headers"]],
        recorded_at=found["recorded_at"],
        disposition=found["disposition"],
        attempts=found["attempts"],
        noted_at=found["noted_at"],
        updated_at=found["updated_at"],
    )
