"""Opaque keyset cursors: the sort key of the last row given out, tied to the list that gave it."""

import base64
import binascii
import json
import re
from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from api.errors import ApiError
from api.parameters import EARLIEST, LATEST

Key = tuple[str, ...]
_DIGITS = 10
_SAFE = re.compile(r"[^\x00-\x1f\ud800-\udfff]*")
"""What codes of events may contain, names with wide spaces among them: no controls, nothing that is no text."""


def write_cursor(listing: str, key: Key) -> str:
    """Write the key of the last row of a page as a cursor of a listing."""
    raw = json.dumps([listing, *key], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def read_cursor(listing: str, cursor: str | None, parts: int) -> Key | None:
    """Read a cursor back; 400 unless this listing gave it out."""
    if cursor is None:
        return None
    try:
        value = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("utf-8"))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise ApiError("invalid_cursor", "begin without a cursor") from error
    if not isinstance(value, list) or len(value) != parts + 1 or value[0] != listing:
        raise ApiError("invalid_cursor", "begin without a cursor")
    if any(not isinstance(part, str) or _SAFE.fullmatch(part) is None for part in value):
        raise ApiError("invalid_cursor", "begin without a cursor")
    return tuple(value[1:])


def written(parts: Iterable[object]) -> Key:
    """Return the parts of a key as text: dates and times in ISO form."""
    return tuple(part.isoformat() if isinstance(part, date | datetime) else str(part) for part in parts)


def date_of(text: str) -> date:
    """Read a business date of a key back; 400 unless it is one."""
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise ApiError("invalid_cursor", "begin without a cursor") from error
    if not EARLIEST <= found <= LATEST:
        raise ApiError("invalid_cursor", "begin without a cursor")
    return found


def moment_of(text: str) -> datetime:
    """Read a time of a key back; 400 unless it is one with its offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ApiError("invalid_cursor", "begin without a cursor") from error
    if found.tzinfo is None or not EARLIEST <= found.date() <= LATEST:
        raise ApiError("invalid_cursor", "begin without a cursor")
    return found


def id_of(text: str) -> UUID:
    """Read an id of a key back; 400 unless it is one."""
    try:
        return UUID(text)
    except ValueError as error:
        raise ApiError("invalid_cursor", "begin without a cursor") from error


def number_of(text: str) -> int:
    """Read a number of a key back; 400 unless it is one of at most ten digits."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise ApiError("invalid_cursor", "begin without a cursor")
    return int(text)
