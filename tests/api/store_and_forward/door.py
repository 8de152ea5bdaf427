"""A door in front of a server: closed, the server is away; open, bytes pass; a lost answer is one that the server gave and nobody got."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_PIECE_BYTES = 65_536


class Door:
    """Listens all the time, passes connections on while it is open."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._inside: tuple[str, int] | None = None
        self.answers_to_lose = 0
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def open_to(self, url: str) -> None:
        """Let connections through to a server."""
        parts = urlsplit(url)
        self._inside = (str(parts.hostname), int(parts.port or 80))

    def run(self) -> None:
        """Take connections until closed for good."""
        with suppress(OSError):
            while True:
                outer, _ = self._listening.accept()
                threading.Thread(target=self._pass_on, args=(outer,), daemon=True).start()

    def stop(self) -> None:
        """Close for good."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _pass_on(self, outer: socket.socket) -> None:
        with outer, suppress(OSError):
            if self._inside is None:
                return
            with socket.create_connection(self._inside, timeout=10) as inner:
                threading.Thread(target=_copy, args=(outer, inner), daemon=True).start()
                self._copy_answers(inner, outer)
                outer.shutdown(socket.SHUT_RDWR)  # closing alone does not end a connection that the other thread reads

    def _copy_answers(self, inner: socket.socket, outer: socket.socket) -> None:
        while piece := inner.recv(_PIECE_BYTES):
            if self.answers_to_lose:
                self.answers_to_lose -= 1
                return
            outer.sendall(piece)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE_BYTES):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def door() -> Iterator[Door]:
    """Keep a closed door while the body runs."""
    found = Door()
    thread = threading.Thread(target=found.run, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.stop()
        thread.join(5)
