"""From a record to what it shows of a till and of its device's numbers; pure.

Only the envelope is validated. An event whose content nobody can read was sent all the same: its till was heard, its number is known.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Final, NamedTuple

import msgspec

from contracts.codec import read_envelope
from contracts.envelope import CHAIN_WIDE, Envelope
from contracts.events.registry import EVENT_CORRECTED, FACT_TYPES, TILL_CLOSED, TILL_HEARTBEAT, TILL_TYPES
from contracts.records import LogRecord
from projections.errors import Unmappable
from projections.facts import recorded_at

MAPPING_VERSION = 2
COVERED_TYPES: Final = FACT_TYPES | {EVENT_CORRECTED}
"""A device numbers all that it sends, so a number may stand on an event of any kind."""


class Heard(NamedTuple):
    """A sign of life; `till_id` is None where neither the event nor its device says which till it was."""

    store_id: str
    business_date: date
    till_id: str | None
    heard_at: datetime
    is_heartbeat: bool
    is_closing: bool
    is_ahead: bool
    recorded_at: datetime


class Numbered(NamedTuple):
    """A number of a device: received with an event of that business date, or announced on it as made.

    `received_at`, `announced_at`: when the broker recorded that event.
    """

    store_id: str
    device_id: str
    device_seq: int
    received_on: date | None
    announced_on: date | None
    received_at: datetime | None
    announced_at: datetime | None


@dataclass(frozen=True, slots=True)
class TillFact:
    """What one record shows."""

    heard: Heard | None
    numbers: tuple[Numbered, ...]


class _Said(msgspec.Struct):
    """The two fields of a till's content that are looked at, bounded like the fields of events."""

    till_id: Annotated[str, msgspec.Meta(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f|]+$")] | None = None
    last_device_seq: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None


_said: Final = msgspec.json.Decoder(_Said)


def till_fact(record: LogRecord) -> TillFact | None:
    """Map a record; None for one that shows nothing, UnreadableRecord or Unmappable for one that belongs to no store or day."""
    envelope = read_envelope(record)
    if envelope.store_id == CHAIN_WIDE:
        return None
    is_till = envelope.type in TILL_TYPES
    if not is_till and (envelope.device_id is None or envelope.device_seq is None):
        return None
    day = envelope.business_date
    if day is None:
        raise Unmappable("no_business_date", "/headers/businessdate", "the business date of the event")
    said = _content(record.value) if is_till else _Said()
    at = recorded_at(record)
    heard = _heard(envelope, day, said, at) if is_till else None
    return TillFact(heard, tuple(_numbers(envelope, day, said, at)))


def _content(value: bytes | None) -> _Said:
    try:
        return _said.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _Said()


def _heard(envelope: Envelope, day: date, said: _Said, at: datetime) -> Heard:
    till_id = said.till_id or envelope.device_id
    is_heartbeat, is_closing = envelope.type == TILL_HEARTBEAT, envelope.type == TILL_CLOSED
    return Heard(envelope.store_id, day, till_id, envelope.occurred_at, is_heartbeat, is_closing, envelope.clock_ahead, at)


def _numbers(envelope: Envelope, day: date, said: _Said, at: datetime) -> list[Numbered]:
    device_id = envelope.device_id
    if device_id is None:
        return []
    numbers = []
    if envelope.device_seq is not None:
        numbers.append(Numbered(envelope.store_id, device_id, envelope.device_seq, day, None, at, None))
    if envelope.type == TILL_HEARTBEAT and said.last_device_seq is not None:
        numbers.append(Numbered(envelope.store_id, device_id, said.last_device_seq, None, day, None, at))
    return numbers
