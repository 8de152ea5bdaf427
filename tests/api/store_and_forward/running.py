"""A served edge buffer in a thread of the test: real sockets, a real file, short pauses."""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from api.store_and_forward.app import create_edge_app
from api.store_and_forward.config import EdgeConfig
from api.store_and_forward.pace import PaceOptions
from infra.secrets import SecretStore
from tests.waiting import until

QUICK = PaceOptions(first_pause=0.02, longest_pause=0.1)
NOWHERE = "http://127.0.0.1:1"
TOKEN = "a-token"


@dataclass
class Edge:
    """Where a buffer listens, and a till that posts to it."""

    url: str
    directory: Path
    client: httpx.Client

    def post(self, documents: Any) -> httpx.Response:
        """Post one document or a batch."""
        return self.client.post("/v1/events", json=documents)

    def buffer(self, documents: Sequence[dict]) -> list[int]:
        """Post each document on its own; return the sequence numbers."""
        answers = [self.post(document).json() for document in documents]
        return [answer["results"][0]["sequence"] for answer in answers]

    def health(self) -> dict[str, Any]:
        """Ask how it is."""
        return self.client.get("/health").json()

    def await_waiting(self, count: int, timeout: float = 30.0) -> None:
        """Wait until so many items wait."""
        until(lambda: self.health()["waiting"] == count, timeout, f"{count} wait, not {self.health()}")


def edge_config(directory: Path, centre: str = NOWHERE, token: str = TOKEN, **changes: Any) -> EdgeConfig:
    """Configure a buffer of the tests; its token file lies beside its directory."""
    token_file = directory.with_name(f"{directory.name}.token")
    token_file.write_text(token, "ascii")
    quick: dict[str, Any] = {"pace": QUICK, "idle_seconds": 0.05, "token_hold_seconds": 60.0}
    return EdgeConfig(centre=centre, token_file=token_file, directory=directory, **(quick | changes))


def till(url: str, directory: Path) -> httpx.Client:
    """Return a client that holds the key of a buffer."""
    key = SecretStore(directory).read("till-key")
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30.0)


@contextmanager
def running_edge(config: EdgeConfig) -> Iterator[Edge]:
    """Serve a buffer while the body runs."""
    server = uvicorn.Server(uvicorn.Config(create_edge_app(config), port=0, log_config=None, access_log=False, timeout_graceful_shutdown=2))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    until(lambda: server.started, 30, "the buffer serves")
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        with till(url, config.directory) as client:
            yield Edge(url, config.directory, client)
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the buffer did not stop"


def document(name: object, **changes: Any) -> dict[str, Any]:
    """Make something that has the form of an event."""
    return {"id": f"id-{name}", "type": "sale.completed.v1", "data": {"name": str(name)}} | changes


def written(documents: Sequence[dict]) -> list[bytes]:
    """Return documents as `httpx` writes them."""
    return [json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() for row in documents]
