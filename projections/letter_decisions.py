"""Decide about dead letters: send the same bytes again, discard with a reason, or correct the event by another one.

What was discarded or corrected is kept in the schema `write`, under the record's place and the broker's time of it, so that a
rebuild finds it: a discarded record is passed over by every generation of its projection, whatever its mapping could do with it.
A correction is an event on the log and counts by itself; here is only noted that it settles the letters.
"""

from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from contracts.codec import read_envelope
from contracts.errors import UnreadableRecord
from contracts.events.registry import EVENT_CORRECTED, EVENT_TYPES
from contracts.identifiers import derived_id
from contracts.records import OutboundRecord, RawRecord
from infra.kafka.publisher import NotDurable, Position
from projections.batching import RETRY_HEADER, Source, retry_of
from projections.dead_letters import Letter, LetterKey
from projections.letter_reader import EVERYTHING, LetterScope, UnknownLetter, find_letter, key_parameters

NEAR_RECORDS: Final = 50_000
"""Another generation that is so close before a record may be reading it already: many times what is read at once."""
EVERY_PROJECTION: Final = "*"


_PUBLISH_SECONDS: Final = 15.0


class Publishes(Protocol):
    """What appends records to the log."""

    async def publish(self, records: Sequence[OutboundRecord], timeout_seconds: float) -> list[Position | NotDurable]:
        """Return the place of each record, or why there is none."""
        ...


class NotDecidable(Exception):
    """The letter was settled already, or what is asked cannot be done with it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided, when, and why."""

    reason: str
    by: str
    at: datetime


_UNSETTLED: Final = "disposition IN ('open', 'retried')"
_LOCK: Final = text(
    """
    SELECT projection FROM delivery.dead_letters WHERE topic = :topic AND part = :part AND record_offset = :record_offset
    ORDER BY projection, generation FOR UPDATE
    """
)
_SETTLE_RECORD: Final = text(
    f"""
    UPDATE delivery.dead_letters SET disposition = :disposition, updated_at = now()
    WHERE topic = :topic AND part = :part AND record_offset = :record_offset AND {_UNSETTLED}
    """  # noqa: S608 - ours
)
_DISCARD: Final = text(
    f"""
    UPDATE delivery.dead_letters SET disposition = 'discarded', updated_at = now()
    WHERE projection = :projection AND topic = :topic AND part = :part AND record_offset = :record_offset AND {_UNSETTLED}
    """  # noqa: S608 - ours
)
_DECIDE: Final = text(
    """
    INSERT INTO write.letter_decisions (projection, topic, part, record_offset, recorded_at, decision, reason, decided_by, decided_at,
                                        correction_id, letter_reason, letter_detail)
    VALUES (:projection, :topic, :part, :record_offset, :recorded_at, :decision, :reason, :decided_by, :decided_at,
            :correction_id, :letter_reason, :letter_detail)
    ON CONFLICT DO NOTHING
    """
)
_RETRIES: Final = text(
    """
    SELECT topic, part, record_offset FROM delivery.dead_letters
    WHERE projection = :projection AND generation = :generation AND headers @> :header
    """
).bindparams(bindparam("header", type_=JSONB))
_OTHERS: Final = text(
    """
    SELECT generation, next_offset FROM delivery.positions p
    WHERE projection = :projection AND generation <> :generation AND topic = :topic AND part = :part AND next_offset > :near
      AND NOT EXISTS (SELECT FROM delivery.dead_letters l WHERE (l.projection, l.generation, l.topic, l.part)
                      = (p.projection, p.generation, p.topic, p.part) AND l.record_offset = :record_offset)
    ORDER BY generation
    """
)


async def retry_letter(engine: AsyncEngine, publisher: Publishes, key: LetterKey, scope: LetterScope = EVERYTHING) -> Position:
    """Append the letter's bytes to its partition again, naming what is retried, and return where.

    Once is enough for everyone who has a letter about this record. Whoever had applied the event sees a repeat, whoever had not
    applies it now. A crash in between may append twice, which is one more repeat.
    """
    async with _held(engine, key, scope) as (conn, letter):
        if letter.value is None:
            raise NotDecidable("it has no value that could be sent again")
        headers = [(name, value) for name, value in letter.headers if name != RETRY_HEADER]
        headers.append((RETRY_HEADER, str(key.source).encode()))
        record = OutboundRecord(key.topic, letter.record_key or b"", letter.value, headers, key.part)
        (position,) = await publisher.publish([record], _PUBLISH_SECONDS)
        if isinstance(position, NotDurable):
            raise position
        await conn.execute(_SETTLE_RECORD, {**key_parameters(key), "disposition": "retried"})
        return position


async def discard_letter(engine: AsyncEngine, key: LetterKey, decision: Decision, scope: LetterScope = EVERYTHING) -> None:
    """Say that a projection is never to apply a record; its failed retries, and the record that it is a retry of, share that.

    NotDecidable when another generation has applied the record, or may be about to.
    """
    if not decision.reason.strip():
        raise NotDecidable("say why it is discarded")
    async with _held(engine, key, scope) as (conn, letter):
        for member in await _family(conn, letter):
            await _check_generations(conn, member.key)
            await conn.execute(_DECIDE, _row(member, member.key.projection, "discarded", decision, None))
            await conn.execute(_DISCARD, key_parameters(member.key))


