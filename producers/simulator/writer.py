"""How an event of a store is written: its identity, its envelope, the number that its device gives it."""

from collections import Counter
from datetime import date
from hashlib import sha1
from typing import TypeVar
from uuid import UUID

from contracts.envelope import Envelope, Event
from contracts.fields import Model
from contracts.identifiers import NAMESPACE
from producers.simulator.business_day import BusinessDay
from producers.simulator.unchecked import built, defaults_of
from producers.simulator.world import SOURCE, SimulatedStore, World

Content = TypeVar("Content", bound=Model)


class StoreWriter:
    """Writes the events of one store. Devices count what they make; heartbeats are not counted."""

    def __init__(self, world: World, store: SimulatedStore) -> None:
        self._source = f"{SOURCE}/{store.store_id}/"
        self._identity = sha1(NAMESPACE.bytes + f"{SOURCE}\x1f{world.run}\x1f{store.store_id}".encode(), usedforsecurity=False)
        place = {"tenant_id": world.options.tenant, "store_id": store.store_id, "store_version": 1}
        self._attributes = {**defaults_of(Envelope), **place}
        self.numbers: Counter[str] = Counter()

    def identity(self, event_type: str, day: int, key: object) -> UUID:
        """Derive an event's id from its names within the store; the same that `derived_id` gives."""
        state = self._identity.copy()
        state.update(f"\x1f{event_type}\x1f{day}\x1f{key}".encode())
        return UUID(bytes=state.digest()[:16], version=5)

    def write(
        self,
        day: BusinessDay,
        seconds: float,
        event_type: str,
        key: object,
        content: Content,
        device: str,
        subject: str | None = None,
        *,
        numbered: bool = True,
        on: date | None = None,
    ) -> Event[Content]:
        """Write an event; `on` is the business date where it is not that of the moment (a correction)."""
        if numbered:
            self.numbers[device] += 1
        attributes = self._attributes.copy()
        attributes["id"] = self.identity(event_type, day.number, key)
        attributes["source"] = self._source + device
        attributes["type"] = event_type
        attributes["occurred_at"] = day.moment(seconds)
        attributes["subject"] = subject
        attributes["business_date"] = on or day.date_at(seconds)
        attributes["device_id"] = device
        attributes["device_seq"] = self.numbers[device] if numbered else None
        return Event(built(Envelope, attributes), content)
