"""Post events: the edge of the system. Answers when the log has acknowledged, never before."""

from collections import Counter
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.dependencies import CallerDep, ResourcesDep
from api.edge.body import read_body
from api.edge.documents import BATCH, JSON, NDJSON, SINGLE, documents, media_type
from api.edge.entrance import accept
from api.edge.refusals import AnsweredPost
from api.errors import ApiError
from api.openapi import problem_answers
from api.schemas.events import ItemResult, PostResult

router = APIRouter(prefix="/v1", tags=["events"])

_EXAMPLE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "0198c0de-0000-7000-8000-000000000001",
    "source": "till/SEOUL-1/2",
    "type": "sale.completed.v1",
    "time": "2026-03-02T12:34:56+09:00",
    "storeid": "SEOUL-1",
    "data": {
        "receipt_id": "R-1001",
        "currency": "KRW",
        "lines": [{"line": 1, "sku": "MILK-1L", "quantity": "2", "unit_price": "2500", "gross": 5000}],
    },
}
_DOCUMENT = {"type": "object", "description": "A CloudEvents 1.0 document; `data` follows the schema of its type.", "example": _EXAMPLE}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            SINGLE: {"schema": _DOCUMENT},
            BATCH: {"schema": {"type": "array", "items": _DOCUMENT, "maxItems": 1000}},
            JSON: {"schema": {"oneOf": [_DOCUMENT, {"type": "array", "items": _DOCUMENT, "maxItems": 1000}]}},
            NDJSON: {"schema": {"type": "string", "description": "One document a line."}},
        },
    }
}


@router.post(
    "/events",
    name="post_events",
    operation_id="post_events",
    summary="Post events",
    response_model=PostResult,
    responses={
        207: {"model": PostResult, "description": "Some were rejected: see `results`."},
        **problem_answers(400, 401, 403, 408, 413, 415, 422, 503),
    },
    openapi_extra=_BODY,
)
async def post_events(request: Request, resources: ResourcesDep, caller: CallerDep) -> Response:
    """Bring up to 1,000 events (1 MiB) to the log and say what became of each.

    200: all are accepted or were known; 207: some were rejected; 422 (403 when only for their stores): all were. 503 with
    `results`: those marked `unacknowledged` may or may not be on the log; send them again with the same ids.
    Business date, local offset and store version are set here from the store's settings.
    """
    with resources.posts:
        kind = media_type(request.headers.get("content-type", ""))
        body = await read_body(request, resources.config.limits)
        found = documents(request.headers["content-type"], body, resources.config.limits.events_per_post)
        results = await accept(found, resources, caller)
    for outcome, count in Counter(row.outcome for row in results).items():
        resources.metrics.events.labels(outcome).inc(count)
    resources.refusals.note(AnsweredPost(kind, body, found, results, caller, resources.stores.tenants()))
    return _answer(results)


def _answer(results: list[ItemResult]) -> Response:
    counts = Counter(row.outcome for row in results)
    if counts["unacknowledged"]:
        detail = f"{counts['unacknowledged']} of {len(results)} events: send them again with the same ids"
        raise ApiError("not_durable", detail, {"results": _rows(results)})
    if counts["rejected"] == len(results):
        codes = {problem.code for row in results for problem in row.problems}
        code = "store_out_of_scope" if codes == {"store_out_of_scope"} else "events_rejected"
        raise ApiError(code, f"none of {len(results)} events was accepted", {"results": _rows(results)})
    told = PostResult(accepted=counts["accepted"], duplicate=counts["duplicate"], rejected=counts["rejected"], results=results)
    return Response(told.model_dump_json(exclude_none=True), 207 if counts["rejected"] else 200, media_type="application/json")


def _rows(results: list[ItemResult]) -> list[dict[str, Any]]:
    return [row.model_dump(mode="json", exclude_none=True) for row in results]
