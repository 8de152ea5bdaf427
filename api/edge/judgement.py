"""Judge one document: is it an event that this caller may post, and when and where did it happen? Pure.

Business date, local offset and clock check are fixed here, once, and travel with the event.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol, TypeAlias

import msgspec
from pydantic import ValidationError

from api.security.caller import Caller
from api.security.scope import StoreScope
from contracts.business_time import business_date, in_zone
from contracts.codec import build_event, content_hash, corrected_content, encode, problems_of
from contracts.compiled_envelope import SAID_BY_EDGE
from contracts.envelope import Envelope, Event
from contracts.errors import ContractError, Problem
from contracts.events.correction import EventCorrected
from contracts.events.registry import ALERT_ANSWERED, EVENT_CORRECTED, POSTABLE_TYPES
from contracts.fields import Model
from contracts.records import OutboundRecord
from contracts.topics import STORE_FACTS
from contracts.upcasting import UPCASTERS

PAST = timedelta(days=400)
FUTURE = timedelta(days=2)
CLOCK_TOLERANCE = timedelta(minutes=5)

Identity: TypeAlias = tuple[str, str]
"""Store and event id, the latter in its canonical form."""

_WIRE_NAMES = frozenset(info.alias or name for name, info in Envelope.model_fields.items())
_CONTENT_TYPES = frozenset({"application/json", "text/json"})
MAY_BE_ANSWERS = frozenset({ALERT_ANSWERED, EVENT_CORRECTED})
ANSWERING_ROLES = frozenset({"hq", "manager"})
"""Who may answer alerts, by whatever way, and take answers back: an alert may be about whoever works at the till."""


class StorePlace(Protocol):
    """What the edge needs of a store's settings."""

    @property
    def timezone(self) -> str:
        """IANA zone."""
        ...

    @property
    def cut_off_hour(self) -> int:
        """Hour at which the business date begins."""
        ...

    @property
    def version(self) -> int:
        """Version of the settings."""
        ...

    @property
    def currency(self) -> str:
        """ISO 4217 code of its tills."""
        ...


@dataclass(frozen=True, slots=True)
class Judge:
    """What all documents of one request are judged by."""

    caller: Caller
    scope: StoreScope
    stores: Mapping[str, StorePlace]
    now: datetime
    time: Literal["live", "simulated"]

    def judge(self, document: dict[str, Any]) -> "Judged":
        """Return the record to be written; ContractError says what is wrong and where."""
        event = self.placed(document)
        record = encode(event, STORE_FACTS)
        return Judged((event.store_id, str(event.id)), record, content_hash(record.headers, record.value))

    def placed(self, document: dict[str, Any]) -> Event[Model]:
        """Return the event with what the edge says of it: business date, local offset, version of the store's settings."""
        attributes = dict(document)
        data = attributes.pop("data", None)
        envelope = self._envelope(attributes)
        store = self._checked_store(envelope)
        event = build_event(envelope, data)
        self._check_answer(event)
        _check_currency(event, store)
        return self._placed(event, store)

    def bounds(self) -> tuple[date, date]:
        """Return the first and the last business date that a live stack takes without being told that it is history."""
        return (self.now - PAST).date(), (self.now + FUTURE).date()

    def _envelope(self, attributes: dict[str, Any]) -> Envelope:
        content_type = attributes.pop("datacontenttype", "application/json")
        if not isinstance(content_type, str) or content_type not in _CONTENT_TYPES:
            raise _refused("unsupported_content", "/datacontenttype", "application/json")
        unknown = sorted(set(attributes) - _WIRE_NAMES)
        if unknown:
            raise ContractError([Problem("extra_forbidden", f"/{name}", "an attribute of the envelope") for name in unknown[:10]])
        given = {name: value for name, value in attributes.items() if name not in SAID_BY_EDGE}
        given.setdefault("tenantid", self.caller.tenant_id)
        if self.caller.device_id is not None:
            given.setdefault("deviceid", self.caller.device_id)
        try:
            envelope = Envelope.model_validate(given)
        except ValidationError as error:
            raise ContractError(problems_of(error)) from error
        if envelope.type not in POSTABLE_TYPES and envelope.type not in UPCASTERS:
            raise _refused("type_not_postable", "/type", "one of " + ", ".join(sorted(POSTABLE_TYPES)))
        return envelope

    def _checked_store(self, envelope: Envelope) -> StorePlace:
        if envelope.tenant_id != self.caller.tenant_id:
            raise _refused("tenant_mismatch", "/tenantid", "the tenant of the token")
        store = self.stores.get(envelope.store_id)
        if store is None and self.scope.names(envelope.store_id):
            raise _refused("unknown_store", "/storeid", "a store that has been defined")
        if store is None or not self.scope.covers(envelope.store_id):
            raise _refused("store_out_of_scope", "/storeid", "a store of the token")
        if self.caller.device_id is not None and envelope.device_id != self.caller.device_id:
            raise _refused("device_mismatch", "/deviceid", "the device of the token")
        if envelope.history and self.caller.role != "hq":
            raise _refused("history_not_allowed", "/history", "a token of role hq for history")
        return store

    def _check_answer(self, event: Event[Model]) -> None:
        said = event.data.corrects_type if isinstance(event.data, EventCorrected) else event.type
        if said == ALERT_ANSWERED and self.caller.role not in ANSWERING_ROLES:
            raise _refused("role_not_allowed", "/type", "a token of role hq or manager for answers to alerts")

    def _placed(self, event: Event[Model], store: StorePlace) -> Event[Model]:
        counted_at, data = event.envelope.occurred_at, event.data
        if isinstance(data, EventCorrected):
            counted_at = data.corrects_occurred_at
            data = data.model_copy(update={"corrects_occurred_at": in_zone(counted_at, store.timezone)})
        day = business_date(counted_at, store.timezone, store.cut_off_hour)
        if self.time == "live" and not event.envelope.history:
            self._check_bounds(day)
        live = self.time == "live"
        placed = event.envelope.model_copy(
            update={
                "occurred_at": in_zone(event.envelope.occurred_at, store.timezone),
                "business_date": day,
                "store_version": store.version,
                "ingested_at": self.now,
                "clock_ahead": live and event.envelope.occurred_at > self.now + CLOCK_TOLERANCE,
            }
        )
        return Event(placed, data)

    def _check_bounds(self, day: date) -> None:
        earliest, latest = self.bounds()
        if not earliest <= day <= latest:
            raise _refused("business_date_out_of_bounds", "/time", f"a business date from {earliest} to {latest}, not {day}")


class Judged(msgspec.Struct, frozen=True, gc=False):
    """An event that may be written: who it is, its record and the hash of what it says."""

    identity: Identity
    record: OutboundRecord
    hash: int


def _check_currency(event: Event[Model], store: StorePlace) -> None:
    is_correction = isinstance(event.data, EventCorrected)
    content = corrected_content(event) if is_correction else event
    currency = getattr(content.data, "currency", None) if content is not None else None
    if currency is not None and currency != store.currency:
        pointer = "/data/replacement/currency" if is_correction else "/data/currency"
        raise _refused("other_currency", pointer, f"{store.currency}, the currency of the store")


def _refused(code: str, pointer: str, expected: str) -> ContractError:
    return ContractError([Problem(code, pointer, expected)])
