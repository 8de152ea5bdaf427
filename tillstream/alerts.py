"""Alerts for the command line: list and describe them, and bring answers to the log on the API's own way."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from api.answering import Answer, give, given_at, identity_of, opaque, present, reader_of
from api.config import Limits
from api.edge.documents import Document
from api.edge.fates import item_result
from api.edge.judgement import Judge
from api.edge.reading import ReadPrecisely
from api.errors import ApiError
from api.schemas.alerts import AnswerTaken, GivenAnswer
from api.schemas.events import ItemResult
from api.security.caller import EVERY_STORE, Caller
from api.security.scope import StoreScope
from api.store_directory import StoreDirectory
from infra.addresses import Addresses
from infra.clock import new_event_id, utc_now
from infra.postgres.engine import async_engine
from projections.read_models.open_alerts.reader import (
    AlertRow,
    AlertsAsked,
    read_alert,
    read_alerts,
    read_answers,
    read_stage_progress,
    read_transitions,
)
from tillstream.edge_desk import operators_edge

TimeMode = Literal["live", "simulated"]


@dataclass(frozen=True, slots=True)
class Search:
    """Which alerts an operator wants to see; None for any."""

    stores: Sequence[str] | None
    statuses: Sequence[str] | None
    rules: Sequence[str] | None
    severities: Sequence[str] | None
    due: bool


@dataclass(frozen=True, slots=True)
class Course:
    """An alert whole: its transitions by number, and the answers to it in their order."""

    alert: AlertRow
    transitions: list[dict[str, Any]]
    answers: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Word:
    """Which alert is answered, with what, in whose name; a key makes a retry the same answer."""

    alert_id: UUID
    given: GivenAnswer
    by: str
    key: str | None


@asynccontextmanager
async def _database(addresses: Addresses) -> AsyncIterator[tuple[AsyncEngine, StoreDirectory]]:
    engine = async_engine(addresses.postgres_dsn, "tillstream-alerts", pool_size=2)
    try:
        stores = StoreDirectory(engine, Limits().stores_refresh_seconds)
        await stores.tenants_now()
        yield engine, stores
    finally:
        await engine.dispose()


async def find_alerts(addresses: Addresses, time: TimeMode, search: Search, limit: int) -> list[AlertRow]:
    """Return the alerts that fit, newest window first; the operator of a stack sees every chain."""
    async with _database(addresses) as (engine, stores):
        due_by = present(time, await read_stage_progress(engine), utc_now()) if search.due else None
        wanted = tuple(search.stores) if search.stores else tuple(stores.tenants())
        return await read_alerts(engine, AlertsAsked(wanted, search.statuses, search.rules, search.severities, due_by), limit=limit)


async def find_course(addresses: Addresses, alert_id: UUID) -> Course:
    """Return one alert whole; ApiError when there is none."""
    async with _database(addresses) as (engine, stores):
        alert = await _known(engine, stores, alert_id)
        transitions = await read_transitions(engine, (alert.store_id,), alert_id)
        return Course(alert, transitions, await read_answers(engine, alert_id, alert.store_id))


async def answer_alert(addresses: Addresses, time: TimeMode, word: Word) -> AnswerTaken:
    """Bring an answer to the log as HQ of the alert's chain; ApiError when it is refused or not acknowledged."""
    async with operators_edge(addresses) as (engine, edge, stores):
        alert = await _known(engine, stores, word.alert_id)
        tenant = stores.tenants()[alert.store_id]
        by = opaque(word.by, tenant)
        event_id = new_event_id() if word.key is None else identity_of(word.key, word.alert_id, by)
        at = given_at(event_id, time, await read_stage_progress(engine), utc_now())
        caller = Caller(word.by, "hq", tenant, (EVERY_STORE,))
        judge = Judge(caller, StoreScope(caller, stores.tenants()), stores.known(), utc_now(), time)

        async def bring(document: Document) -> ItemResult:
            return item_result((await edge.accept(ReadPrecisely([document]), judge))[0])

        return await give(Answer(alert, word.given, by, event_id, at), bring, reader_of(addresses))


async def _known(engine: AsyncEngine, stores: StoreDirectory, alert_id: UUID) -> AlertRow:
    alert = await read_alert(engine, tuple(stores.tenants()), alert_id)
    if alert is None:
        raise ApiError("not_found", f"there is no alert {alert_id}")
    return alert


def describe(course: Course) -> list[str]:
    """Return the lines that show an alert whole."""
    alert, evidence = course.alert, course.alert.evidence
    lines = [
        f"alert       {alert.alert_id}",
        f"what        {alert.rule} of {alert.subject} in store {alert.store_id}: {alert.summary}",
        f"status      {alert.status} ({alert.stage}, {alert.severity}); the rule says {alert.rule_status}",
        f"window      {alert.window_start.isoformat()} to {alert.window_end.isoformat()}",
        f"told at     {alert.due_at.isoformat()}, raised at {alert.raised_at.isoformat()}",
        f"observed    {evidence['observed']}",
        f"expected    {evidence['expected']}",
    ]
    lines += [
        f"{name:<11} {evidence[key]}" for name, key in (("probability", "probability"), ("baseline", "baseline_window")) if key in evidence
    ]
    lines += [f"event       {event_id}" for event_id in evidence.get("event_ids", ())]
    lines += [f"transition  {_transition(row)}" for row in course.transitions]
    return [*lines, *(f"answer      {_answer(row)}" for row in course.answers)]


def _transition(row: dict[str, Any]) -> str:
    said = f"{row['transition']} {row['status']} ({row['stage']}, {row['severity']})"
    return f"{said} at {row['occurred_at'].isoformat()}: {row['summary']}"


def _answer(row: dict[str, Any]) -> str:
    note = f": {row['note']}" if row["note"] else ""
    taken_back = "" if row["counts"] else " (taken back)"
    return f"{row['answer']} by {row['answered_by'] or '?'} at {row['occurred_at'].isoformat()}{taken_back}{note}, event {row['event_id']}"
