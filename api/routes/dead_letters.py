"""Dead letters: what consumers could not apply, and what people decide about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime

from api.cursors import Key, read_cursor, write_cursor
from api.dependencies import CallerDep, ResourcesDep
from api.edge.acceptance import Edge
from api.errors import ApiError
from api.letters import LetterDesk
from api.openapi import problem_answers
from api.parameters import Code, CursorParameter
from api.resources import Resources
from api.schemas.dead_letters import CorrectLetter, DeadLetter, DeadLetterPage, DiscardLetter, Disposition
from api.schemas.events import ItemResult, PositionBody
from api.security.caller import EVERY_STORE, Caller
from infra.clock import utc_now
from infra.kafka.publisher import NotDurable
from projections.dead_letters import LetterKey
from projections.generations import serving_generation
from projections.letter_decisions import Correction, Decision, NotDecidable, discard_letter, retry_letter
from projections.letter_reader import LetterScope, LetterSearch, UnknownLetter, list_letters, show_letter

router = APIRouter(prefix="/v1", tags=["dead letters"])

_MOST_OFFSET = 2**62
_LISTING = "dead letters"
_PLACE = "/dead-letters/{projection}/{topic}/{partition}/{offset}"
_Name = Annotated[str, Path(max_length=60, pattern=r"^[a-z0-9_-]+$")]
_Partition = Annotated[int, Path(ge=0, le=100_000)]
_Offset = Annotated[int, Path(ge=0, le=_MOST_OFFSET)]
_Generation = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Of this generation; without it, of the one that serves.")]


async def _key_of(
    resources: ResourcesDep,
    projection: _Name,
    topic: _Name,
    partition: _Partition,
    offset: _Offset,
    generation: _Generation = None,
) -> LetterKey:
    if generation is None:
        async with resources.engine.connect() as connection:
            generation = await serving_generation(connection, projection)
    return LetterKey(projection, topic, partition, offset, generation)


_Key = Annotated[LetterKey, Depends(_key_of)]


@router.get(
    "/dead-letters",
    name="list_dead_letters",
    operation_id="list_dead_letters",
    summary="What could not be applied",
    responses=problem_answers(400, 401, 403, 422, 503),
)
async def list_dead_letters(
    resources: ResourcesDep,
    caller: CallerDep,
    projection: Annotated[Code | None, Query(description="Of one consumer; `processors` for the rules.")] = None,
    disposition: Annotated[Disposition | None, Query(description="Without it, all.")] = None,
    event_type: Annotated[Code | None, Query(alias="type")] = None,
    store: Annotated[Code | None, Query(description="Only this store.")] = None,
    reason: Annotated[Code | None, Query()] = None,
    event_id: Annotated[UUID | None, Query()] = None,
    since: Annotated[AwareDatetime | None, Query(description="Noted at this moment or later.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Noted before this moment.")] = None,
    generation: _Generation = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: CursorParameter = None,
) -> DeadLetterPage:
    """Return the letters of the chain (HQ) or of the caller's stores."""
    if store is not None and caller.stores != (EVERY_STORE,) and store not in caller.stores:
        raise ApiError("store_out_of_scope", f"not among the stores of this token: {store}")
    search = LetterSearch(projection, disposition, event_type, store, reason, event_id, since, until, generation)
    after = _after(read_cursor(_LISTING, cursor, 5))
    with resources.queries:
        found = await list_letters(resources.engine, search, _visible(caller), after, limit)
    last = found[-1].key if len(found) == limit else None
    place = None if last is None else (last.projection, str(last.generation), last.topic, str(last.part), str(last.record_offset))
    return DeadLetterPage(rows=[DeadLetter.of(row) for row in found], next_cursor=write_cursor(_LISTING, place) if place else None)


@router.get(
    _PLACE,
    name="read_dead_letter",
    operation_id="read_dead_letter",
    summary="One dead letter whole",
    responses=problem_answers(401, 403, 404, 422, 503),
)
async def read_dead_letter(resources: ResourcesDep, caller: CallerDep, key: _Key) -> DeadLetter:
    """Return a letter with all its bytes."""
    return await _letter(resources, caller, key)


@router.post(
    f"{_PLACE}/retry",
    name="retry_dead_letter",
    operation_id="retry_dead_letter",
    summary="Send the same bytes again",
    responses=problem_answers(401, 403, 404, 409, 422, 503),
)
async def retry_dead_letter(resources: ResourcesDep, caller: CallerDep, key: _Key) -> PositionBody:
    """Append the record to its partition again, for everyone who has a letter about it; who had applied it sees a repeat."""
    with resources.posts, _decidable():
        position = await retry_letter(resources.transactions, resources.log, key, _visible(caller))
    return PositionBody(topic=position.topic, partition=position.partition, offset=position.offset)


@router.post(
    f"{_PLACE}/discard",
    name="discard_dead_letter",
    operation_id="discard_dead_letter",
    summary="Never apply a record",
    responses=problem_answers(401, 403, 404, 409, 422, 503),
)
async def discard_dead_letter(resources: ResourcesDep, caller: CallerDep, key: _Key, command: DiscardLetter) -> DeadLetter:
    """Say that this consumer is never to apply the record, and why: every generation, and every rebuild, honours it."""
    with resources.queries, _decidable():
        await discard_letter(resources.transactions, key, Decision(command.reason, caller.subject, utc_now()), _visible(caller))
    return await _letter(resources, caller, key)


@router.post(
    f"{_PLACE}/correct",
    name="correct_dead_letter",
    operation_id="correct_dead_letter",
    summary="Post what the event should have said",
    responses=problem_answers(401, 403, 404, 409, 422, 503),
)
async def correct_dead_letter(resources: ResourcesDep, caller: CallerDep, key: _Key, command: CorrectLetter) -> ItemResult:
    """Post an `event.corrected.v1` about the letter's event, as the caller; settles everyone's letters about the record."""
    config = resources.config
    edge = Edge(resources.repeats.look_up, resources.log.publish, config.limits.publish_timeout_seconds, config.reach)
    desk = LetterDesk(resources.transactions, edge, resources.stores.including, resources.stores.tenants, config.time)
    with resources.posts, _decidable():
        correction = Correction(command.reason, command.replacement)
        return await desk.correct(key, correction, caller, utc_now(), _visible(caller))


async def _letter(resources: Resources, caller: Caller, key: LetterKey) -> DeadLetter:
    with resources.queries, _decidable():
        return DeadLetter.of(await show_letter(resources.engine, key, _visible(caller)), whole=True)


def _visible(caller: Caller) -> LetterScope:
    return LetterScope(caller.tenant_id, None if caller.stores == (EVERY_STORE,) else caller.stores)


def _after(place: Key | None) -> LetterKey | None:
    if place is None:
        return None
    try:
        projection, generation, topic, part, offset = place
        return LetterKey(projection, topic, int(part), min(int(offset), _MOST_OFFSET), int(generation))
    except ValueError as error:
        raise ApiError("invalid_cursor", "begin without a cursor") from error


@contextmanager
def _decidable() -> Iterator[None]:
    try:
        yield
    except UnknownLetter as error:
        raise ApiError("not_found", "there is no such letter, or it is of another chain or store") from error
    except NotDecidable as error:
        raise ApiError("not_decidable", str(error)) from error
    except NotDurable as error:
        raise ApiError("not_durable", "try again: a record that comes twice is a repeat") from error
