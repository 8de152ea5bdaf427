"""Server-sent events of the alert stream: where a listener begins, what it is sent, and how it goes on after a break.

Each event's id is the place after it. A listener that comes back with it misses nothing; what a rule wrote to the log
twice is sent once within a stream, and may come again across a break under its own event id. A listener that asks for what
is due is sent an alert when its time has come; its ids stay before whatever still waits.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.alert_feed import AlertFeed, Listener, Place, Vector
from api.errors import ApiError
from api.held_alerts import HeldAlerts, Waiting
from api.schemas.alerts import AlertTransition
from api.security.scope import StoreScope
from contracts.envelope import Envelope
from contracts.events.alerts import AlertChanged

_REMEMBERED_EVENTS = 20_000


async def starting_vector(feed: AlertFeed, last_event_id: str | None, from_beginning: bool) -> Vector | None:
    """Return where to begin, None for now; ApiError when the place cannot be served."""
    if last_event_id is None and not from_beginning:
        return None
    wanted = feed.vector_of(last_event_id) if last_event_id is not None else None
    first, ends = await feed.bounds()
    if wanted is None:
        return first
    if len(wanted) != len(first) or any(not low <= at <= high for low, at, high in zip(first, wanted, ends, strict=True)):
        raise ApiError("positions_gone", "the log no longer has this place: start without a Last-Event-ID, and read the open alerts first")
    return wanted


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a listener wants: stores in scope, and with a clock only what is due by it (the clock may not know the time yet)."""

    scope: StoreScope
    stores: frozenset[str] = frozenset()
    clock: Callable[[], datetime | None] | None = None

    def concerns(self, envelope: Envelope) -> bool:
        """Tell by what the event itself says: a store that opened after the listener came is heard of too."""
        asked = not self.stores or envelope.store_id in self.stores
        return asked and self.scope.covers_event(envelope.tenant_id, envelope.store_id)

    def now(self) -> datetime | None:
        """Return the time by which alerts are due; None: all are."""
        return None if self.clock is None else self.clock()


class AlertStream:
    """What one listener is sent."""

    def __init__(self, feed: AlertFeed, begin: Vector | None, wanted: Wanted) -> None:
        self._feed = feed
        self._begin = begin
        self._at: list[int] = []
        self._wanted = wanted
        self._held = HeldAlerts()
        self._sent: OrderedDict[UUID, None] = OrderedDict()

    async def messages(self, heartbeat_seconds: float) -> AsyncIterator[bytes]:
        """Yield messages until the listener is cut off or the process stops."""
        listener = self._feed.listen()
        try:
            self._at = list(listener.begins if self._begin is None else self._begin)
            yield f"retry: 1000\n: connected\n{self._id_line()}\n".encode()
            async for place in self._feed.between(tuple(self._at), listener.begins):
                for message in self._arrived(place):
                    yield message
            async for message in self._live(listener, heartbeat_seconds):
                yield message
        except TimeoutError:
            return  # the log stands still; the client comes again with its last id
        finally:
            self._feed.leave(listener)

    async def _live(self, listener: Listener, heartbeat_seconds: float) -> AsyncIterator[bytes]:
        while True:
            for message in self._written(self._held.due(self._wanted.now())):
                yield message
            try:
                place = await asyncio.wait_for(listener.queue.get(), self._patience(heartbeat_seconds))
            except TimeoutError:
                yield f": heartbeat\n{self._id_line()}\n".encode()
                continue
            if place is None:
                return
            for message in self._arrived(place):
                yield message

    def _patience(self, heartbeat_seconds: float) -> float:
        """Wait for the next heartbeat, or for what is due before."""
        soonest, now = self._held.soonest, self._wanted.now()
        if soonest is None or now is None:
            return heartbeat_seconds
        return min(heartbeat_seconds, max(0.0, (soonest - now).total_seconds()))

    def _id_line(self) -> str:
        return f"id: {self._feed.id_of(self._held.place(self._at))}\n"

    def _arrived(self, place: Place) -> Iterator[bytes]:
        """Move past a place; write what is to be sent now that it has come."""
        if place.offset < self._at[place.partition]:
            return
        self._at[place.partition] = place.offset + 1
        event = place.event
        if event is None or not isinstance(event.data, AlertChanged) or not self._wanted.concerns(event.envelope) or event.id in self._sent:
            return
        waiting = Waiting(place.partition, place.offset, event.id, event.store_id, event.envelope.occurred_at, event.data)
        yield from self._written(self._held.take(waiting, self._wanted.now()))

    def _written(self, told: Iterable[Waiting]) -> Iterator[bytes]:
        for each in told:
            if each.event_id in self._sent:
                continue
            self._sent[each.event_id] = None
            if len(self._sent) > _REMEMBERED_EVENTS:
                self._sent.popitem(last=False)
            body = AlertTransition.of(each).model_dump_json()
            yield f"event: alert\n{self._id_line()}data: {body}\n\n".encode()
