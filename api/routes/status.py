"""How far every read model and the rules are, partition by partition: what is stuck, and where."""

from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter

from api.dependencies import ResourcesDep
from api.freshness import behind
from api.log_connection import Ends
from api.openapi import problem_answers
from api.schemas.status import PartitionStatus, ProjectionStatus, RuleStatus, StackStatus
from contracts.topics import STORE_FACTS
from infra.clock import utc_now
from infra.kafka.consumer import Partition
from projections.consumers import Fare, read_fares
from projections.freshness import Freshness, read_freshnesses
from projections.oldest import oldest, recorded_times
from projections.read_models.open_alerts.reader import RuleProgressRow, read_rule_progress

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

_OLDEST_SECONDS: Final = 3.0
_RULES_SILENT_AFTER: Final = timedelta(seconds=60)
_RULES_SILENT: Final = "its worker has reported nothing for {seconds:.0f} s: it was killed, hangs, or recovers its state"


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
        applied = dict(zip(PROJECTIONS, await read_freshnesses(resources.engine, *PROJECTIONS), strict=True))
        progress = await read_rule_progress(resources.engine)
        unread = {name: _unread(applied[name], ends) for name in PROJECTIONS}
        places = {at for of_model in unread.values() for at in of_model.items()}
        times = await recorded_times(resources.config.addresses, places, _OLDEST_SECONDS) if places else {}
    now = utc_now()
    return StackStatus(
        log_id=resources.config.addresses.log_id,
        is_log_known=ends is not None,
        projections=[_projection(fares[name], applied[name], ends, oldest(unread[name], times), now) for name in PROJECTIONS],
        rules=[_rules(row, ends, now) for row in progress.values()],
    )


def _unread(applied: Freshness, ends: Ends | None) -> dict[Partition, int]:
    """Return for each partition that has something to read the first offset that was not."""
    if ends is None:
        return {}
    topics = {topic for topic, _ in applied.positions}
    found = {at: applied.positions.get(at, 0) for at in ends if at[0] in topics}
    return {Partition(*at): offset for at, offset in found.items() if offset < ends[at]}


def _rules(row: RuleProgressRow, ends: Ends | None, now: datetime) -> RuleStatus:
    lag, silent = _lag(ends, (STORE_FACTS, row.part), row.next_offset), now - row.recorded_at
    return RuleStatus(
        partition=row.part,
        next_offset=row.next_offset,
        clock=row.clock,
        recorded_at=row.recorded_at,
        lag_events=lag,
        why_still=_RULES_SILENT.format(seconds=silent.total_seconds()) if lag and silent > _RULES_SILENT_AFTER else None,
    )


def _projection(fare: Fare, applied: Freshness, ends: Ends | None, oldest_at: datetime | None, now: datetime) -> ProjectionStatus:
    lag = behind(applied, ends, now)
    return ProjectionStatus(
        projection=fare.projection,
        state=fare.state,
        rate=round(fare.rate, 3),
        open_letters=fare.open_letters,
        last_error=fare.last_error,
        last_error_at=fare.last_error_at,
        why_still=fare.why_still(lag.events),
        oldest_unapplied_at=oldest_at,
        oldest_unapplied_seconds=None if oldest_at is None else max(0.0, round((now - oldest_at).total_seconds(), 3)),
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
