"""A compiled reading of posted events: the attributes that a sender may write, and the content by its type, decoded at once. Pure.

Types whose content is read the precise way only are none of it.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import reduce
from operator import or_
from typing import Any, Final, Literal, Protocol

import msgspec

from contracts import compiled_patterns
from contracts.compiled import CompiledForm, CompiledType, compiled_type, defined
from contracts.compiled_fields import NotCompilable, compiled_field, is_plain, matching
from contracts.envelope import Envelope
from contracts.events.registry import FACT_TYPES
from contracts.upcasting import UPCASTERS

SAID_BY_EDGE: Final = frozenset({"businessdate", "ingestedtime", "storeversion", "clockahead", "retryof", "dataschema"})
"""What the edge says itself: a sender's word on it is left aside."""


class PostedEvent(Protocol):
    """What a posted event says, by the names of its attributes; absent ones are None. Ids and counters are canonical.

    `data` is decoded, and neither judged nor written yet: `form` does that.
    """

    id: str
    source: str
    type: str
    time: str
    storeid: str
    subject: str | None
    tenantid: str | None
    deviceid: str | None
    deviceseq: int | None
    causationid: str | None
    correlationid: str | None
    traceparent: str | None
    history: bool
    data: Any
    form: CompiledForm


def _no_struct(model: type) -> Any:
    raise NotCompilable(f"{model} within an envelope")


def _rows(content: type[msgspec.Struct], for_plain: bool) -> list[tuple[str, Any, Any]]:
    """Describe the attributes: the time in any way of writing, chain and device left out where the token says them."""
    rows: list[tuple[str, Any, Any]] = [
        ("data", content, msgspec.NODEFAULT),
        ("datacontenttype", Literal["application/json", "text/json"], "application/json"),
    ]
    for name, info in Envelope.model_fields.items():
        wire_name = info.alias or name
        if wire_name == "type":
            continue  # it is the tag of the struct
        if wire_name in SAID_BY_EDGE:
            rows.append((wire_name, Any, None))
        elif wire_name == "time":
            rows.append((wire_name, matching(compiled_patterns.ANY_MOMENT), msgspec.NODEFAULT))
        elif wire_name in {"tenantid", "deviceid"}:
            # Absent where the token says it, but not null: that is a claim of its own, for the precise reading to judge.
            rows.append((wire_name, compiled_field(Envelope.model_fields["store_id"], _no_struct, for_plain).type, None))
        else:
            found = compiled_field(info, _no_struct, for_plain)
            rows.append((wire_name, found.type, found.default))
    return rows


def _posted(event_type: str, form: CompiledForm, for_plain: bool) -> Any:
    said_by_type = {"type": event_type, "form": form}
    return defined("PostedEvent", _rows(form.struct, for_plain), tag_field="type", tag=event_type, namespace=said_by_type)


def _posted_by_type(form_of: Callable[[CompiledType], CompiledForm], for_plain: bool) -> Any:
    kinds = ((name, compiled_type(name)) for name in sorted(FACT_TYPES - UPCASTERS.keys()))
    return reduce(or_, [_posted(name, form_of(kind), for_plain) for name, kind in kinds if kind is not None])


_decode = msgspec.json.Decoder(_posted_by_type(lambda kind: kind.whole, for_plain=False)).decode
_Plain: Any = _posted_by_type(lambda kind: kind.plain, for_plain=True)
_decode_plain = msgspec.json.Decoder(_Plain).decode
_decode_all_plain = msgspec.json.Decoder(list[_Plain]).decode
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode


def posted_event(raw: bytes) -> PostedEvent | None:
    """Read one document; None leaves it to the precise reading."""
    try:
        found: PostedEvent = _decode_plain(raw) if is_plain(raw) else _decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return found


def posted_events(raw: bytes) -> list[PostedEvent | None]:
    """Read a JSON array of documents, each by itself where not all are plain and good; nothing at all when it is no array."""
    if is_plain(raw):
        with suppress(msgspec.MsgspecError, ValueError, RecursionError):
            whole: list[PostedEvent | None] = _decode_all_plain(raw)
            return whole
    return [posted_event(bytes(item)) for item in _pieces(raw)]


def _pieces(raw: bytes) -> list[msgspec.Raw]:
    try:
        return _split(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return []
