"""Reconciliations that were asked for and made, with their results: written by whoever reconciles, read by the API and the command line."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncEngine

State: TypeAlias = Literal["asked", "running", "done"]
Section: TypeAlias = Literal["difference", "explained", "conflict", "business"]

_COLUMNS: Final = "id, state, asked_by, asked_at, options, started_at, finished_at, confirmed_at, verdict, business_verdict, report"
_MOST_ASKED: Final = 10
_WAITING: Final = text(
    "SELECT id, options = CAST(:options AS jsonb) AS is_same FROM write.reconciliations WHERE state = 'asked' ORDER BY id"
)
_ONE_ASKS: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('tillstream reconciliations asked', 0))")
_ASK: Final = text(
    "INSERT INTO write.reconciliations (state, asked_by, options) VALUES ('asked', :asked_by, CAST(:options AS jsonb)) RETURNING id"
)
_TAKE: Final = text(
    f"""
    UPDATE write.reconciliations SET state = 'running', started_at = now() WHERE id = (
        SELECT id FROM write.reconciliations
        WHERE state = 'asked' OR (state = 'running' AND started_at < now() - interval '1 hour') ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING {_COLUMNS}
    """  # noqa: S608 - the columns are ours
)
_KEEP: Final = text(
    """
    INSERT INTO write.reconciliations (state, asked_by, options, started_at, finished_at, verdict, business_verdict, report)
    VALUES ('done', :asked_by, CAST(:options AS jsonb), now() - make_interval(secs => :seconds), now(), :verdict, :business_verdict,
            CAST(:report AS jsonb))
    RETURNING id
    """
)
_FINISH: Final = text(
    """
    UPDATE write.reconciliations SET state = 'done', finished_at = now(), verdict = :verdict, business_verdict = :business_verdict,
                                     report = CAST(:report AS jsonb)
    WHERE id = :id
    """
)
_FINDING: Final = text(
    """
    INSERT INTO write.reconciliation_findings (run_id, number, section, model, store_id, business_date, event_type, document)
    VALUES (:run, :number, :section, :model, :store_id, :business_date, :event_type, CAST(:document AS jsonb))
    """
)
_CONFIRM: Final = text("UPDATE write.reconciliations SET confirmed_at = now() WHERE id = :id")
_PRUNE: Final = text(
    """
    DELETE FROM write.reconciliations WHERE state = 'done' AND finished_at < now() - make_interval(days => :days)
      AND id <> (SELECT max(id) FROM write.reconciliations WHERE state = 'done')
    """
)
_RUNS: Final = text(
    f"""
    SELECT {_COLUMNS} FROM write.reconciliations WHERE (CAST(:before AS bigint) IS NULL OR id < :before)
      AND (CAST(:verdict AS text) IS NULL OR verdict = :verdict)
    ORDER BY id DESC LIMIT :limit
    """  # noqa: S608 - the columns are ours
)
_RUN: Final = text(f"SELECT {_COLUMNS} FROM write.reconciliations WHERE id = :id")  # noqa: S608 - the columns are ours
_LAST: Final = text(f"SELECT {_COLUMNS} FROM write.reconciliations WHERE state = 'done' ORDER BY id DESC LIMIT 1")  # noqa: S608 - ours
_FINDINGS: Final = text(
    """
    SELECT number, section, document FROM write.reconciliation_findings
    WHERE run_id = :run AND number > :after AND (CAST(:section AS text) IS NULL OR section = :section)
      AND (CAST(:model AS text) IS NULL OR model = :model) AND (CAST(:store AS text) IS NULL OR store_id = :store)
      AND (CAST(:day AS text) IS NULL OR business_date = :day) AND (CAST(:type AS text) IS NULL OR event_type = :type)
      AND (CAST(:stores AS text[]) IS NULL OR store_id = ANY(CAST(:stores AS text[])))
    ORDER BY number LIMIT :limit
    """
)


class TooManyAsked(Exception):
    """Nobody seems to answer those who ask."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One run. `confirmed_at`: when it was last seen that nothing had been added since; `report`: what it found, but single findings."""

    id: int
    state: State
    asked_by: str
    asked_at: datetime
    options: dict[str, Any]
    started_at: datetime | None
    finished_at: datetime | None
    confirmed_at: datetime | None
    verdict: str | None
    business_verdict: str | None
    report: dict[str, Any] | None

    @property
    def holds_since(self) -> datetime | None:
        """When the verdict was given or confirmed last."""
        return self.confirmed_at or self.finished_at


class FindingRow(NamedTuple):
    """A finding with what it is looked for by, and all of it."""

    section: Section
    model: str
    store_id: str
    business_date: str
    event_type: str
    document: dict[str, Any]


class Finding(NamedTuple):
    """A kept finding; `number` is its place in the run."""

    number: int
    section: Section
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FindingSearch:
    """Which findings of a run are looked for; `stores`: those that the asking person may see, None for all."""

    section: Section | None = None
    model: str | None = None
    store: str | None = None
    day: str | None = None
    type: str | None = None
    stores: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a run found, to be kept."""

    verdict: str
    business_verdict: str | None
    report: dict[str, Any]
    findings: Sequence[FindingRow]
    seconds: float


async def ask(engine: AsyncEngine, asked_by: str, options: dict[str, Any]) -> int:
    """Ask whoever reconciles on a schedule for a run; return its number, or that of one that waits with the same options.

    TooManyAsked when ten wait.
    """
    async with engine.begin() as conn:
        await conn.execute(_ONE_ASKS)
        waiting = (await conn.execute(_WAITING, {"options": json.dumps(options)})).all()
        for row in waiting:
            if row.is_same:
                return int(row.id)
        if len(waiting) >= _MOST_ASKED:
            raise TooManyAsked(f"{len(waiting)} runs wait already: is the reconciler running?")
        return int((await conn.execute(_ASK, {"asked_by": asked_by, "options": json.dumps(options)})).scalar_one())


async def take(engine: AsyncEngine) -> Reconciliation | None:
    """Take the oldest run that was asked for, also one whose taker has not been heard of for an hour; None when there is none."""
    async with engine.begin() as conn:
        row = (await conn.execute(_TAKE)).mappings().one_or_none()
    return None if row is None else _run(row)


async def keep(engine: AsyncEngine, asked_by: str, options: dict[str, Any], result: Result, run_id: int | None = None) -> int:
    """Keep what a run found, one that was taken or a new one; return its number."""
    bound = {"verdict": result.verdict, "business_verdict": result.business_verdict, "report": json.dumps(result.report)}
    async with engine.begin() as conn:
        if run_id is None:
            asked = {"asked_by": asked_by, "options": json.dumps(options), "seconds": result.seconds}
            run_id = int((await conn.execute(_KEEP, {**bound, **asked})).scalar_one())
        else:
            await conn.execute(_FINISH, {**bound, "id": run_id})
        rows = [
            {"run": run_id, "number": number, **found._asdict(), "document": json.dumps(found.document)}
            for number, found in enumerate(result.findings, 1)
        ]
        if rows:
            await conn.execute(_FINDING, rows)
    return run_id


async def confirm(engine: AsyncEngine, run_id: int) -> None:
    """Note that nothing was added to the log since a run."""
    async with engine.begin() as conn:
        await conn.execute(_CONFIRM, {"id": run_id})


async def prune(engine: AsyncEngine, days: int) -> int:
    """Forget runs that ended longer ago, but for the last one; return how many."""
    async with engine.begin() as conn:
        return (await conn.execute(_PRUNE, {"days": days})).rowcount


async def list_runs(engine: AsyncEngine, limit: int, before: int | None = None, verdict: str | None = None) -> list[Reconciliation]:
    """Return runs, the newest first."""
    async with engine.connect() as conn:
        rows = await conn.execute(_RUNS, {"limit": limit, "before": before, "verdict": verdict})
    return [_run(row) for row in rows.mappings()]


async def read_run(engine: AsyncEngine, run_id: int) -> Reconciliation | None:
    """Return one run."""
    async with engine.connect() as conn:
        row = (await conn.execute(_RUN, {"id": run_id})).mappings().one_or_none()
    return None if row is None else _run(row)


async def last_run(engine: AsyncEngine) -> Reconciliation | None:
    """Return the last run that ended."""
    async with engine.connect() as conn:
        row = (await conn.execute(_LAST)).mappings().one_or_none()
    return None if row is None else _run(row)


async def list_findings(engine: AsyncEngine, run_id: int, search: FindingSearch, after: int, limit: int) -> list[Finding]:
    """Return findings of a run in their order."""
    bound: dict[str, Any] = {
        "run": run_id,
        "after": after,
        "limit": limit,
        "section": search.section,
        "model": search.model,
        "store": search.store,
    }
    bound |= {"day": search.day, "type": search.type, "stores": None if search.stores is None else list(search.stores)}
    async with engine.connect() as conn:
        return [Finding(*row) for row in await conn.execute(_FINDINGS, bound)]


def _run(row: RowMapping) -> Reconciliation:
    return Reconciliation(**row)
