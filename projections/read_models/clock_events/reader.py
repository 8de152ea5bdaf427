"""Who pressed which time clock when, and what is known of the place."""

from dataclasses import dataclass

from clickhouse_connect.driver.asyncclient import AsyncClient

from projections.fact_reader import Fact, FactCursor, read_facts
from projections.read_models.clock_events.table import CLOCK_EVENTS
from projections.sale_facts import FactsAsked


@dataclass(frozen=True, slots=True)
class ClockEvent(Fact):
    """A punch; distances in metres, −1 where there is none."""

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
