"""How alerts came and went, and what people said to them, long after they are closed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from clickhouse_connect.driver.asyncclient import AsyncClient

from projections.fact_reader import Fact, FactCursor, read_facts
from projections.read_models.alert_history.table import ALERT_HISTORY
from projections.sale_facts import FactsAsked


@dataclass(frozen=True, slots=True)
class HistoryEntry(Fact):
    """A transition or an answer; `evidence` is a JSON document, empty for answers.

    A transition whose rule names no business date has that of its time in UTC.
    """

    kind: str
    alert_id: UUID
    transition: int
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
    evidence: str
    answered_by: str
    note: str


async def read_history(
    client: AsyncClient,
    asked: FactsAsked,
    rules: tuple[str, ...] | None = None,
    kinds: tuple[str, ...] | None = None,
    alert_ids: tuple[str, ...] | None = None,
    generation: int = 1,
    after: FactCursor | None = None,
    limit: int = 1_000,
) -> list[HistoryEntry]:
    """Return a page of what counts, by store, business date and event; None means every rule, kind or alert."""
    rows = await read_facts(
        client, ALERT_HISTORY.name(generation), asked, {"rule": rules, "kind": kinds, "alert_id": alert_ids}, after, limit
    )
    return [HistoryEntry(**row) for row in rows]
