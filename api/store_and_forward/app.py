"""Builds the HTTP side of an edge buffer: the tills' post of events, and its health. Nothing is opened before the lifespan."""

import secrets
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.edge.body import read_body
from api.edge.documents import media_type
from api.errors import ApiError, add_error_handlers, printable
from api.schemas.events import ProblemBody
from api.store_and_forward.bodies import BufferedItem, BufferedPost, EdgeHealth
from api.store_and_forward.buffer import BufferFull, Placed
from api.store_and_forward.config import EdgeConfig
from api.store_and_forward.database import open_existing
from api.store_and_forward.items import Item, NoEvent, items_of
from api.store_and_forward.overview import read_overview
from api.store_and_forward.parts import Parts
from api.store_and_forward.refusals import buffer_full, not_written
from api.store_and_forward.writer import Writer
from contracts.errors import Problem
from infra.clock import utc_now

router = APIRouter()
_bearer = HTTPBearer(auto_error=False, scheme_name="till key")
_CONFLICT = Problem("conflicting_duplicate", "/id", "the content that this id already has, or a new id")


async def parts_of(request: Request) -> Parts:
    """Return what this process holds open."""
    found: Parts = request.app.state.parts
    return found


PartsDep = Annotated[Parts, Depends(parts_of)]


async def authorise(parts: PartsDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    """Let those in who hold the key of this buffer; 401 otherwise."""
    if credentials is None:
        raise ApiError("unauthenticated", "send the header 'Authorization: Bearer <till key>'")
    if not secrets.compare_digest(credentials.credentials.encode(), parts.till_key.encode()):
        raise ApiError("token_invalid", "not the key of this buffer")


@router.post("/v1/events", name="buffer_events", response_model=BufferedPost, dependencies=[Depends(authorise)])
async def buffer_events(request: Request, parts: PartsDep) -> JSONResponse:
    """Take events as the centre's API takes them, and answer when they are on the disk.

    200: all are buffered or were known; 207: some are no events, or their ids have another content; 422: all. 507 and 503:
    nothing of the post is kept, come again after `Retry-After` seconds.
    """
    limits = parts.config.limits
    with parts.posts:
        media_type(request.headers.get("content-type", ""))
        body = await read_body(request, limits)
        found = items_of(request.headers["content-type"], body, limits.events_per_post)
        placed = await _put(parts, [item for item in found if isinstance(item, Item)])
    return _answer(_results(found, placed))


@router.get("/health", name="edge_health")
def edge_health(request: Request) -> EdgeHealth:
    """Say how much waits, since when, what was refused, and whether the centre answers."""
    parts: Parts = request.app.state.parts
    with closing(open_existing(parts.config.directory)) as connection:
        return EdgeHealth(**read_overview(connection, utc_now()).as_json())


async def _put(parts: Parts, items: Sequence[Item]) -> list[Placed]:
    if not items:
        return []
    now = utc_now()
    parts.config.reach("received")
    try:
        placed = await parts.writer.run(lambda buffer: buffer.put(items, now))
    except BufferFull as error:
        raise buffer_full(str(error)) from error
    except sqlite3.Error as error:
        raise not_written(f"{type(error).__name__}: {error}") from error
    parts.config.reach("buffered")
    parts.sender.wake()
    return placed


def _results(found: Sequence[Item | NoEvent], placed: Sequence[Placed]) -> list[BufferedItem]:
    fates = iter(placed)
    return [
        _rejected(index, None, item.problems) if isinstance(item, NoEvent) else _fate(index, item, next(fates))
        for index, item in enumerate(found)
    ]


def _fate(index: int, item: Item, placed: Placed) -> BufferedItem:
    if placed.outcome == "conflict":
        return _rejected(index, item.id, [_CONFLICT])
    return BufferedItem(index=index, id=item.id, outcome=placed.outcome, sequence=placed.sequence)


def _rejected(index: int, item_id: str | None, problems: Sequence[Problem]) -> BufferedItem:
    rows = [ProblemBody(code=row.code, pointer=printable(row.pointer), expected=printable(row.expected)) for row in problems]
    return BufferedItem(index=index, id=item_id, outcome="rejected", problems=rows)


def _answer(results: Sequence[BufferedItem]) -> JSONResponse:
    rows = [row.model_dump(mode="json", exclude_none=True) for row in results]
    counts = Counter(row.outcome for row in results)
    if counts["rejected"] == len(results):
        raise ApiError("events_rejected", f"none of {len(results)} items was buffered", {"results": rows})
    summary = {outcome: counts[outcome] for outcome in ("buffered", "duplicate", "rejected")}
    return JSONResponse({**summary, "results": rows}, 207 if counts["rejected"] else 200)


def create_edge_app(config: EdgeConfig, writer_type: type[Writer] = Writer) -> FastAPI:
    """Build the app of one buffer; its lifespan opens and closes what it needs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        parts: Parts = app.state.parts
        await parts.open()
        try:
            yield
        finally:
            await parts.close()

    app = FastAPI(title="Tillstream edge buffer", version="1", lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.parts = Parts(config, writer_type)
    app.include_router(router)
    add_error_handlers(app)
    return app
