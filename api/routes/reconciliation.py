"""Reconciliations: ask for one, list those that were made, and look at what they found."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.cursors import read_cursor, write_cursor
from api.dependencies import CallerDep, ResourcesDep, ScopeDep
from api.errors import ApiError
from api.openapi import problem_answers
from api.parameters import EARLIEST, LATEST, Code, CursorParameter
from api.resources import Resources
from api.schemas.reconciliation import (
    AskReconciliation,
    FindingPage,
    ReconciliationDetail,
    ReconciliationFinding,
    ReconciliationRun,
    RunPage,
    Section,
    Verdict,
)
from api.security.scope import StoreScope
from contracts.envelope import CHAIN_WIDE
from projections.reconciliations import FindingSearch, Reconciliation, TooManyAsked, ask, list_findings, list_runs, read_run

router = APIRouter(prefix="/v1/reconciliation", tags=["reconciliation"])

_RUNS = "reconciliations"
_MOST = 2**62
_Run = Annotated[int, Path(ge=1, le=_MOST, description="Number of the run.")]


@router.post(
    "/runs",
    name="ask_reconciliation",
    operation_id="ask_reconciliation",
    summary="Reconcile now",
    status_code=202,
    responses=problem_answers(401, 403, 409, 422, 503),
)
async def ask_reconciliation(resources: ResourcesDep, caller: CallerDep, scope: ScopeDep, command: AskReconciliation) -> ReconciliationRun:
    """Ask the stack's reconciler for a run; it begins within seconds. One that waits already with the same wishes is returned."""
    if command.store is not None:
        scope.store_ids((command.store,))
    options = command.model_dump(mode="json", by_alias=True)
    with resources.queries:
        try:
            number = await ask(resources.transactions, f"{caller.tenant_id}/{caller.subject}", options)
        except TooManyAsked as error:
            raise ApiError("not_decidable", str(error)) from error
        return ReconciliationRun.of(await _run(resources, number))


@router.get(
    "/runs",
    name="list_reconciliations",
    operation_id="list_reconciliations",
    summary="Reconciliations, the newest first",
    responses=problem_answers(400, 401, 403, 422, 503),
)
async def list_reconciliations(
    resources: ResourcesDep,
    verdict: Annotated[Verdict | None, Query(description="Only these; without it, all.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: CursorParameter = None,
) -> RunPage:
    """Return the runs whose results are kept."""
    with resources.queries:
        found = await list_runs(resources.engine, limit, _place(_RUNS, cursor), verdict)
    return RunPage(rows=[ReconciliationRun.of(run) for run in found], next_cursor=_next(_RUNS, [run.id for run in found], limit))


@router.get(
    "/runs/{run}",
    name="read_reconciliation",
    operation_id="read_reconciliation",
    summary="What a run compared, and what repairs what it found",
    responses=problem_answers(401, 403, 404, 422, 503),
)
async def read_reconciliation(resources: ResourcesDep, scope: ScopeDep, run: _Run) -> ReconciliationDetail:
    """Return one run, whether it is done or not."""
    with resources.queries:
        return ReconciliationDetail.in_scope(await _run(resources, run), scope.store_ids())


@router.get(
    "/runs/{run}/differences",
    name="list_reconciliation_differences",
    operation_id="list_reconciliation_differences",
    summary="What a run found, down to event ids and columns",
    responses=problem_answers(400, 401, 403, 404, 422, 503),
)
async def list_reconciliation_differences(
    resources: ResourcesDep,
    scope: ScopeDep,
    run: _Run,
    section: Annotated[Section | None, Query(description="Only these; without it, all.")] = None,
    model: Annotated[Code | None, Query(description="Of one read model, or check of the business.")] = None,
    store: Annotated[Code | None, Query(description="Only this store.")] = None,
    day: Annotated[date | None, Query(alias="date", ge=EARLIEST, le=LATEST, description="Only this business date.")] = None,
    event_type: Annotated[Code | None, Query(alias="type", description="Only this event type, or table.")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
    cursor: CursorParameter = None,
) -> FindingPage:
    """Return the findings about the stores in scope, and those about no single store."""
    listing = f"findings of {run}"
    search = FindingSearch(section, model, store, None if day is None else day.isoformat(), event_type, _visible(scope, store))
    with resources.queries:
        await _run(resources, run)
        found = await list_findings(resources.engine, run, search, _place(listing, cursor) or 0, limit)
    numbers = [finding.number for finding in found]
    return FindingPage(rows=[ReconciliationFinding.of(finding) for finding in found], next_cursor=_next(listing, numbers, limit))


async def _run(resources: Resources, number: int) -> Reconciliation:
    found = await read_run(resources.engine, number)
    if found is None:
        raise ApiError("not_found", "there is no such run, or its results are no longer kept")
    return found


def _visible(scope: StoreScope, store: str | None) -> tuple[str, ...]:
    return scope.store_ids((store,)) if store is not None else (*scope.store_ids(), "", CHAIN_WIDE)


def _place(listing: str, cursor: str | None) -> int | None:
    key = read_cursor(listing, cursor, 1)
    if key is None:
        return None
    if not (key[0].isascii() and key[0].isdecimal() and int(key[0]) <= _MOST):
        raise ApiError("invalid_cursor", "begin without a cursor")
    return int(key[0])


def _next(listing: str, numbers: list[int], limit: int) -> str | None:
    return write_cursor(listing, (str(numbers[-1]),)) if len(numbers) == limit else None
