"""A compiled reading of the envelope of a posted event: the attributes that a sender may write, the content left as bytes. Pure."""

from collections.abc import Callable
from typing import Any, Final, Literal, Protocol

import msgspec

from contracts import compiled_patterns
from contracts.compiled import defined
from contracts.compiled_fields import NotCompilable, compiled_field, is_plain, matching
from contracts.envelope import Envelope

SAID_BY_EDGE: Final = frozenset({"businessdate", "ingestedtime", "storeversion", "clockahead", "retryof", "dataschema"})
"""What the edge says itself: a sender's word on it is left aside."""


class PostedEvent(Protocol):
    """What a posted event says, by the names of its attributes; absent ones are None. Ids and counters are canonical."""

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
    data: msgspec.Raw


def _no_struct(model: type) -> Any:
    raise NotCompilable(f"{model} within an envelope")


def _rows(for_plain: bool) -> list[tuple[str, Any, Any]]:
    """Describe the attributes: the time in any way of writing, chain and device left out where the token says them."""
    rows: list[tuple[str, Any, Any]] = [
        ("data", msgspec.Raw, msgspec.NODEFAULT),
        ("datacontenttype", Literal["application/json", "text/json"], "application/json"),
    ]
    for name, info in Envelope.model_fields.items():
        wire_name = info.alias or name
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


def _decoders(for_plain: bool) -> tuple[Callable[[bytes | msgspec.Raw], Any], Callable[[bytes], Any]]:
    posted: Any = defined("PostedEvent", _rows(for_plain))
    return msgspec.json.Decoder(posted).decode, msgspec.json.Decoder(list[posted]).decode


_decode_one, _decode_all = _decoders(for_plain=False)
_, _decode_all_plain = _decoders(for_plain=True)
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode


def posted_event(raw: bytes | msgspec.Raw) -> PostedEvent | None:
    """Read one document; None leaves it to the precise reading."""
    try:
        found: PostedEvent = _decode_one(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return found


def posted_events(raw: bytes) -> list[PostedEvent | None]:
    """Read a JSON array of documents, each by itself where not all can be read; nothing at all when it is no array."""
    try:
        whole: list[PostedEvent | None] = _decode_all_plain(raw) if is_plain(raw) else _decode_all(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return [posted_event(item) for item in _pieces(raw)]
    return whole


def _pieces(raw: bytes) -> list[msgspec.Raw]:
    try:
        return _split(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return []
