"""The exact bytes of each document of a post that was read before: what was refused is kept as it came. Pure."""

import json
import re
from collections.abc import Iterator

from api.edge.documents import NDJSON

_BLANK = re.compile(r"[ \t\n\r]*")
_SCANNER = json.JSONDecoder(parse_int=str, parse_float=str)
"""Finds where values end; numbers of any length stay text."""


def raw_documents(kind: str, body: bytes) -> list[bytes]:
    """Return the bytes of every document in order; ValueError when the body is not one that could be read as `kind`."""
    if kind == NDJSON:
        return [line for line in body.split(b"\n") if line.decode("utf-8").strip()]
    text = body.decode("utf-8")
    start = _after_blanks(text, 0)
    if not text.startswith("[", start):
        return [body]
    return [item.encode("utf-8") for item in _elements(text, start + 1)]


def _elements(text: str, place: int) -> Iterator[str]:
    place = _after_blanks(text, place)
    while not text.startswith("]", place):
        _, end = _SCANNER.raw_decode(text, place)
        yield text[place:end]
        place = _after_blanks(text, end)
        if text.startswith(",", place):
            place = _after_blanks(text, place + 1)


def _after_blanks(text: str, place: int) -> int:
    found = _BLANK.match(text, place)
    return found.end() if found else place
