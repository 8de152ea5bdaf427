"""Alerts: their current state, and the stream of their transitions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from api.cursors import Key, read_cursor, write_cursor
from api.dependencies import ResourcesDep, ScopeDep
from api.errors import ApiError
from api.freshness import freshness_of
from api.openapi import problem_answers
from api.parameters import EARLIEST, LATEST, Code, CursorParameter, StoresParameter
from api.schemas.alerts import AlertPage, AlertState
from api.streams import AlertStream, starting_vector
from projections.read_models.open_alerts.reader import OPEN_STATUSES, AlertCursor, read_alerts

router = APIRouter(prefix="/v1", tags=["alerts"])

_Status = Literal["open", "raised", "updated", "acknowledged", "resolved", "retracted", "orphaned"]
_STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get(
    "/alerts",
    name="list_alerts",
    operation_id="list_alerts",
    summary="Alerts as they now are",
    responses=problem_answers(400, 401, 403, 422, 503),
)
async def list_alerts(
    resources: ResourcesDep,
    scope: ScopeDep,
    store: StoresParameter = (),
    status: Annotated[tuple[_Status, ...], Query(max_length=10, description="Only these; 'open' stands for all that still matter.")] = (),
    rule: Annotated[tuple[Code, ...], Query(max_length=50, description="Only alerts of these rules.")] = (),
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: CursorParameter = None,
) -> AlertPage:
    """Return the alerts of the stores in scope, each in the state of its highest transition, with its evidence."""
    stores = scope.store_ids(store)
    after = read_cursor("alerts", cursor, 2)
    with resources.queries:
        freshness = await freshness_of(resources, "open_alerts")
        found = await read_alerts(resources.engine, stores, _statuses(status), rule or None, _place(after), limit)
    last = found[-1].cursor if len(found) == limit else None
    next_cursor = write_cursor("alerts", (last.window_end.isoformat(), str(last.alert_id))) if last else None
    return AlertPage(**freshness, rows=[AlertState.model_validate(row) for row in found], next_cursor=next_cursor)


@router.get(
    "/alerts/stream",
    name="stream_alerts",
    operation_id="stream_alerts",
    summary="Stream alerts",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events `alert`, each a transition; the `id` is the place to come back to.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problem_answers(400, 401, 403, 410, 422, 503),
    },
)
async def stream_alerts(
    resources: ResourcesDep,
    scope: ScopeDep,
    store: StoresParameter = (),
    start: Annotated[Literal["now", "beginning"], Query(alias="from", description="Where to begin without a Last-Event-ID.")] = "now",
    last_event_id: Annotated[str | None, Header(description="The last `id` received: goes on after it.", max_length=2_000)] = None,
) -> StreamingResponse:
    """Send alert transitions of the stores in scope as they are recorded.

    A client that comes back with its last id misses nothing. 410: the log no longer has that place; read the open alerts and
    start anew. A client that does not keep up is disconnected and may come back the same way.
    """
    scope.store_ids(store)  # refuses what is outside
    if resources.alerts.open_streams >= resources.streams.limit:
        raise ApiError("overloaded", f"{resources.alerts.open_streams} alert streams are open")
    if not resources.alerts.is_reading:
        raise ApiError("log_unavailable", "the alert stream has no connection to the log yet")
    begin = await starting_vector(resources.alerts, last_event_id, start == "beginning")
    messages = AlertStream(resources.alerts, begin, scope, store).messages(resources.config.limits.heartbeat_seconds)
    return StreamingResponse(messages, media_type="text/event-stream", headers=_STREAM_HEADERS)


def _statuses(asked: tuple[str, ...]) -> tuple[str, ...] | None:
    if not asked:
        return None
    return tuple(sorted({status for name in asked for status in (OPEN_STATUSES if name == "open" else (name,))}))


def _place(after: Key | None) -> AlertCursor | None:
    if after is None:
        return None
    try:
        moment = datetime.fromisoformat(after[0])
        if moment.tzinfo is None or not EARLIEST <= moment.date() <= LATEST:
            raise ValueError(after[0])
        return AlertCursor(moment, UUID(after[1]))
    except ValueError as error:
        raise ApiError("invalid_cursor", "begin without a cursor") from error
