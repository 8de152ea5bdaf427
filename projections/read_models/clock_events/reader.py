"""Who pressed which time clock when, and what is known of the place."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from clickhouse_connect.driver.asyncclient import AsyncClient

from projections.fact_reader import FactCursor, read_facts
from projections.read_models.clock_events.table import CLOCK_EVENTS
from projections.sale_facts import FactsAsked


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """A punch; distances in metres, −1 where there is none.

    `corrects_event_id` names the wrong punch of a correction, else it is the nil UUID.
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
    employee_id: str
    punch_source: str
    offline: int
    auto_reason: str
    verdict: str
    distance_m: int
    accuracy_m: int
    mock_location: int
    fence_id: str

    @property
    def cursor(self) -> FactCursor:
        """Where the next page begins."""
        return FactCursor(self.store_id, self.business_date, self.event_id, self.line)


async def read_punches(
    client: AsyncClient,
    asked: FactsAsked,
    employee_ids: tuple[str, ...] | None = None,
    generation: int = 1,
    after: FactCursor | None = None,
    limit: int = 1_000,
) -> list[ClockEvent]:
    """Return a page of the punches that count, by store, business date and event; None means everybody."""
    rows = await read_facts(client, CLOCK_EVENTS.name(generation), asked, {"employee_id": employee_ids}, after, limit)
    return [ClockEvent(**row) for row in rows]
