"""Which alerts are open and why, and how far the rules are that raise them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.generations import serving_generation
from projections.read_models.open_alerts.table import alert_tables

OPEN_STATUSES: Final = ("raised", "updated", "acknowledged")


class AlertCursor(NamedTuple):
    """The last row of a page; newest windows come first."""

    window_end: datetime
    alert_id: UUID


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert at its highest transition."""

    alert_id: UUID
    transition: int
    store_id: str
    event_id: UUID
    rule: str
    rule_version: int
    policy_version: int
    status: str
    stage: str
    severity: str
    subject: str
    window_start: datetime
    window_end: datetime
    summary: str
    evidence: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime
    part: int
    position: int
    raised_at: datetime

    @property
    def cursor(self) -> AlertCursor:
        """Where the next page begins."""
        return AlertCursor(self.window_end, self.alert_id)


@dataclass(frozen=True, slots=True)
class RuleProgressRow:
    """Everything of a partition of the facts below `next_offset` was judged; its clock stands at `clock`."""

    part: int
    next_offset: int
    clock: datetime
    recorded_at: datetime


async def read_alerts(
    engine: AsyncEngine,
    store_ids: tuple[str, ...],
    statuses: Sequence[str] | None = OPEN_STATUSES,
    rules: Sequence[str] | None = None,
    cursor: AlertCursor | None = None,
    limit: int = 100,
) -> list[AlertRow]:
    """Return a page of alerts, newest window first; None means every status or rule."""
    async with engine.connect() as conn:
        table = alert_tables(await serving_generation(conn, "open_alerts")).alerts
        query = select(table).order_by(table.c.window_end.desc(), table.c.alert_id.desc()).limit(limit)
        for column, wanted in ((table.c.store_id, store_ids), (table.c.status, statuses), (table.c.rule, rules)):
            if wanted is not None:
                query = query.where(column.in_(wanted))
        if cursor is not None:
            query = query.where(tuple_(table.c.window_end, table.c.alert_id) < tuple_(*cursor))
        return [AlertRow(**row) for row in (await conn.execute(query)).mappings()]


async def read_transitions(engine: AsyncEngine, store_ids: tuple[str, ...], alert_id: UUID) -> list[dict[str, Any]]:
    """Return all transitions of one alert, by number; empty where it is unknown or outside the scope."""
    async with engine.connect() as conn:
        table = alert_tables(await serving_generation(conn, "open_alerts")).transitions
        query = select(table).where(table.c.alert_id == alert_id).order_by(table.c.transition)
        query = query.where(table.c.store_id.in_(store_ids))
        return [dict(row) for row in (await conn.execute(query)).mappings()]


async def read_rule_progress(engine: AsyncEngine) -> dict[int, RuleProgressRow]:
    """Return how far the rules are, by partition of the facts."""
    async with engine.connect() as conn:
        table = alert_tables(await serving_generation(conn, "open_alerts")).progress
        rows = (await conn.execute(select(table).order_by(table.c.part))).mappings()
        return {row["part"]: RuleProgressRow(**row) for row in rows}
