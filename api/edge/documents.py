"""From the bytes of a post to one document per event, by content type. Pure; nothing is judged but the form."""

import json
import math
from dataclasses import dataclass
from typing import Any

import msgspec

from api.errors import ApiError
from contracts.errors import Problem

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
JSON = "application/json"
NDJSON = "application/x-ndjson"
CONTENT_TYPES = (JSON, SINGLE, BATCH, NDJSON)


_SAFE_INTEGER_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item of a batch that is no event document at all."""

    problem: Problem


Document = dict[str, Any] | Unreadable


def media_type(content_type: str) -> str:
    """Return the media type without parameters; ApiError unless it is one of ours in UTF-8."""
    name, _, parameters = content_type.partition(";")
    charset = parameters.lower().partition("charset=")[2].strip(' "')
    if name.strip().lower() not in CONTENT_TYPES:
        raise ApiError("unsupported_media_type", f"one of {', '.join(CONTENT_TYPES)}")
    if charset not in {"", "utf-8", "utf8"}:
        raise ApiError("unsupported_media_type", "charset utf-8")
    return name.strip().lower()


def documents(content_type: str, body: bytes, limit: int) -> list[Document]:
    """Split a body into documents; ApiError when it is unreadable as a whole, empty or too many."""
    kind = media_type(content_type)
    found = _quickly(kind, body)
    if found is None:
        found = _precisely(kind, body, limit)
    if not found:
        raise ApiError("malformed_body", "at least one event")
    if len(found) > limit:
        raise ApiError("too_many_events", f"at most {limit} events in one request, not {len(found)}")
    return found


def _quickly(kind: str, body: bytes) -> list[Document] | None:
    """Read a whole JSON body at three times the speed; None where it is to be read again, for a precise error."""
    if kind == NDJSON:
        return None
    try:
        return _of_value(kind, msgspec.json.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _precisely(kind: str, body: bytes, limit: int) -> list[Document]:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ApiError("malformed_body", f"not UTF-8 at byte {error.start}") from error
    return _lines(text, limit) if kind == NDJSON else _values(kind, text)


def _values(kind: str, text: str) -> list[Document]:
    try:
        value = _parse(text)
    except _NotJson as error:
        raise ApiError("malformed_body", str(error)) from error
    return _of_value(kind, value)


def _of_value(kind: str, value: Any) -> list[Document]:
    if isinstance(value, list) and kind != SINGLE:
        return [_document(item) for item in value]
    if isinstance(value, dict) and kind != BATCH:
        return [value]
    raise ApiError("malformed_body", {SINGLE: "a JSON object", BATCH: "a JSON array of objects"}.get(kind, "a JSON object or array"))


def _lines(text: str, limit: int) -> list[Document]:
    found: list[Document] = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        if len(found) > limit:
            break
        try:
            found.append(_document(_parse(line)))
        except _NotJson as error:
            found.append(Unreadable(Problem("malformed_json", "", str(error))))
    return found


def _document(value: Any) -> Document:
    return value if isinstance(value, dict) else Unreadable(Problem("not_an_object", "", "a JSON object"))


class _NotJson(ValueError):
    pass


def _parse(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise _NotJson("JSON that is nested less deeply") from error
    except ValueError as error:
        raise _NotJson(f"JSON ({error})") from error


def _integer(digits: str) -> int | float:
    """Read an integer; one that no store could hold becomes an infinity, which every field refuses at its own pointer."""
    return int(digits) if len(digits) <= _SAFE_INTEGER_DIGITS else math.inf


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(parse_int=_integer, parse_constant=_no_constant)
"""Made once: making one costs as much as reading a small document."""
