"""Run an edge buffer: alone on its directory, until told to stop."""

import asyncio
import fcntl
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
import uvicorn

from api.store_and_forward.app import create_edge_app
from api.store_and_forward.config import EdgeConfig
from api.store_and_forward.database import open_durable
from api.store_and_forward.writer import Writer
from infra.embedded.stack_error import StackError

_log = structlog.get_logger(__name__)
_GRACEFUL_SECONDS = 10


class DirectoryInUse(StackError):
    """Another buffer runs on the directory: two senders would not keep the order."""


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DirectoryInUse(f"an edge buffer runs on {directory} already") from None
        yield


class AddressNotTaken(StackError):
    """The address to listen on is in use, or not one of this machine."""


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise AddressNotTaken(f"cannot listen on {host} port {port}: {error.strerror}") from None


class _Server(uvicorn.Server):
    """A server that says when it serves and leaves signals to its owner: told to stop, it ends with status 0."""

    def __init__(self, config: uvicorn.Config, on_serving: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_serving = on_serving

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and Ctrl-C as the wish to stop, without raising them again at the end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then report."""
        await super().startup(sockets)
        if self.started:
            self._on_serving()


def serve(config: EdgeConfig, host: str, port: int, on_ready: Callable[[str], None], writer_type: type[Writer] = Writer) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready` gets the address once posts are taken. Port 0 takes a free one."""
    with _alone(config.directory), _listening(host, port) as listening:
        open_durable(config.directory).close()  # a file that cannot be used is said here, in one sentence
        bound = listening.getsockname()[1]
        address = f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"
        settings = uvicorn.Config(
            create_edge_app(config, writer_type),
            loop="uvloop",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACEFUL_SECONDS,
        )
        server = _Server(settings, lambda: on_ready(address))
        server.run(sockets=[listening])
        _log.info("edge_stopped")
