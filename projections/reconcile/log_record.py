"""What one record of the log says of itself, by its headers alone; JSON only to see what a correction corrects. Pure.

Nothing here knows how a read model maps an event: that is what is checked.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from hashlib import md5
from typing import Final, NamedTuple
from uuid import UUID

from contracts.codec import content_hash
from contracts.events.registry import (
    ALERT_CHANGED,
    EMPLOYEE_DEFINED,
    EVENT_CORRECTED,
    EVENT_TYPES,
    FACT_TYPES,
    REORDER_RECOMMENDED,
    STORE_DEFINED,
)
from contracts.records import LogRecord
from contracts.topics import ALERTS, DEAD_LETTERS, REFERENCE_DATA, REORDER_RECOMMENDATIONS, RETRY_APPLIED, STORE_FACTS

COMPARED: Final[Mapping[str, frozenset[str]]] = {
    STORE_FACTS: FACT_TYPES | {EVENT_CORRECTED, STORE_DEFINED, EMPLOYEE_DEFINED},
    ALERTS: frozenset({ALERT_CHANGED}),
    REORDER_RECOMMENDATIONS: frozenset({REORDER_RECOMMENDED}),
    REFERENCE_DATA: frozenset(row.name for row in EVENT_TYPES.values() if row.kind == "reference"),
}
"""Topic to the types of which each event is told apart; of every other record only the archive's sums are taken."""
RULES_LETTER: Final = "dead letter"
"""What a letter of the rule workers is counted under: it has no type of its own."""


class Said(NamedTuple):
    """An event as a record says it; `corrects`: id of the event that it corrects. Of a letter, the id is made of what it is about."""

    offset: int
    event_hash: int
    store_id: str
    event_id: str
    business_date: str
    event_type: str
    corrects: str | None = None


class Unnamed(NamedTuple):
    """A record of a compared type without a store or an id: every consumer refuses it."""

    offset: int
    event_hash: int


class Passed(NamedTuple):
    """A record that is only counted."""

    offset: int
    event_hash: int


def read_record(topic: str, record: LogRecord) -> Said | Unnamed | Passed:
    """Read one record."""
    offset, event_hash = record.offset, content_hash(record.headers, record.value)
    named = {name: value for name, value in reversed(record.headers) if value is not None}
    if topic == DEAD_LETTERS:
        return _letter(offset, event_hash, named)
    event_type = _text(named, "ce_type")
    if event_type not in COMPARED.get(topic, ()):
        return Passed(offset, event_hash)
    store_id, event_id = _text(named, "ce_storeid"), _event_id(named)
    if not store_id or event_id is None:
        return Unnamed(offset, event_hash)
    kind, corrects = event_type, None
    if event_type == EVENT_CORRECTED:
        corrected_type, corrects = _corrected(record.value)
        kind = key_type(event_type, corrected_type)
    return Said(offset, event_hash, store_id, event_id, _day(named, topic == ALERTS), kind, corrects)


def key_type(event_type: str, corrects_type: str | None) -> str:
    """Name a type for comparison; corrections apart by what they correct."""
    return f"{event_type}:{corrects_type}" if corrects_type else event_type


def letter_id(topic: str, part: int | str, offset: int | str) -> str:
    """Make an id of the place that a letter is about, as Postgres makes it of its row."""
    return str(UUID(md5(f"{topic}/{part}/{offset}".encode(), usedforsecurity=False).hexdigest()))


def _letter(offset: int, event_hash: int, named: Mapping[str, bytes]) -> Said | Unnamed | Passed:
    if _text(named, "x-reason") == RETRY_APPLIED:
        return Passed(offset, event_hash)
    place = [_text(named, f"x-source-{name}") for name in ("topic", "partition", "offset")]
    if not all(place):
        return Unnamed(offset, event_hash)
    return Said(offset, event_hash, "", letter_id(*place), "", RULES_LETTER)


def _text(named: Mapping[str, bytes], name: str) -> str:
    return named.get(name, b"").decode("utf-8", "replace").replace("\x00", "�")


def _event_id(named: Mapping[str, bytes]) -> str | None:
    try:
        return str(UUID(_text(named, "ce_id")))
    except ValueError:
        return None


def _day(named: Mapping[str, bytes], has_time_instead: bool) -> str:
    """Return the business date; where rules name none, the date of the time in UTC."""
    text = _text(named, "ce_businessdate")
    try:
        if not text and has_time_instead:
            return datetime.fromisoformat(_text(named, "ce_time")).astimezone(UTC).date().isoformat()
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return text


def _corrected(value: bytes | None) -> tuple[str, str | None]:
    try:
        content = json.loads(value or b"")
        corrected_type = str(content["corrects_type"]).replace("\x00", "�")
    except (ValueError, KeyError, TypeError, RecursionError):
        return "?", None
    try:
        return corrected_type, str(UUID(str(content["corrects_event_id"])))
    except (ValueError, KeyError):
        return corrected_type, None
