"""Undo the content encoding of a body that is at hand, never beyond a limit: a small body may claim to be a huge one. Pure."""

import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Final

import zstandard

_GZIP_WINDOW: Final = 31
_ZSTD_WINDOW_BYTES: Final = 8 * 1024 * 1024
"""The largest window that RFC 9659 lets a content encoding ask for."""


class NotDecodable(ValueError):
    """The bytes are not what their encoding says, or end too early."""


class TooLarge(ValueError):
    """The decoded body is larger than the limit; no more than that was decoded."""


def decoded(encoding: str, body: bytes, limit: int) -> bytes:
    """Return the decoded body; KeyError for an unknown encoding, NotDecodable or TooLarge."""
    found = DECODERS[encoding](body, limit)
    if len(found) > limit:
        raise TooLarge(f"more than {limit} bytes")
    return found


def _identity(body: bytes, _: int) -> bytes:
    return body


def _gzip(body: bytes, limit: int) -> bytes:
    reader = zlib.decompressobj(_GZIP_WINDOW)
    try:
        found = reader.decompress(body, limit + 1)
    except zlib.error as error:
        raise NotDecodable(str(error)) from error
    if len(found) <= limit and (not reader.eof or reader.unused_data):
        raise NotDecodable("one whole gzip member and nothing after it")
    return found


def _zstd(body: bytes, limit: int) -> bytes:
    try:
        found: bytes = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).stream_reader(BytesIO(body)).read(limit + 1)
        if len(found) > limit:
            return found
        whole = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()
        whole.decompress(body)  # small by now; the reader above says nothing of a frame that is cut off
    except zstandard.ZstdError as error:
        raise NotDecodable(str(error)) from error
    if not whole.eof or whole.unused_data:
        raise NotDecodable("one whole zstd frame and nothing after it")
    return found


DECODERS: Final[dict[str, Callable[[bytes, int], bytes]]] = {"": _identity, "identity": _identity, "gzip": _gzip, "zstd": _zstd}
