"""Between events and the bytes of the log: CloudEvents binary mode, JSON value, canonical form.

The same event always gives the same bytes, so a repeat can be told from a conflict by its hash.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import blake2b
from struct import Struct
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from contracts.envelope import CHAIN_WIDE, Envelope, Event
from contracts.errors import ContractError, Problem, UnreadableRecord
from contracts.events.correction import EventCorrected
from contracts.events.registry import EVENT_CORRECTED, EVENT_TYPES
from contracts.fields import Model
from contracts.records import Headers, LogRecord, OutboundRecord
from contracts.upcasting import UPCASTERS, Upcaster, carried

CONTENT_TYPE = "application/json"
MAX_VALUE_BYTES = 900_000
CONTENT_TYPE_HEADER = ("content-type", CONTENT_TYPE.encode())
_TRUE = "true"
_ATTRIBUTES = frozenset(field.alias or name for name, field in Envelope.model_fields.items())


def schema_path(event_type: str) -> str:
    """Return the path, within the project, of the JSON Schema of a type."""
    return f"contracts/schemas/{event_type}.json"


def problems_of(error: ValidationError, prefix: str = "") -> list[Problem]:
    """Turn pydantic's errors into problems with JSON pointers."""
    found = []
    for row in error.errors(include_url=False, include_context=False, include_input=False):
        pointer = prefix + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in row["loc"])
        found.append(Problem(code=str(row["type"]), pointer=pointer, expected=str(row["msg"]).removeprefix("Value error, ")))
    return [problem for problem in found if not _only_follows(problem, found)]


def _only_follows(problem: Problem, among: list[Problem]) -> bool:
    """Tell whether a list is too short only because the items that are told of as well were not counted."""
    return problem.code == "too_short" and any(other.pointer.startswith(problem.pointer + "/") for other in among)


def build_event(envelope: Envelope, data: Any, upcasters: Mapping[str, Upcaster] = UPCASTERS) -> Event[Model]:
    """Validate content (a dict or a model) against its type; ContractError with pointers below `/data`.

    Content of an older major version becomes an event of today's.
    """
    if envelope.type in upcasters and isinstance(data, dict):
        event_type, data = carried(envelope.type, data, upcasters)
        envelope = envelope.model_copy(update={"type": event_type})
    declared = EVENT_TYPES.get(envelope.type)
    if declared is None:
        raise ContractError([Problem("unknown_type", "/type", "one of " + ", ".join(sorted(EVENT_TYPES)))])
    try:
        model = data if isinstance(data, declared.model) else declared.model.model_validate(data)
    except ValidationError as error:
        raise ContractError(problems_of(error, "/data")) from error
    event = Event(envelope, model)
    if isinstance(model, EventCorrected):
        corrected_content(event)
    return event


def corrected_content(event: Event[Model]) -> Event[Model] | None:
    """Return the right content that a correction carries, as an event of the original type; None if nothing happened.

    It has the correction's id, and the time of the event that it corrects.
    """
    correction = event.data
    if not isinstance(correction, EventCorrected):
        raise TypeError("not a correction")
    declared = EVENT_TYPES.get(correction.corrects_type)
    if declared is None or declared.kind != "fact":
        raise ContractError([Problem("unknown_type", "/data/corrects_type", "the type of a fact")])
    if correction.replacement is None:
        return None
    try:
        model = declared.model.model_validate(correction.replacement)
    except ValidationError as error:
        raise ContractError(problems_of(error, "/data/replacement")) from error
    envelope = event.envelope.model_copy(update={"type": correction.corrects_type, "occurred_at": correction.corrects_occurred_at})
    return Event(envelope, model)


def partition_key(envelope: Envelope) -> bytes:
    """Return the record key: the store, or the chain for what concerns every store."""
    return (f"chain:{envelope.tenant_id}" if envelope.store_id == CHAIN_WIDE else envelope.store_id).encode()


def headers_of(envelope: Envelope) -> list[tuple[str, bytes]]:
    """Write the envelope as CloudEvents binary-mode headers, in a fixed order."""
    rows = []
    for wire_name, name, default in _HEADER_FIELDS:
        value = getattr(envelope, name)
        if name == "dataschema" and value is None:
            value = schema_path(envelope.type)
        if value is not None and value != default:
            rows.append((wire_name, _header_text(value).encode()))
    rows.append(CONTENT_TYPE_HEADER)
    return rows


