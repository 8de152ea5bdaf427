"""From the bytes of a post to items that keep their bytes: what arrives at the centre is what the till sent. Pure.

Only the form is looked at. Whether an item is a valid event is the centre's decision.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from api.edge.documents import Unreadable, documents, media_type
from api.edge.raw_documents import raw_documents
from api.errors import ApiError
from contracts.errors import Problem

_LONGEST_ID = 200
_SPACE = b" \t\r\n"


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
    try:
        raw = raw_documents(media_type(content_type), body)
    except (ValueError, RecursionError) as error:
        raise ApiError("malformed_body", "JSON that is nested less deeply") from error
    return [_item(document, text.strip(_SPACE)) for document, text in zip(found, raw, strict=True)]


def _item(document: dict[str, Any] | Unreadable, body: bytes) -> Item | NoEvent:
    if isinstance(document, Unreadable):
        return NoEvent((document.problem,))
    problems = tuple(problem for name in ("id", "type") if (problem := _problem(name, document.get(name))))
    return NoEvent(problems) if problems else Item(str(document["id"]), body)


def _problem(name: str, value: object) -> Problem | None:
    if value is None:
        return Problem("missing", f"/{name}", "Field required")
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= _LONGEST_ID:
        return Problem("not_a_name", f"/{name}", f"1 to {_LONGEST_ID} printable characters")
    return None
