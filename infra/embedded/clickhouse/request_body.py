"""Reads a request's body to its very end before anything is done with it.

A cut body must never be executed: text formats would insert the part that came. Bodies are kept in
memory up to a limit and in a file beyond it.
"""

import tempfile
import zlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Protocol, cast

from backports import zstd

_lz4: Any = import_module("lz4.frame")  # without type information

_CHUNK_BYTES = 1024 * 1024
_IN_MEMORY_BYTES = 64 * 1024 * 1024
_LINE_LIMIT = 1024


class BodyCut(Exception):
    """The connection ended before the body did: no answer reaches anyone."""


class BodyUnreadable(Exception):
    """The whole body came, and it is not what its headers say."""


class Stream(Protocol):
    """The receiving side of a connection."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""

    def readline(self, size: int, /) -> bytes:
        """Return one line or its first `size` bytes, none at the end."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes) -> bytes: ...


class Body:
    """A complete body; close it to free its space."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self.size = size

    def head(self, limit: int) -> bytes:
        """Return at most `limit` bytes from the start."""
        self._file.seek(0)
        return self._file.read(limit)

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        """Yield the bytes from `start` on."""
        self._file.seek(start)
        while chunk := self._file.read(_CHUNK_BYTES):
            yield chunk

    def close(self) -> None:
        """Free the space."""
        self._file.close()


def read_body(stream: Stream, headers: Any, spool_dir: Path) -> Body:
    """Read, check and decompress the body of a request.

    Raises `BodyCut` when the connection ends too early, `BodyUnreadable` for a wrong encoding.
    """
    encoding = (headers.get("Content-Encoding") or "identity").strip().lower()
    raw = _spool(_transfer(stream, headers), spool_dir)
    if encoding == "identity":
        return raw
    try:
        return _spool(_decompressed(raw.chunks(), encoding), spool_dir)
    finally:
        raw.close()


def _spool(chunks: Iterator[bytes], spool_dir: Path) -> Body:
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=str(spool_dir))  # noqa: SIM115
    size = 0
    try:
        for chunk in chunks:
            file.write(chunk)
            size += len(chunk)
    except BaseException:
        file.close()
        raise
    return Body(cast("IO[bytes]", file), size)


def _transfer(stream: Stream, headers: Any) -> Iterator[bytes]:
    if "chunked" in (headers.get("Transfer-Encoding") or "").lower():
        yield from _chunked(stream)
        return
    try:
        length = int(headers.get("Content-Length") or 0)
    except ValueError:
        raise BodyCut("no usable Content-Length") from None
    yield from _exactly(stream, length)


def _exactly(stream: Stream, length: int) -> Iterator[bytes]:
    while length > 0:
        chunk = stream.read(min(length, _CHUNK_BYTES))
        if not chunk:
            raise BodyCut(f"{length} bytes are missing")
        length -= len(chunk)
        yield chunk


def _chunked(stream: Stream) -> Iterator[bytes]:
    while size := _chunk_size(stream):
        yield from _exactly(stream, size)
        if stream.readline(_LINE_LIMIT).strip():
            raise BodyCut("a chunk is longer than it says")
    while line := stream.readline(_LINE_LIMIT):
        if not line.strip():
            return
    raise BodyCut("the last chunk is missing")


def _chunk_size(stream: Stream) -> int:
    line = stream.readline(_LINE_LIMIT)
    if not line.endswith(b"\n"):
        raise BodyCut("the last chunk is missing")
    try:
        return int(line.split(b";")[0], 16)
    except ValueError:
        raise BodyCut("a chunk has no size") from None


def _decompressor(encoding: str) -> _Decompressor:
    match encoding:
        case "gzip":
            return zlib.decompressobj(wbits=31)
        case "deflate":
            return zlib.decompressobj()
        case "lz4":
            return cast("_Decompressor", _lz4.LZ4FrameDecompressor())
        case "zstd":
            return cast("_Decompressor", zstd.ZstdDecompressor())
    raise BodyUnreadable(f"Content-Encoding {encoding} is not supported")


def _decompressed(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Undo a compression that may consist of several frames, each of which must be complete."""
    current = _decompressor(encoding)
    begun = False
    for chunk in chunks:
        rest = chunk
        while rest:
            if current.eof:
                current = _decompressor(encoding)
            begun = True
            try:
                yield current.decompress(rest)
            except (zlib.error, RuntimeError, zstd.ZstdError, EOFError) as error:
                raise BodyUnreadable(f"not {encoding}: {error}") from error
            rest = current.unused_data if current.eof else b""
    if begun and not current.eof:
        raise BodyUnreadable(f"the {encoding} data ends too early")