_HEADER_FIELDS = tuple(
    (f"ce_{wire_name}", name, None if name == "specversion" else field.default)
    for wire_name, name, field in sorted((field.alias or name, name, field) for name, field in Envelope.model_fields.items())
)
"""Header, attribute and the default that is not written, in the order of the headers; the version of CloudEvents always is."""


def _header_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, date):
        return value.isoformat()
    return _TRUE if value is True else str(value)


def encode(event: Event[Model], topic: str, partition: int | None = None) -> OutboundRecord:
    """Write an event for a topic; ContractError when its value would be larger than a record may be.

    Defaults are not written: a field that is added later leaves the bytes, and so the hash, of older events as they are.
    """
    value = event.data.model_dump_json(exclude_none=True, exclude_defaults=True).encode()
    if len(value) > MAX_VALUE_BYTES:
        raise ContractError([Problem("too_large", "/data", f"at most {MAX_VALUE_BYTES} bytes of JSON")])
    return OutboundRecord(topic, partition_key(event.envelope), value, headers_of(event.envelope), partition)


def header(headers: Headers, name: str) -> str | None:
    """Return one header as text, None where it is missing or unreadable."""
    for key, value in headers:
        if key == name:
            return value.decode("utf-8", "replace") if value is not None else None
    return None


def peek_type(headers: Headers) -> str | None:
    """Return the `ce_type` without parsing anything else."""
    return header(headers, "ce_type")


def read_envelope(record: LogRecord) -> Envelope:
    """Read the envelope from a record's headers; UnreadableRecord names the header.

    Attributes that this version does not know are left alone: a newer writer must not stop an older reader.
    """
    fields = {
        key: value.decode("utf-8", "replace")
        for name, value in record.headers
        if name.startswith("ce_") and value is not None and (key := name[3:]) in _ATTRIBUTES
    }
    try:
        return Envelope.model_validate(fields)
    except ValidationError as error:
        raise UnreadableRecord(problems_of(error, "/headers")) from error


def decode(record: LogRecord, upcasters: Mapping[str, Upcaster] = UPCASTERS) -> Event[Model]:
    """Read and validate a record; UnreadableRecord says which header or field, and what was expected.

    A record of an older major version is read as an event of today's; its dataschema still names what was written.
    """
    envelope = read_envelope(record)
    if envelope.type in upcasters:
        return _decode_old(envelope, record.value, upcasters)
    declared = EVENT_TYPES.get(envelope.type)
    if declared is None:
        raise UnreadableRecord([Problem("unknown_type", "/headers/type", "one of " + ", ".join(sorted(EVENT_TYPES)))])
    if record.value is None:
        raise UnreadableRecord([Problem("no_value", "/data", "a JSON object")])
    try:
        model = declared.model.model_validate_json(record.value)
    except ValidationError as error:
        raise UnreadableRecord(problems_of(error, "/data")) from error
    event = Event(envelope, model)
    if envelope.type == EVENT_CORRECTED:
        try:
            corrected_content(event)
        except ContractError as error:
            raise UnreadableRecord(error.problems) from error
    return event


def _decode_old(envelope: Envelope, value: bytes | None, upcasters: Mapping[str, Upcaster]) -> Event[Model]:
    try:
        content = json.loads(value or b"")
        return build_event(envelope, content, upcasters)
    except ContractError as error:
        raise UnreadableRecord(error.problems) from error
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise UnreadableRecord([Problem("not_upcastable", "/data", f"content that {envelope.type} allowed ({error!r})")]) from error


HASHED = ("ce_type", "ce_storeid", "ce_time", "ce_businessdate")


def content_hash(headers: Headers, value: bytes | None) -> int:
    """Hash what an event says (type, place, time, content) to a signed 64-bit integer.

    Headers that differ between a first sending and a retry are left out.
    """
    named = dict(headers)
    return said_hash([named.get(name) or b"" for name in HASHED], value or b"")


_NOTHING_HASHED = blake2b(digest_size=8)
_signed = Struct(">q").unpack


def said_hash(said: Sequence[bytes], value: bytes) -> int:
    """Hash type, store, time and business date, as their headers say them, and the content."""
    digest = _NOTHING_HASHED.copy()  # made once: setting a hash up costs as much as hashing a small event
    digest.update(b"\x00".join((*said, value)))
    number: int = _signed(digest.digest())[0]
    return number


def event_hash(event: Event[Model]) -> int:
    """Hash an event before it is written; equals `content_hash` of its record."""
    record = encode(event, "")
    return content_hash(record.headers, record.value)


def event_uuid(headers: Headers) -> UUID | None:
    """Return the event id without validating the rest; None where it is missing or malformed."""
    text = header(headers, "ce_id")
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
