"""Take the bytes of a post: bounded in size and time, before and after decoding. What they mean is not decided here."""

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect

from api.config import Limits
from api.edge.encodings import DECODERS, NotDecodable, TooLarge, decoded
from api.errors import ApiError


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return the whole body, decoded; ApiError when it is too large, too slow, in an unknown encoding or cut off."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in DECODERS:
        raise ApiError("unsupported_encoding", f"content encoding gzip or zstd, or none, not {encoding[:50]!r}")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > limits.body_bytes:
        raise _too_large(limits)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_timeout_seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limits.body_bytes:
                    raise _too_large(limits)
                chunks.append(chunk)
    except TimeoutError as error:
        raise ApiError("body_timeout", f"the body must arrive within {limits.body_timeout_seconds:g} seconds") from error
    except ClientDisconnect as error:
        raise ApiError("malformed_body", "the body was cut off") from error
    return _decoded(encoding, b"".join(chunks), limits)


def _decoded(encoding: str, body: bytes, limits: Limits) -> bytes:
    try:
        return decoded(encoding, body, limits.body_bytes)
    except TooLarge as error:
        raise _too_large(limits) from error
    except NotDecodable as error:
        raise ApiError("malformed_body", f"not {encoding}: {error}") from error


def _too_large(limits: Limits) -> ApiError:
    return ApiError("body_too_large", f"at most {limits.body_bytes} bytes", headers={"Connection": "close"})
