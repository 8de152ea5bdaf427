"""What every vendor's translation has in common: the connection that it works for, and what comes of a payload.

A translation is a pure function of a payload and a connection. Ids come from the vendor's own keys, so a payload that
is sent again gives the same events with the same bytes.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from pydantic import Field, ValidationError

from contracts.business_time import business_date, in_zone
from contracts.codec import build_event, problems_of
from contracts.envelope import Envelope, Event
from contracts.errors import ContractError, Problem
from contracts.events.correction import EventCorrected
from contracts.events.registry import EVENT_CORRECTED
from contracts.fields import Code, Currency, Model
from contracts.identifiers import derived_id
from producers.mappings.schema import Slug, Zone
from producers.sources.payload import Node, Refused

UNLISTED = "UNLISTED"
"""SKU of what a vendor sells or pays back as an amount alone, without an article."""


class StoreAt(Model):
    """The store that a vendor's location is, with what a translation needs of its settings."""

    store_id: Code = Field(description="Our id of the store.")
    timezone: Zone
    currency: Currency
    cut_off_hour: int = Field(default=0, ge=0, le=23, description="Hour at which the business date begins.")


class Connection(Model):
    """One account at one vendor: whose it is, and which of our stores its locations are."""

    tenant: Code
    source: Slug = Field(description="Name of the source in events; part of every id, so it must never change.")
    locations: Mapping[str, StoreAt] = Field(min_length=1, description="Stores by the vendor's id of the location.")
    unlocated: str | None = Field(default=None, description="Location that stands for payloads that name none, such as online orders.")
    skus: Mapping[str, Code] = Field(default_factory=dict, description="Our SKUs by the vendor's article id; an id not listed is the SKU.")

    def store(self, location: Node) -> StoreAt:
        """Return the store of a location; Refused where the connection does not list it."""
        name = str(location.value) if location.value is not None else self.unlocated
        found = self.locations.get(name) if name is not None else None
        if found is None:
            raise location.refused("unknown_location", "a location of the connection: " + ", ".join(sorted(self.locations)[:20]))
        return found

    def sku(self, article_id: str | None) -> str:
        """Return our SKU of a vendor's article; one name for all that has none."""
        return self.skus.get(article_id, article_id) if article_id is not None else UNLISTED

    def event_id(self, *key: str) -> UUID:
        """Derive the id of an event from the vendor's own key."""
        return derived_id("vendor", self.source, *key)


SETTLING = timedelta(minutes=1)
"""How long after it was closed a receipt is still being written by the vendor itself; what is written later is an update."""


@dataclass(frozen=True, slots=True)
class Update:
    """A correction that came of a later version, and the ids that corrections of the versions before would have, newest first."""

    event: Event[Model]
    earlier: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Translated:
    """What came of a payload; `refused` points into the vendor's payload, `earlier` says of corrections what `Update` does."""

    events: tuple[Event[Model], ...] = ()
    refused: tuple[Problem, ...] = ()
    earlier: Mapping[UUID, tuple[UUID, ...]] = field(default_factory=dict)

    def __add__(self, other: "Translated") -> "Translated":
        return Translated(self.events + other.events, self.refused + other.refused, {**self.earlier, **other.earlier})

    def following(self, recorded: Collection[UUID]) -> tuple[Event[Model], ...]:
        """Return the events, with each correction naming the newest one before it that is on the log.

        A payload alone cannot know which versions were seen. A correction that is on the log itself is left out: it is
        the same version, whatever it named then.
        """
        known = set(recorded)
        return tuple(self._named(event, known) for event in self.events if not (event.id in known and event.id in self.earlier))

    def _named(self, event: Event[Model], known: set[UUID]) -> Event[Model]:
        newest = next((found for found in self.earlier.get(event.id, ()) if found in known), None)
        if newest is None or not isinstance(event.data, EventCorrected):
            return event
        return Event(event.envelope, event.data.model_copy(update={"corrects_event_id": newest}))


Translation: TypeAlias = Callable[[Any, Connection], Translated]
ItemTranslation: TypeAlias = Callable[[Node, Connection], Iterable["Event[Model] | Update"]]


def each(items: Iterable[Node], translate: ItemTranslation, connection: Connection) -> Translated:
    """Translate items one by one; one that is refused does not take its neighbours along."""
    found: list[Event[Model] | Update] = []
    refused: list[Problem] = []
    for item in items:
        try:
            found += list(translate(item, connection))
        except Refused as error:
            refused.append(error.problem)
        except (ContractError, ValidationError) as error:
            first = (error.problems if isinstance(error, ContractError) else problems_of(error, "/data"))[0]
            refused.append(Problem(first.code, item.pointer, f"{first.expected} (event {first.pointer})"))
    updates = {row.event.id: row.earlier for row in found if isinstance(row, Update)}
    events = tuple(row.event if isinstance(row, Update) else row for row in found)
    return Translated(events, tuple(refused), updates)


@dataclass(frozen=True, slots=True)
class Happening:
    """When and where something happened, and the vendor's key of it. `day` is the vendor's own business date, where it says one."""

    connection: Connection
    store: StoreAt
    occurred_at: datetime
    key: tuple[str, ...]
    subject: str
    day: date | None = None

    @property
    def event_id(self) -> UUID:
        """The id that follows from the key."""
        return self.connection.event_id(*self.key)

    def fact(self, event_type: str, content: Model | Mapping[str, Any]) -> Event[Model]:
        """Build the event; ContractError where the content breaks its contract."""
        return build_event(self._envelope(event_type, self.event_id, self.occurred_at), content)

    def correction(self, event_type: str, content: Model | Mapping[str, Any], version: str, at: datetime, reason: str) -> Event[Model]:
        """Build the event that replaces the content of this happening; its id follows from the key and the version."""
        right = self.fact(event_type, content).data
        corrected = EventCorrected(
            corrects_event_id=self.event_id,
            corrects_type=event_type,
            corrects_occurred_at=in_zone(self.occurred_at, self.store.timezone),
            kind="incorrect_data",
            reason=reason,
            replacement=right.model_dump(mode="json", exclude_none=True, exclude_defaults=True),
        )
        return build_event(self._envelope(EVENT_CORRECTED, self.version_id(version), at), corrected)

    def version_id(self, version: str) -> UUID:
        """The id of the correction that a later version becomes."""
        return self.connection.event_id(*self.key, "version", version)

    def retraction(self, event_type: str, at: datetime, reason: str) -> Event[Model]:
        """Build the event that says that this happening did not occur."""
        corrected = EventCorrected(
            corrects_event_id=self.event_id,
            corrects_type=event_type,
            corrects_occurred_at=in_zone(self.occurred_at, self.store.timezone),
            kind="did_not_occur",
            reason=reason,
        )
        return build_event(self._envelope(EVENT_CORRECTED, self.connection.event_id(*self.key, "retracted"), at), corrected)

    def _envelope(self, event_type: str, event_id: UUID, at: datetime) -> Envelope:
        store = self.store
        return Envelope(
            id=event_id,
            source=self.connection.source,
            type=event_type,
            occurred_at=in_zone(at, store.timezone),
            subject=self.subject,
            tenant_id=self.connection.tenant,
            store_id=store.store_id,
            business_date=self.day or business_date(self.occurred_at, store.timezone, store.cut_off_hour),
        )
