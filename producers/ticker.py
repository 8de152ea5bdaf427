"""The clock of a live log: a tick to every partition of the store facts at each interval.

Two tickers are harmless: ids come from the partition and the rounded time, so both send the same events.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from infra.clock import utc_now
from infra.kafka.publisher import NotDurable, Publisher
from producers.publisher import tick_record
from producers.ticks import floor_to, tick_events

SOURCE = "ticker"
_PATIENCE_SECONDS = 5.0


async def run_ticker(
    publisher: Publisher,
    partitions: int,
    interval_seconds: float = 10,
    now: Callable[[], datetime] = utc_now,
    stop: asyncio.Event | None = None,
) -> None:
    """Send ticks until `stop` is set. A tick that was not acknowledged is not sent again: the next one says more."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    stop = stop or asyncio.Event()
    interval = timedelta(seconds=interval_seconds)
    last: datetime | None = None
    while not stop.is_set():
        at = floor_to(now(), interval)
        if last is None or at > last:
            last = at
            records = [tick_record(tick) for tick in tick_events(SOURCE, at, partitions, "live")]
            refused = [
                outcome
                for outcome in await publisher.publish(records, max(interval_seconds, _PATIENCE_SECONDS))
                if isinstance(outcome, NotDurable)
            ]
            if refused:
                log.warning("ticks_not_acknowledged", at=at.isoformat(), partitions=len(refused), reason=str(refused[0]))
        wait = (floor_to(now(), interval) + interval - now()).total_seconds()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), max(wait, 0.001))
