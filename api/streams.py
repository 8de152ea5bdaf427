"""Server-sent events of the alert stream: where a listener begins, what it is sent, and how it goes on after a break.

Each event's id is the place after it. A listener that comes back with it misses nothing; what a rule wrote to the log
twice is sent once within a stream, and may come again across a break under its own event id.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection
from uuid import UUID

from api.alert_feed import AlertFeed, Listener, Place, Vector
from api.errors import ApiError
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


class AlertStream:
    """What one listener is sent."""

    def __init__(self, feed: AlertFeed, begin: Vector | None, scope: StoreScope, requested: Collection[str]) -> None:
        self._feed = feed
        self._begin = begin
        self._at: list[int] = []
        self._scope = scope
        self._requested = frozenset(requested)
        self._sent: OrderedDict[UUID, None] = OrderedDict()

    async def messages(self, heartbeat_seconds: float) -> AsyncIterator[bytes]:
        """Yield messages until the listener is cut off or the process stops."""
        listener = self._feed.listen()
        try:
            self._at = list(listener.begins if self._begin is None else self._begin)
            yield f"retry: 1000\n: connected\n{self._id_line()}\n".encode()
            async for place in self._feed.between(tuple(self._at), listener.begins):
                if message := self._message(place):
                    yield message
            async for message in self._live(listener, heartbeat_seconds):
                yield message
        except TimeoutError:
            return  # the log stands still; the client comes again with its last id
        finally:
            self._feed.leave(listener)

    async def _live(self, listener: Listener, heartbeat_seconds: float) -> AsyncIterator[bytes]:
        while True:
            try:
                place = await asyncio.wait_for(listener.queue.get(), heartbeat_seconds)
            except TimeoutError:
                yield f": heartbeat\n{self._id_line()}\n".encode()
                continue
            if place is None:
                return
            if message := self._message(place):
                yield message

    def _id_line(self) -> str:
        return f"id: {self._feed.id_of(tuple(self._at))}\n"

    def _message(self, place: Place) -> bytes | None:
        """Move past a place; return its message when it is new and concerns the listener."""
        if place.offset < self._at[place.partition]:
            return None
        self._at[place.partition] = place.offset + 1
        event = place.event
        if event is None or not isinstance(event.data, AlertChanged) or not self._concerns(event.envelope) or self._was_sent(event.id):
            return None
        body = AlertTransition.of(event.envelope, event.data).model_dump_json()
        return f"event: alert\n{self._id_line()}data: {body}\n\n".encode()

    def _concerns(self, envelope: Envelope) -> bool:
        """Tell by what the event itself says: a store that opened after the listener came is heard of too."""
        asked = not self._requested or envelope.store_id in self._requested
        return asked and self._scope.covers_event(envelope.tenant_id, envelope.store_id)

    def _was_sent(self, event_id: UUID) -> bool:
        if event_id in self._sent:
            return True
        self._sent[event_id] = None
        if len(self._sent) > _REMEMBERED_EVENTS:
            self._sent.popitem(last=False)
        return False
