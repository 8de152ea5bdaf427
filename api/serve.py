"""Run an API process: bind, say where, serve until told to stop, end open streams first."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn

from api.app import create_app
from api.config import ApiConfig
from api.resources import Resources
from infra.garbage import collect_rarely

_log = structlog.get_logger(__name__)
_GRACEFUL_SECONDS = 10


class _Server(uvicorn.Server):
    """A server that reports when it serves and ends its endless answers before it waits for the others."""

    def __init__(self, config: uvicorn.Config, resources: Resources, on_serving: Callable[[], None]) -> None:
        super().__init__(config)
        self._resources = resources
        self._on_serving = on_serving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then report."""
        await super().startup(sockets)
        if self.started:
            self._on_serving()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let streams end, then wait for requests in flight."""
        self._resources.alerts.end_streams()
        await asyncio.sleep(0)
        await super().shutdown(sockets)


@contextmanager
def _told_to_stop(server: uvicorn.Server) -> Iterator[None]:
    """End with status 0 when told to stop: uvicorn raises the signal again at its end, and the default would kill us."""

    def stop(*_: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def serve(config: ApiConfig, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready` gets the address (`http://host:port`) once requests are taken.

    Port 0 takes a free one. Requests in flight get ten seconds to end.
    """
    app = create_app(config)
    collect_rarely()  # a post of many events makes objects, not cycles
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=1024) as listening:
        bound = listening.getsockname()[1]
        address = f"http://[{host}]:{bound}" if family == socket.AF_INET6 else f"http://{host}:{bound}"
        settings = uvicorn.Config(
            app,
            loop="uvloop",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACEFUL_SECONDS,
        )
        server = _Server(settings, app.state.resources, lambda: on_ready(address))
        _log.info("api_starting", address=address)
        with _told_to_stop(server):
            server.run(sockets=[listening])
        _log.info("api_stopped")
