"""The way to the centre: one post of a batch, and what its answer means. The token file is read anew each time."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import httpx

from api.edge.documents import BATCH
from api.store_and_forward.buffer import Waiting
from api.store_and_forward.verdict import NotAsOne, Unavailable, Verdict, read_answer

_CONNECT_SECONDS = 5.0


class TokenUnreadable(Exception):
    """The file of the token is not there, or holds no token."""


def read_token(path: Path) -> str:
    """Return the token that the file holds now; TokenUnreadable when it holds none."""
    try:
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TokenUnreadable(f"the token file {path} cannot be read: {type(error).__name__}") from error
    if not token or not token.isprintable():
        raise TokenUnreadable(f"the token file {path} holds no token")
    return token


class Centre:
    """The centre's API."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self._url = f"{url.rstrip('/')}/v1/events"
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(timeout_seconds, connect=_CONNECT_SECONDS))

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def post(self, batch: Sequence[Waiting], token: str, now: datetime) -> Verdict:
        """Post a batch as it stands; every failure is a verdict too."""
        body = b"[" + b",".join(item.body for item in batch) + b"]"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": BATCH}
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except httpx.ConnectTimeout as error:
            return Unavailable(type(error).__name__)
        except httpx.TimeoutException as error:
            return NotAsOne("timeout", type(error).__name__, "time")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Unavailable(f"{type(error).__name__}: {error}")
        return read_answer(answer.status_code, answer.headers, answer.content, [item.id for item in batch], now)
