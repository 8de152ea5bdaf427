"""From the bytes of a post to items that keep their bytes: what arrives at the centre is what the till sent. Pure.

Only the form is looked at. Whether an item is a valid event is the centre's decision.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from api.edge.documents import NDJSON, Unreadable, documents, media_type
from contracts.errors import Problem

_LONGEST_ID = 200
_SPACE = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Item:
    """An event document as it was sent."""

    id: str
    body: bytes

    @property
    def digest(self) -> bytes:
        """Tell whether two bodies are the same."""
        return blake2b(self.body, digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class NoEvent:
    """Something that is no event document."""

    problems: tuple[Problem, ...]


def items_of(content_type: str, body: bytes, limit: int) -> list[Item | NoEvent]:
    """Split a body into items in their order; ApiError when it is unreadable as a whole, empty or too many."""
    found = documents(content_type, body, limit)
    texts = _texts(media_type(content_type), body.decode("utf-8"))
    return [_item(document, text) for document, text in zip(found, texts, strict=True)]


def _item(document: dict[str, Any] | Unreadable, text: str) -> Item | NoEvent:
    if isinstance(document, Unreadable):
        return NoEvent((document.problem,))
    problems = tuple(problem for name in ("id", "type") if (problem := _problem(name, document.get(name))))
    return NoEvent(problems) if problems else Item(str(document["id"]), text.encode("utf-8"))


def _problem(name: str, value: object) -> Problem | None:
    if value is None:
        return Problem("missing", f"/{name}", "Field required")
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= _LONGEST_ID:
        return Problem("not_a_name", f"/{name}", f"1 to {_LONGEST_ID} printable characters")
    return None


def _texts(kind: str, text: str) -> Iterator[str]:
    """Cut the text where `documents` cuts it; it has been found readable before."""
    if kind == NDJSON:
        return (line.strip(_SPACE) for line in text.split("\n") if line.strip())
    bare = text.strip(_SPACE)
    return _elements(bare) if bare.startswith("[") else iter((bare,))


def _elements(text: str) -> Iterator[str]:
    at = _after_space(text, 1)
    while text[at] != "]":
        _, end = _SCANNER.raw_decode(text, at)
        yield text[at:end]
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at


_SCANNER = json.JSONDecoder(parse_int=str, parse_float=str)
"""Only finds where a value ends: numbers are not looked at."""
