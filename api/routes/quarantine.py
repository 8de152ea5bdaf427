"""The quarantine: what was refused, and what people decide about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, StringConstraints

from api.cursors import Key, read_cursor, write_cursor
from api.dependencies import CallerDep, ResourcesDep
from api.edge.acceptance import Edge
from api.edge.body import read_body
from api.edge.documents import JSON, SINGLE, media_type
from api.edge.resubmission import Desk
from api.errors import ApiError
from api.openapi import problem_answers
from api.parameters import EARLIEST, LATEST, Code, CursorParameter
from api.resources import Resources
from api.schemas.events import ItemResult
from api.schemas.quarantine import Discard, QuarantineEntry, QuarantinePage
from api.security.caller import EVERY_STORE, Caller
from infra.clock import utc_now
from producers.quarantine_decisions import NotOpen, discard
from producers.quarantine_reader import EntryCursor, Search, UnknownEntry, Visibility, read_entries, read_entry

router = APIRouter(prefix="/v1", tags=["quarantine"])

_Source = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
_CORRECTION: dict[str, Any] = {
    "requestBody": {
        "required": False,
        "description": "The corrected document; without a body the kept one is sent as it is.",
        "content": {kind: {"schema": {"type": "object"}} for kind in (JSON, SINGLE)},
    }
}


@router.get(
    "/quarantine",
    name="list_quarantine",
    operation_id="list_quarantine",
    summary="What was refused",
    responses=problem_answers(400, 401, 403, 422, 503),
)
async def list_quarantine(
    resources: ResourcesDep,
    caller: CallerDep,
    source: Annotated[_Source | None, Query(description="This source and those below it: `till/A` also finds `till/A/1`.")] = None,
    code: Annotated[Code | None, Query(description="The first problem's code.")] = None,
    status: Annotated[Literal["open", "resubmitted", "discarded"] | None, Query()] = None,
    store: Annotated[Code | None, Query(description="Only this store.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="Noted at this moment or later.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: CursorParameter = None,
) -> QuarantinePage:
    """Return what was refused of the chain (HQ) or of the caller's stores, the newest first."""
    if store is not None and caller.stores != (EVERY_STORE,) and store not in caller.stores:
        raise ApiError("store_out_of_scope", f"not among the stores of this token: {store}")
    after = _place(read_cursor("quarantine", cursor, 2))
    with resources.queries:
        found = await read_entries(resources.engine, _visible(caller), Search(source, code, status, store, since), after, limit)
    last = found[-1].cursor if len(found) == limit else None
    next_cursor = write_cursor("quarantine", (last.noted_at.isoformat(), str(last.id))) if last else None
    return QuarantinePage(rows=[QuarantineEntry.of(entry) for entry in found], next_cursor=next_cursor)


@router.get(
    "/quarantine/{entry_id}",
    name="read_quarantine_entry",
    operation_id="read_quarantine_entry",
    summary="One refusal whole",
    responses=problem_answers(401, 403, 404, 422, 503),
)
async def read_quarantine_entry(resources: ResourcesDep, caller: CallerDep, entry_id: UUID) -> QuarantineEntry:
    """Return an entry with all its bytes."""
    return await _entry(resources, caller, entry_id)


@router.post(
    "/quarantine/{entry_id}/resubmit",
    name="resubmit_quarantine_entry",
    operation_id="resubmit_quarantine_entry",
    summary="Send a refused event again",
    responses=problem_answers(400, 401, 403, 404, 408, 413, 415, 422, 503),
    openapi_extra=_CORRECTION,
)
async def resubmit_quarantine_entry(request: Request, resources: ResourcesDep, caller: CallerDep, entry_id: UUID) -> ItemResult:
    """Post the corrected document, or the kept one, as the caller; once it is on the log the entry names it.

    422 with `results`: it was refused again, and why; the entry stays open. 503: it may or may not be on the log; resubmit again.
    """
    with resources.posts, _decidable():
        body = await read_body(request, resources.config.limits)
        if body and media_type(request.headers.get("content-type", "")) not in {JSON, SINGLE}:
            raise ApiError("unsupported_media_type", f"{JSON} or {SINGLE}: one document")
        result = await _desk(resources).resubmit(_visible(caller), entry_id, caller, utc_now(), body or None)
    if result.outcome in {"accepted", "duplicate"}:
        return result
    rows = {"results": [result.model_dump(mode="json", exclude_none=True)]}
    if result.outcome == "unacknowledged":
        raise ApiError("not_durable", "resubmit it again", rows)
    raise ApiError("events_rejected", "the event was refused again", rows)


@router.post(
    "/quarantine/{entry_id}/discard",
    name="discard_quarantine_entry",
    operation_id="discard_quarantine_entry",
    summary="Discard a refusal",
    responses=problem_answers(401, 403, 404, 422, 503),
)
async def discard_quarantine_entry(resources: ResourcesDep, caller: CallerDep, entry_id: UUID, command: Discard) -> QuarantineEntry:
    """Say that an entry will not become an event, and why; who said so and when is kept with it."""
    with _decidable():
        await discard(resources.transactions, _visible(caller), entry_id, command.reason, caller.subject, utc_now())
    return await _entry(resources, caller, entry_id)


async def _entry(resources: Resources, caller: Caller, entry_id: UUID) -> QuarantineEntry:
    with resources.queries, _decidable():
        async with resources.engine.connect() as connection:
            return QuarantineEntry.of(await read_entry(connection, _visible(caller), entry_id))


def _visible(caller: Caller) -> Visibility:
    return Visibility(caller.tenant_id, None if caller.stores == (EVERY_STORE,) else caller.stores)


def _desk(resources: Resources) -> Desk:
    config = resources.config
    edge = Edge(resources.repeats.look_up, resources.log.publish, config.limits.publish_timeout_seconds, config.reach)
    return Desk(resources.transactions, edge, resources.stores.including, resources.stores.tenants, config.time)


@contextmanager
def _decidable() -> Iterator[None]:
    try:
        yield
    except UnknownEntry as error:
        raise ApiError("not_found", "there is no such entry, or it is of another chain or store") from error
    except NotOpen as error:
        raise ApiError("invalid_request", f"the entry is not open: {error}") from error


def _place(after: Key | None) -> EntryCursor | None:
    if after is None:
        return None
    try:
        moment = datetime.fromisoformat(after[0])
        if moment.tzinfo is None or not EARLIEST <= moment.date() <= LATEST:
            raise ValueError(after[0])
        return EntryCursor(moment, UUID(after[1]))
    except ValueError as error:
        raise ApiError("invalid_cursor", "begin without a cursor") from error
