"""Post events: the edge of the system. Answers when the log has acknowledged, never before."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from msgspec import to_builtins

from api.dependencies import CallerDep, ResourcesDep
from api.edge.body import read_body
from api.edge.documents import BATCH, JSON, NDJSON, SINGLE, media_type
from api.edge.entrance import accept_post
from api.edge.fates import Fate, Fates, encode
from api.edge.reading import Reading
from api.edge.refusals import AnsweredPost
from api.errors import ApiError
from api.openapi import problem_answers
from api.schemas.events import Outcome, PostResult

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
        post = Reading(kind, body, resources.config.limits.events_per_post)
        fates = await accept_post(post, resources, caller)
    counts = Counter(row.outcome for row in fates)
    for outcome, count in counts.items():
        resources.metrics.events.labels(outcome).inc(count)
    if counts["rejected"]:
        resources.refusals.note(AnsweredPost(kind, body, post.documents, fates, caller, resources.stores.tenants()))
    return _answer(fates, counts)


def _answer(fates: Sequence[Fate], counts: Counter[Outcome]) -> Response:
    if counts["unacknowledged"]:
        detail = f"{counts['unacknowledged']} of {len(fates)} events: send them again with the same ids"
        raise ApiError("not_durable", detail, {"results": to_builtins(fates)})
    if counts["rejected"] == len(fates):
        codes = {problem.code for row in fates for problem in row.problems}
        code = "store_out_of_scope" if codes == {"store_out_of_scope"} else "events_rejected"
        raise ApiError(code, f"none of {len(fates)} events was accepted", {"results": to_builtins(fates)})
    told = Fates(counts["accepted"], counts["duplicate"], counts["rejected"], fates)
    return Response(encode(told), 207 if counts["rejected"] else 200, media_type="application/json")
