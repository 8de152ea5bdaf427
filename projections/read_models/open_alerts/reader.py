"""Which alerts are open and why, what people answered to them, and how far the rules are that raise them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.generations import serving_generation
from projections.read_models.open_alerts.joined import JOINED
from projections.read_models.open_alerts.table import alert_tables

OPEN_STATUSES: Final = ("raised", "updated", "acknowledged")
STATUSES: Final = frozenset({*OPEN_STATUSES, "resolved", "retracted", "orphaned"})
_Stage = Literal["stores", "chains"]


class AlertCursor(NamedTuple):
    """The last row of a page; newest windows come first."""

    window_end: datetime
    alert_id: UUID


@dataclass(frozen=True, slots=True)
class AlertsAsked:
    """Which alerts are wanted; None for any. `due_by`: only those that people were to be told of by then."""

    store_ids: tuple[str, ...]
    statuses: Sequence[str] | None = OPEN_STATUSES
    rules: Sequence[str] | None = None
    severities: Sequence[str] | None = None
    due_by: datetime | None = None

    @property
    def rule_statuses(self) -> list[str] | None:
        """What the rule must have said last, so that people may see one of the statuses: they close what is open to the rule."""
        if self.statuses is None:
            return None
        return sorted({*self.statuses, *(OPEN_STATUSES if {"resolved", *OPEN_STATUSES} & set(self.statuses) else ())})


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert at its highest transition, as people see it; `rule_status` is what the rule said last.

    `handled` is the newest of the answers acknowledged and resolved, `judged` that of true_alarm and false_alarm. People are to
    be told at `due_at`; `notify_at` is that of the newest transition alone.
    """

    alert_id: UUID
    transition: int
    store_id: str
    event_id: UUID
    rule: str
    rule_version: int
    policy_version: int
    status: str
    rule_status: str
    stage: str
    severity: str
    subject: str
    window_start: datetime
    window_end: datetime
    summary: str
    evidence: dict[str, Any]
    notify_at: datetime | None
    due_at: datetime
    occurred_at: datetime
    recorded_at: datetime
    part: int
    position: int
    raised_at: datetime
    handled: str | None
    handled_at: datetime | None
    handled_by: str | None
    judged: str | None
    judged_at: datetime | None
    judged_by: str | None

    @property
    def cursor(self) -> AlertCursor:
        """Where the next page begins."""
        return AlertCursor(self.window_end, self.alert_id)


@dataclass(frozen=True, slots=True)
class RuleProgressRow:
    """Everything of a partition of the stage's topic below `next_offset` was judged; its clock stands at `clock`."""

    part: int
    next_offset: int
    clock: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class StageProgress:
    """Where the slowest partition of a stage of rules stands, and when it said so last."""

    stage: str
    clock: datetime
    recorded_at: datetime


async def read_alerts(engine: AsyncEngine, asked: AlertsAsked, cursor: AlertCursor | None = None, limit: int = 100) -> list[AlertRow]:
    """Return a page of alerts, newest window first."""
    async with engine.connect() as conn:
        return await _read(conn, asked, None, cursor, limit)


async def read_alert(engine: AsyncEngine, store_ids: tuple[str, ...], alert_id: UUID) -> AlertRow | None:
    """Return one alert; None where it is unknown or outside the scope."""
    async with engine.connect() as conn:
        found = await _read(conn, AlertsAsked(store_ids, statuses=None), alert_id, None, 1)
    return found[0] if found else None


