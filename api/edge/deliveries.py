"""From a vendor's delivery to documents of the edge, and to what is kept of the parts that could not be translated. Pure."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from api.edge.documents import JSON, NDJSON, Document
from api.edge.refusals import AnsweredPost
from api.errors import printable
from api.schemas.events import ItemResult, ProblemBody
from api.security.caller import Caller
from api.security.signed import Delivery
from contracts.envelope import Event
from contracts.errors import Problem
from contracts.fields import Model
from producers.connections import Account
from producers.sources.vendor import Translated


def caller_of(account: Account) -> Caller:
    """Return whom a connection acts as: head office of its chain, for its own stores alone."""
    stores = sorted({store.store_id for store in account.connection.locations.values()})
    return Caller(f"webhook/{account.name}", "hq", account.connection.tenant, tuple(stores))


def document_of(event: Event[Model]) -> dict[str, Any]:
    """Write an event as the document that a sender of ours would post."""
    attributes = event.envelope.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    return {**attributes, "data": event.data.model_dump(mode="json", exclude_none=True, exclude_defaults=True)}


def versions_asked_for(translated: Translated) -> list[tuple[str, UUID]]:
    """Return the identities that decide what each update corrects: its own, and those of the versions before."""
    stores = {event.id: event.store_id for event in translated.events}
    return [(stores[event_id], found) for event_id, earlier in translated.earlier.items() for found in (event_id, *earlier)]


def problem_body(problem: Problem) -> ProblemBody:
    """Write a refusal for the answer."""
    return ProblemBody(code=problem.code, pointer=printable(problem.pointer), expected=printable(problem.expected))


def refused_post(delivery: Delivery, translated: Translated, caller: Caller, tenants: Mapping[str, str]) -> AnsweredPost:
    """Describe what was refused in the vendor's own words, so that it is kept: a body as a whole, or lines one by one."""
    kind = NDJSON if delivery.account.vendor.is_text else JSON
    problems: dict[int, list[ProblemBody]] = {}
    for problem in translated.refused:
        problems.setdefault(_number_of(problem) if kind == NDJSON else 0, []).append(problem_body(problem))
    lines = sum(bool(line.strip()) for line in delivery.body.decode("utf-8", "replace").split("\n")) if kind == NDJSON else 1
    documents: list[Document] = [{} for _ in range(lines)]
    results = [ItemResult(index=index, outcome="rejected", problems=rows) for index, rows in problems.items()]
    return AnsweredPost(kind, delivery.body, documents, results, caller, tenants)


def _number_of(problem: Problem) -> int:
    number = problem.pointer.split("/")[1] if problem.pointer else "0"
    return int(number) if number.isdigit() else 0
