"""Alerts: their current state, what people answer to them, and the stream of their transitions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from api.answering import Answer, give, given_at, identity_of, opaque, present, reader_of
from api.answers import Wait, WaitDep, answer_of
from api.completeness import Over
from api.cursors import Key, read_cursor, write_cursor
from api.dependencies import CallerDep, ResourcesDep, ScopeDep
from api.edge.documents import Document
from api.edge.entrance import accept
from api.errors import ApiError
from api.openapi import problem_answers
from api.parameters import EARLIEST, LATEST, Code, CursorParameter, StoresParameter
from api.resources import Resources
from api.schemas.alerts import AlertCourse, AlertPage, AlertState, AnswerState, AnswerTaken, GivenAnswer, RulesAsOf, TransitionState
from api.schemas.events import ItemResult
from api.security.scope import StoreScope
from api.streams import AlertStream, Wanted, starting_vector
from api.waiting import await_positions
from infra.clock import new_event_id, utc_now
from projections.read_models.open_alerts.reader import (
    OPEN_STATUSES,
    AlertCursor,
    AlertRow,
    AlertsAsked,
    read_alert,
    read_alerts,
    read_answers,
    read_stage_progress,
    read_transitions,
)

router = APIRouter(prefix="/v1", tags=["alerts"])

_PROJECTION = "open_alerts"
_Status = Literal["open", "raised", "updated", "acknowledged", "resolved", "retracted", "orphaned"]
_Severity = Literal["low", "medium", "high"]
_Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="A UUID (best a UUIDv7 made when the person answered) becomes the id of the event, other text stands for one.",
    ),
]
_STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get(
    "/alerts",
    name="list_alerts",
    operation_id="list_alerts",
    summary="Alerts as they now are",
    responses=problem_answers(400, 401, 403, 409, 422, 503),
)
async def list_alerts(
    resources: ResourcesDep,
    scope: ScopeDep,
    wait: WaitDep,
    store: StoresParameter = (),
    status: Annotated[tuple[_Status, ...], Query(max_length=10, description="Only these; 'open' stands for all that still matter.")] = (),
    rule: Annotated[tuple[Code, ...], Query(max_length=50, description="Only alerts of these rules.")] = (),
    severity: Annotated[tuple[_Severity, ...], Query(max_length=3, description="Only alerts of these severities.")] = (),
    due: Annotated[bool, Query(description="Only alerts that people are to be told of by now: quiet hours put the others off.")] = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: CursorParameter = None,
) -> AlertPage:
    """Return the alerts of the stores in scope, as people see them: the highest transition, and what was answered to it."""
    stores = scope.store_ids(store)
    after = read_cursor("alerts", cursor, 2)
    with resources.queries:
        answer = await answer_of(resources, _PROJECTION, wait, Over(scope, stores))
        progress = await read_stage_progress(resources.engine)
        due_by = present(resources.config.time, progress, utc_now()) if due else None
        asked = AlertsAsked(stores, _statuses(status), rule or None, severity or None, due_by)
        found = await read_alerts(resources.engine, asked, _place(after), limit)
    last = found[-1].cursor if len(found) == limit else None
    next_cursor = write_cursor("alerts", (last.window_end.isoformat(), str(last.alert_id))) if last else None
    rows = [AlertState.model_validate(row) for row in found]
    return AlertPage(**answer, rows=rows, rules=[RulesAsOf.model_validate(row) for row in progress], next_cursor=next_cursor)


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
    due: Annotated[bool, Query(description="Hold an alert back until people are to be told of it (`notify_at`).")] = False,
    last_event_id: Annotated[str | None, Header(description="The last `id` received: goes on after it.", max_length=2_000)] = None,
) -> StreamingResponse:
    """Send alert transitions of the stores in scope as they are recorded, or with `due` when their time has come.

    A client that comes back with its last id misses nothing. 410: the log no longer has that place; read the open alerts and
    start anew. A client that does not keep up is disconnected and may come back the same way. With `due`, of what waited of one
    alert only the newest transition is sent, and nothing of an alert that came and went meanwhile.
    """
    scope.store_ids(store)  # refuses what is outside
    if resources.alerts.open_streams >= resources.streams.limit:
        raise ApiError("overloaded", f"{resources.alerts.open_streams} alert streams are open")
    if not resources.alerts.is_reading:
        raise ApiError("log_unavailable", "the alert stream has no connection to the log yet")
    begin = await starting_vector(resources.alerts, last_event_id, start == "beginning")
    wanted = Wanted(scope, frozenset(store), resources.alerts.now if due else None)
    messages = AlertStream(resources.alerts, begin, wanted).messages(resources.config.limits.heartbeat_seconds)
    return StreamingResponse(messages, media_type="text/event-stream", headers=_STREAM_HEADERS)


@router.get(
    "/alerts/{alert_id}",
    name="read_alert",
    operation_id="read_alert",
    summary="One alert whole",
    responses=problem_answers(401, 403, 404, 409, 422, 503),
)
async def read_alert_course(resources: ResourcesDep, scope: ScopeDep, wait: WaitDep, alert_id: UUID) -> AlertCourse:
    """Return an alert with all its transitions and all answers to it."""
    with resources.queries:
        await await_positions(resources, _PROJECTION, wait.min_position, wait.wait_ms)
        alert = await _known(resources, scope, alert_id)
        answer = await answer_of(resources, _PROJECTION, Wait(), Over(scope, (alert.store_id,)))
        transitions = await read_transitions(resources.engine, (alert.store_id,), alert_id)
        answers = await read_answers(resources.engine, alert_id, alert.store_id)
    return AlertCourse(
        **answer,
        alert=AlertState.model_validate(alert),
        transitions=[TransitionState.model_validate(row) for row in transitions],
        answers=[AnswerState.model_validate(row) for row in answers],
    )


@router.post(
    "/alerts/{alert_id}/answers",
    name="answer_alert",
    operation_id="answer_alert",
    summary="Answer an alert",
    responses=problem_answers(401, 403, 404, 422, 503),
)
async def answer_alert(
    resources: ResourcesDep, scope: ScopeDep, caller: CallerDep, alert_id: UUID, given: GivenAnswer, key: _Key = None
) -> AnswerTaken:
    """Bring a person's word on an alert to the log; answered when it is durable, with its place.

    The newest answer on what to do (acknowledged, resolved) and the newest on whether the rule was right (true_alarm,
    false_alarm) count. 503: it may or may not be on the log; answer again with the Idempotency-Key that is named.
    """
    with resources.posts:
        alert = await _known(resources, scope, alert_id)
        by = opaque(caller.subject, caller.tenant_id)
        event_id = new_event_id() if key is None else identity_of(key, alert_id, by)
        at = given_at(event_id, resources.config.time, await read_stage_progress(resources.engine), utc_now())
        answer = Answer(alert, given, by, event_id, at)

        async def bring(document: Document) -> ItemResult:
            return (await accept([document], resources, caller))[0]

        return await give(answer, bring, reader_of(resources.config.addresses))


async def _known(resources: Resources, scope: StoreScope, alert_id: UUID) -> AlertRow:
    alert = await read_alert(resources.engine, scope.store_ids(), alert_id)
    if alert is None:
        raise ApiError("not_found", "there is no such alert yet, or it is of another chain or store")
    return alert


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
