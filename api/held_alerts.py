"""Which alerts wait until people are to be told of them, for one listener; pure, the time comes in.

Quiet hours put an alert off. Of several transitions of one alert that wait only the newest is told, and nothing at all of one
that was raised and ended while it waited: nobody had heard of it.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from contracts.events.alerts import AlertChanged

LIMIT: Final = 20_000
_ENDED: Final = frozenset({"resolved", "retracted", "orphaned"})


@dataclass(frozen=True, slots=True)
class Waiting:
    """A transition, its event and its place on the log."""

    partition: int
    offset: int
    event_id: UUID
    store_id: str
    changed_at: datetime
    alert: AlertChanged


class HeldAlerts:
    """The transitions that wait. Beyond the limit those that are due next are told early: better than never."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._groups: dict[UUID, list[Waiting]] = {}
        self._due: list[tuple[datetime, UUID]] = []
        self._offsets: dict[int, dict[int, None]] = {}

    def take(self, arrived: Waiting, now: datetime | None) -> Iterator[Waiting]:
        """Tell what is to be told now that a transition has arrived; without a clock everything is.

        What is told is let go one by one, as it is asked for: `place` stays before the rest.
        """
        due_at = arrived.alert.notify_at
        if now is None or due_at is None or due_at <= now:
            yield from _told([*self._let_go(arrived.alert.alert_id), arrived])
            return
        self._groups.setdefault(arrived.alert.alert_id, []).append(arrived)
        self._offsets.setdefault(arrived.partition, {})[arrived.offset] = None
        heapq.heappush(self._due, (due_at, arrived.alert.alert_id))
        while sum(map(len, self._offsets.values())) > self._limit:
            yield from self._next()

    def due(self, now: datetime | None) -> Iterator[Waiting]:
        """Tell what has waited long enough, one by one."""
        while self._due and (now is None or self._due[0][0] <= now):
            yield from self._next()

    @property
    def soonest(self) -> datetime | None:
        """When the next one is due; earlier where it has been told already."""
        return self._due[0][0] if self._due else None

    def place(self, at: Sequence[int]) -> tuple[int, ...]:
        """Return the place to come back to so that nothing that waits is missed: before the first of it, in each partition."""
        return tuple(min(offset, next(iter(self._offsets.get(number) or (offset,)))) for number, offset in enumerate(at))

    def _next(self) -> list[Waiting]:
        due_at, alert_id = heapq.heappop(self._due)
        is_meant = any(each.alert.notify_at == due_at for each in self._groups.get(alert_id, ()))
        return _told(self._let_go(alert_id)) if is_meant else []

    def _let_go(self, alert_id: UUID) -> list[Waiting]:
        group = self._groups.pop(alert_id, [])
        for each in group:
            self._offsets[each.partition].pop(each.offset, None)
        return group


def _told(group: Sequence[Waiting]) -> list[Waiting]:
    if not group:
        return []
    newest = max(group, key=lambda each: each.alert.transition)
    was_raised = any(each.alert.status == "raised" for each in group)
    return [] if was_raised and newest.alert.status in _ENDED else [newest]