@dataclass(frozen=True, slots=True)
class Correction:
    """What a record should have said: `replacement` is the right content, None says that nothing happened."""

    reason: str
    replacement: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class HeldLetter:
    """A letter that nobody else can decide about until the transaction ends."""

    letter: Letter
    _conn: AsyncConnection

    def document(self, correction: Correction) -> dict[str, Any]:
        """Return the correcting event as a till would post it; the same correction has the same bytes however often it is made.

        Its time is therefore when the letter was noted. NotDecidable when the letter does not say which event it is.
        """
        letter = self.letter
        try:
            envelope = read_envelope(RawRecord(*letter.key.source, 0, letter.record_key, letter.value, letter.headers))
        except UnreadableRecord as error:
            raise NotDecidable(
                f"its headers do not say which event it is ({error}): post the right event, and discard the letter"
            ) from error
        declared = EVENT_TYPES.get(envelope.type)
        if envelope.type == EVENT_CORRECTED or declared is None or declared.kind != "fact":
            raise NotDecidable(f"only a fact can be corrected, not {envelope.type}: post the right event, and discard the letter")
        data = {
            "corrects_event_id": str(envelope.id),
            "corrects_type": envelope.type,
            "corrects_occurred_at": envelope.occurred_at.isoformat(),
            "kind": "did_not_occur" if correction.replacement is None else "incorrect_data",
            "reason": correction.reason,
            "replacement": correction.replacement,
        }
        document: dict[str, Any] = {
            "specversion": "1.0",
            "id": str(derived_id("letter-correction", str(envelope.id), repr(correction))),
            "source": "tillstream/dead-letters",
            "type": EVENT_CORRECTED,
            "time": letter.noted_at.isoformat(),
            "tenantid": envelope.tenant_id,
            "storeid": envelope.store_id,
            "causationid": str(envelope.id),
            "data": {name: value for name, value in data.items() if value is not None},
        }
        return {**document, "history": True} if envelope.history else document

    async def mark_corrected(self, correction_id: UUID, decision: Decision) -> None:
        """Note that an event on the log says what this record should have said: settles the letters of everyone about it."""
        await self._conn.execute(_DECIDE, _row(self.letter, EVERY_PROJECTION, "corrected", decision, correction_id))
        await self._conn.execute(_SETTLE_RECORD, {**key_parameters(self.letter.key), "disposition": "corrected"})


@asynccontextmanager
async def held_letter(engine: AsyncEngine, key: LetterKey, scope: LetterScope = EVERYTHING) -> AsyncIterator[HeldLetter]:
    """Hold an unsettled letter while the body runs, in one transaction; UnknownLetter or NotDecidable otherwise."""
    async with _held(engine, key, scope) as (conn, letter):
        yield HeldLetter(letter, conn)


@asynccontextmanager
async def _held(engine: AsyncEngine, key: LetterKey, scope: LetterScope) -> AsyncIterator[tuple[AsyncConnection, Letter]]:
    async with engine.begin() as conn:
        await conn.execute(_LOCK, key_parameters(key))
        letter = await find_letter(conn, key, scope)
        if letter.disposition not in {"open", "retried"}:
            raise NotDecidable(f"it is {letter.disposition}" + (f" by {letter.decided_by}" if letter.decided_by else ""))
        yield conn, letter


async def _family(conn: AsyncConnection, letter: Letter) -> list[Letter]:
    """Return the letter, those that it is a failed retry of, and those that are failed retries of any of them."""
    found = {letter.key.source: letter}
    waiting: list[Source] = [letter.key.source]
    while waiting:
        member = found[waiting.pop()]
        record = RawRecord(*member.key.source, 0, None, None, member.headers)
        header = [[RETRY_HEADER, b64encode(str(member.key.source).encode()).decode()]]
        rows = await conn.execute(_RETRIES, {**key_parameters(member.key), "header": header})
        earlier = retry_of(record)
        for source in [Source(*row) for row in rows] + ([earlier] if earlier else []):
            if source not in found and (other := await _letter_at(conn, letter.key, source)) is not None:
                found[source] = other
                waiting.append(source)
    return list(found.values())


async def _letter_at(conn: AsyncConnection, key: LetterKey, source: Source) -> Letter | None:
    try:
        return await find_letter(conn, LetterKey(key.projection, *source, key.generation))
    except UnknownLetter:
        return None


async def _check_generations(conn: AsyncConnection, key: LetterKey) -> None:
    """What one generation has applied cannot be discarded in another: they would never agree."""
    near = key.record_offset - NEAR_RECORDS
    for generation, next_offset in await conn.execute(_OTHERS, {**key_parameters(key), "near": near}):
        if next_offset > key.record_offset:
            raise NotDecidable(f"generation {generation} has applied it: let that one serve, or correct the event")
        raise NotDecidable(f"generation {generation} is about to read it: decide when it has passed {key.source}")


def _row(letter: Letter, projection: str, decision: str, made: Decision, correction_id: UUID | None) -> dict[str, object]:
    return {
        **key_parameters(letter.key),
        "projection": projection,
        "recorded_at": letter.recorded_at,
        "decision": decision,
        "reason": made.reason.strip(),
        "decided_by": made.by,
        "decided_at": made.at,
        "correction_id": correction_id,
        "letter_reason": letter.reason,
        "letter_detail": letter.detail,
    }
