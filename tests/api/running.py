"""A served API in a thread of the test: real sockets, so that streams stream and bodies arrive in pieces."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import uvicorn

from api.app import create_app
from api.config import ApiConfig, Limits
from api.security.tokens import issue_token
from infra.addresses import Addresses
from tests.api.events import TENANT
from tests.waiting import until

KEY = "a-signing-key-for-tests-of-at-least-32-bytes"
QUICK = Limits(publish_timeout_seconds=20.0, heartbeat_seconds=0.3, stores_refresh_seconds=0.2, log_ends_seconds=0.1)


@dataclass
class ServedApi:
    """Where the API listens, and clients for each role."""

    url: str
    opened: list[httpx.Client] = field(default_factory=list)

    def client(self, role: str = "hq", *stores: str, device: str | None = None, tenant: str = TENANT) -> httpx.Client:
        """Return a client that holds a token."""
        scope = stores or (("*",) if role == "hq" else ("A",))
        token = issue_token(KEY, subject="test", role=role, tenant=tenant, stores=scope, device_id=device)
        client = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=30.0)
        self.opened.append(client)
        return client

    def is_ready(self) -> bool:
        """Tell whether the API says that everything is ready."""
        return httpx.get(f"{self.url}/health/ready", timeout=5.0).status_code == 200


def config(addresses: Addresses, **changes) -> ApiConfig:
    """Configure an API of the tests: short times."""
    return ApiConfig(**({"addresses": addresses, "signing_key": KEY, "limits": QUICK} | changes))


@contextmanager
def served(configuration: ApiConfig, await_ready: bool = True) -> Iterator[ServedApi]:
    """Serve while the body runs."""
    app = create_app(configuration)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, timeout_graceful_shutdown=2))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    until(lambda: server.started, 30, "the API serves")
    port = server.servers[0].sockets[0].getsockname()[1]
    api = ServedApi(f"http://127.0.0.1:{port}")
    try:
        if await_ready:
            until(api.is_ready, 30, "the API is ready")
        yield api
    finally:
        for client in api.opened:
            client.close()
        app.state.resources.alerts.end_streams()
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the API did not stop"
