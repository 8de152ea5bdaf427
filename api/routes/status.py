"""How far every read model and the rules are, partition by partition: what is stuck, and where."""

import asyncio

from fastapi import APIRouter

from api.dependencies import ResourcesDep
from api.freshness import behind
from api.log_connection import Ends
from api.openapi import problem_answers
from api.resources import Resources
from api.schemas.status import PartitionStatus, ProjectionStatus, RuleStatus, StackStatus
from contracts.topics import STORE_FACTS
from infra.clock import utc_now
from projections.consumers import Fare, read_fares
from projections.freshness import read_freshness
from projections.read_models.open_alerts.reader import read_rule_progress

router = APIRouter(prefix="/v1", tags=["operations"])

PROJECTIONS = (
    "event_index",
    "stores",
    "reference_data",
    "stock_on_hand",
    "incoming_goods",
    "attendance_day",
    "till_days",
    "till_periods",
    "open_alerts",
    "reorder_recommendations",
    "dead_letters",
    "sales",
    "stock_ledger",
    "clock_events",
    "alert_history",
    "event_log",
)


@router.get(
    "/status",
    name="read_status",
    operation_id="read_status",
    summary="Positions and lag of every part",
    responses=problem_answers(401, 403, 503),
)
async def read_stack_status(resources: ResourcesDep) -> StackStatus:
    """Return positions, log ends and lag in events; a read model that never started has no partitions."""
    with resources.queries:
        ends = await resources.log.ends()
        fares = await read_fares(resources.engine, PROJECTIONS)
        projections = await asyncio.gather(*(_projection(resources, fares[name], ends) for name in PROJECTIONS))
        progress = await read_rule_progress(resources.engine)
    return StackStatus(
        log_id=resources.config.addresses.log_id,
        is_log_known=ends is not None,
        projections=list(projections),
        rules=[
            RuleStatus(
                partition=row.part,
                next_offset=row.next_offset,
                clock=row.clock,
                recorded_at=row.recorded_at,
                lag_events=_lag(ends, (STORE_FACTS, row.part), row.next_offset),
            )
            for row in progress.values()
        ],
    )


async def _projection(resources: Resources, fare: Fare, ends: Ends | None) -> ProjectionStatus:
    applied = await read_freshness(resources.engine, fare.projection)
    lag = behind(applied, ends, utc_now())
    return ProjectionStatus(
        projection=fare.projection,
        state=fare.state,
        rate=round(fare.rate, 3),
        open_letters=fare.open_letters,
        last_error=fare.last_error,
        last_error_at=fare.last_error_at,
        why_still=fare.why_still(lag.events),
        as_of=applied.as_of,
        behind=lag,
        generation=applied.generation,
        partitions=[
            PartitionStatus(
                topic=topic,
                partition=number,
                next_offset=offset,
                end=None if ends is None else ends.get((topic, number)),
                lag_events=_lag(ends, (topic, number), offset),
            )
            for (topic, number), offset in sorted(applied.positions.items())
        ],
    )


def _lag(ends: Ends | None, at: tuple[str, int], next_offset: int) -> int | None:
    end = None if ends is None else ends.get(at)
    return None if end is None else max(0, end - next_offset)
