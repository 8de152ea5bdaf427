"""As of when a read model answers: its positions against the ends of the log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.log_connection import Ends
from api.resources import Resources
from api.schemas.freshness import Behind
from infra.clock import utc_now
from projections.freshness import Freshness as Applied
from projections.freshness import read_freshnesses

STORES = "stores"
TopicPartition = tuple[str, int]


async def freshness_of(resources: Resources, projection: str) -> dict[str, Any]:
    """Return the fields of a `Freshness` for one projection; ask before reading rows, so that `as_of` is never too late."""
    applied = await applied_for_answers(resources, projection)
    ends = await resources.log.ends()
    return {"as_of": applied.as_of, "behind": behind(applied, ends, utc_now()), "generation": applied.generation}


async def applied_for_answers(resources: Resources, projection: str) -> Applied:
    """Return how far the answers of a read model are: no further than the stores that they are limited to."""
    found, stores = await read_freshnesses(resources.engine, projection, STORES)
    return found.limited_by(stores)


def lag_events(positions: Mapping[TopicPartition, int], ends: Ends) -> int:
    """Count the records beyond the positions, over all partitions of the topics that the positions are of.

    A partition of such a topic without a position has not been read at all.
    """
    topics = {topic for topic, _ in positions}
    return sum(max(0, end - positions.get(at, 0)) for at, end in ends.items() if at[0] in topics)


def behind(applied: Applied, ends: Ends | None, now: datetime) -> Behind:
    """Compare what was applied with the ends of the log; all null when they are not known."""
    if ends is None or not applied.positions:
        return Behind(events=None, seconds=None)
    events = lag_events(applied.positions, ends)
    if events == 0:
        return Behind(events=0, seconds=0.0)
    seconds = None if applied.as_of is None else max(0.0, round((now - applied.as_of).total_seconds(), 3))
    return Behind(events=events, seconds=seconds)
