"""Webhooks: what vendors deliver, signed by them, translated and brought to the log like any other post."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence

import structlog
from fastapi import APIRouter

from api.dependencies import ResourcesDep
from api.edge.deliveries import caller_of, document_of, problem_body, refused_post, versions_asked_for
from api.edge.documents import BATCH, Document
from api.edge.entrance import accept
from api.edge.refusals import AnsweredPost
from api.errors import ApiError
from api.openapi import problem_answers
from api.resources import Resources
from api.schemas.events import ItemResult
from api.schemas.webhooks import WebhookResult
from api.security.caller import Caller
from api.security.signed import Delivery, SignedDelivery
from producers.sources.vendor import Translated

router = APIRouter(prefix="/v1", tags=["webhooks"])
_log = structlog.get_logger(__name__)
_MAX_TOLD = 100
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"description": "As the vendor writes it."}}}}}


@router.post(
    "/webhooks/{connection}",
    name="post_webhook",
    operation_id="post_webhook",
    summary="Take a vendor's delivery",
    responses=problem_answers(400, 401, 404, 408, 413, 415, 422, 503),
    openapi_extra=_BODY,
)
async def post_webhook(delivery: SignedDelivery, resources: ResourcesDep) -> WebhookResult:
    """Translate a signed body into events and bring them to the log.

    200: everything is decided, what was refused included, and delivering it again would change nothing. 503: deliver it
    again. A body whose signature does not hold is 401, whatever it says.
    """
    caller = caller_of(delivery.account)
    with resources.posts:
        translated = await asyncio.to_thread(delivery.account.vendor.translated, delivery.body, delivery.account.connection)
        documents, repeats = await _documents(translated, resources)
        results = await accept(documents, resources, caller) if documents else []
    counts: Counter[str] = Counter(row.outcome for row in results)
    if counts["unacknowledged"]:
        raise ApiError("not_durable", f"{counts['unacknowledged']} of {len(results)} events: deliver them again")
    _keep_refused(delivery, translated, documents, results, resources, caller)
    counts["duplicate"] += repeats
    _tell(delivery, translated, results, counts, resources)
    return WebhookResult(
        accepted=counts["accepted"],
        duplicate=counts["duplicate"],
        rejected=counts["rejected"],
        refused=[problem_body(row) for row in translated.refused[:_MAX_TOLD]],
        results=results,
    )


async def _documents(translated: Translated, resources: Resources) -> tuple[list[Document], int]:
    """Return the documents to be judged, and how many updates are left out because the log has that very version."""
    asked = versions_asked_for(translated)
    recorded = await resources.repeats.look_up(asked) if asked else {}
    events = translated.following({event_id for _, event_id in recorded})
    return [document_of(event) for event in events], len(translated.events) - len(events)


def _keep_refused(
    delivery: Delivery,
    translated: Translated,
    documents: Sequence[Document],
    results: Sequence[ItemResult],
    resources: Resources,
    caller: Caller,
) -> None:
    """Let the quarantine have what was refused: rejected events as our documents, the rest as the vendor wrote it."""
    tenants = resources.stores.tenants() if resources.stores.is_loaded else {}
    if any(row.outcome == "rejected" for row in results):
        body = json.dumps(documents, ensure_ascii=False).encode("utf-8", "backslashreplace")
        resources.refusals.note(AnsweredPost(BATCH, body, documents, results, caller, tenants))
    if translated.refused:
        resources.refusals.note(refused_post(delivery, translated, caller, tenants))


def _tell(delivery: Delivery, translated: Translated, results: Sequence[ItemResult], counts: Counter[str], resources: Resources) -> None:
    """Count the outcomes, and log each refusal: the vendor will not read them."""
    name = delivery.account.name
    for outcome, count in (*counts.items(), ("refused", len(translated.refused))):
        resources.metrics.webhooks.labels(name, outcome).inc(count)
    for outcome in ("accepted", "duplicate", "rejected"):
        resources.metrics.events.labels(outcome).inc(counts[outcome])
    for row in translated.refused[:_MAX_TOLD]:
        _log.warning("webhook_part_refused", connection=name, code=row.code, pointer=row.pointer, expected=row.expected)
    for rejected in [row for row in results if row.outcome == "rejected"][:_MAX_TOLD]:
        codes = [problem.code for problem in rejected.problems]
        _log.warning("webhook_event_rejected", connection=name, event_id=str(rejected.id), codes=codes)
