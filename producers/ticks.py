"""Ticks as pure values: which moments a partition's clock passes, with ids that a repeat derives again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

from contracts.envelope import CHAIN_WIDE, Envelope, Event
from contracts.events.control import Tick
from contracts.events.registry import TICK
from contracts.fields import Model
from contracts.identifiers import derived_id

EVERY_CHAIN = "*"
"""Tenant of a tick: it moves the clock of a partition, whoever's stores are in it."""


def floor_to(moment: datetime, interval: timedelta) -> datetime:
    """Return the last multiple of the interval, counted from the Unix epoch, that is not after the moment (UTC)."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (moment - epoch) // interval * interval


def tick_events(source: str, at: datetime, partitions: int, time: Literal["live", "simulated"]) -> list[Event[Model]]:
    """Make the ticks of one moment, one for each partition."""
    return [
        Event(
            Envelope(
                id=derived_id("tick", source, str(partition), at.isoformat()),
                source=source,
                type=TICK,
                occurred_at=at,
                tenant_id=EVERY_CHAIN,
                store_id=CHAIN_WIDE,
            ),
            Tick(at=at, partition=partition, time=time),
        )
        for partition in range(partitions)
    ]


class SimulatedTicks:
    """Ticks in event time: before the first fact at or after a boundary, every partition's clock passes that boundary."""

    def __init__(self, source: str, interval: timedelta, partitions: int) -> None:
        self._source, self._interval, self._partitions = source, interval, partitions
        self._next: datetime | None = None

    def before(self, occurred_at: datetime) -> Iterator[Event[Model]]:
        """Yield what must be sent before a fact; nothing for a fact older than the clock."""
        if self._next is None:
            self._next = floor_to(occurred_at, self._interval)
        while self._next <= occurred_at:
            yield from tick_events(self._source, self._next, self._partitions, "simulated")
            self._next += self._interval

    def closing(self, at_least: datetime) -> Iterator[Event[Model]]:
        """Yield the ticks after the last fact: one interval on, and on until the clock has passed `at_least`."""
        if self._next is None:
            return
        until = max(self._next, floor_to(at_least, self._interval) + self._interval)
        yield from self.before(until)
