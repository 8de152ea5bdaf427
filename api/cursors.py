"""Opaque keyset cursors: the sort key of the last row given out, tied to the list that gave it."""

import base64
import binascii
import json

from api.errors import ApiError

Key = tuple[str, ...]


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
    if any(not isinstance(part, str) or "\x00" in part or not part.isprintable() for part in value):
        raise ApiError("invalid_cursor", "begin without a cursor")
    return tuple(value[1:])
