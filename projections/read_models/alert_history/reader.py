"""How alerts came and went, and what people said to them, long after they are closed."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from clickhouse_connect.driver.asyncclient import AsyncClient

from projections.fact_reader import FactCursor, read_facts
from projections.read_models.alert_history.table import ALERT_HISTORY
from projections.sale_facts import FactsAsked


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A transition or an answer; `evidence` is a JSON document, empty for answers.

    The business date of a transition is that of its time in UTC.
    """

    store_id: str
    business_date: date
    event_id: UUID
    line: int
    event_type: str
    corrects_event_id: UUID
    recorded_at: datetime
    occurred_at: datetime
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

    @property
    def cursor(self) -> FactCursor:
        """Where the next page begins."""
        return FactCursor(self.store_id, self.business_date, self.event_id, self.line)


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