async def _read(conn: AsyncConnection, asked: AlertsAsked, alert_id: UUID | None, cursor: AlertCursor | None, limit: int) -> list[AlertRow]:
    conditions, bound = _of_stores(asked.store_ids)
    for column, values in (("rule", asked.rules), ("severity", asked.severities)):
        if values is not None:
            conditions.append(f"a.{column} = ANY(CAST(:{column} AS text[]))")
            bound[column] = list(values)
    if asked.rule_statuses is not None:
        conditions.append(f"a.status IN ({_written(asked.rule_statuses)})")
    if asked.due_by is not None:
        conditions.append("a.due_at <= :due_by")
        bound["due_by"] = asked.due_by
    if alert_id is not None:
        conditions.append("a.alert_id = :alert_id")
        bound["alert_id"] = alert_id
    if cursor is not None:
        conditions.append("(a.window_end, a.alert_id) < (:after_end, :after_alert)")
        bound |= {"after_end": cursor.window_end, "after_alert": cursor.alert_id}
    statement = JOINED.format(
        generation=await serving_generation(conn, "open_alerts"),
        conditions=" AND ".join(conditions),
        seen="true" if asked.statuses is None else _unguessed(f"status IN ({_written(asked.statuses)})"),
        rows=int(limit),
    )
    return [AlertRow(**row) for row in (await conn.execute(text(statement), bound)).mappings()]


def _of_stores(store_ids: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    if len(store_ids) == 1:
        return ["a.store_id = :store"], {"store": store_ids[0]}
    return [_unguessed("a.store_id = ANY(CAST(:stores AS text[]))")], {"stores": list(store_ids)}


def _unguessed(condition: str) -> str:
    """Hide a condition from the planner, who takes it for far narrower than it is and would then read and sort everything."""
    return f"CASE WHEN {condition} THEN true ELSE false END"


def _written(statuses: Sequence[str]) -> str:
    """Write statuses into a statement; ValueError for what is none."""
    if unknown := set(statuses) - STATUSES:
        raise ValueError(f"no status of an alert: {', '.join(sorted(unknown))}")
    return ", ".join(f"'{status}'" for status in sorted(set(statuses))) or "NULL"


async def read_transitions(engine: AsyncEngine, store_ids: tuple[str, ...], alert_id: UUID) -> list[dict[str, Any]]:
    """Return all transitions of one alert, by number; empty where it is unknown or outside the scope."""
    async with engine.connect() as conn:
        table = alert_tables(await serving_generation(conn, "open_alerts")).transitions
        query = select(table).where(table.c.alert_id == alert_id).order_by(table.c.transition)
        query = query.where(table.c.store_id.in_(store_ids))
        return [dict(row) for row in (await conn.execute(query)).mappings()]


async def read_answers(engine: AsyncEngine, alert_id: UUID, store_id: str) -> list[dict[str, Any]]:
    """Return all answers to one alert of a store, in the order in which they were given; `counts` is false for one taken back."""
    async with engine.connect() as conn:
        table = alert_tables(await serving_generation(conn, "open_alerts")).answers
        query = select(table).where(table.c.alert_id == bindparam("alert"), table.c.store_id == bindparam("store"))
        query = query.order_by(table.c.occurred_at, table.c.position)
        return [dict(row) for row in (await conn.execute(query, {"alert": alert_id, "store": store_id})).mappings()]


async def read_rule_progress(engine: AsyncEngine, stage: _Stage = "stores") -> dict[int, RuleProgressRow]:
    """Return how far the rules of a stage are, by partition of its topic."""
    async with engine.connect() as conn:
        table = alert_tables(await serving_generation(conn, "open_alerts")).progress
        columns = (table.c.part, table.c.next_offset, table.c.clock, table.c.recorded_at)
        rows = (await conn.execute(select(*columns).where(table.c.stage == stage).order_by(table.c.part))).mappings()
        return {row["part"]: RuleProgressRow(**row) for row in rows}


async def read_stage_progress(engine: AsyncEngine) -> list[StageProgress]:
    """Return how far each stage of rules is, those over stores last; a stage that never spoke is left out."""
    async with engine.connect() as conn:
        table = alert_tables(await serving_generation(conn, "open_alerts")).progress
        query = select(table.c.stage, func.min(table.c.clock).label("clock"), func.min(table.c.recorded_at).label("recorded_at"))
        rows = (await conn.execute(query.group_by(table.c.stage).order_by(table.c.stage))).mappings()
        return [StageProgress(**row) for row in rows]
