"""A centre that answers as a test says: a real HTTP server that notes every batch, for answers that a real centre seldom gives."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.clock import monotonic_seconds


@dataclass(frozen=True)
class Answer:
    """A status, a body (JSON unless it is bytes) and headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The bytes of the body."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Batch = list[dict[str, Any]]
Script = Callable[[Batch], Answer]


def outcomes(batch: Batch, *named: str) -> list[dict[str, Any]]:
    """Return a result per event; the last outcome named holds for the rest."""
    words = [*named, *[named[-1]] * len(batch)][: len(batch)]
    problem = {"code": "missing", "pointer": "/data", "expected": "Field required"}
    return [
        {"index": index, "id": row["id"], "outcome": word, "problems": [problem] if word == "rejected" else []}
        for index, (row, word) in enumerate(zip(batch, words, strict=True))
    ]


def takes_all(batch: Batch) -> Answer:
    """Accept everything."""
    return Answer(200, {"results": outcomes(batch, "accepted")})


@dataclass
class ScriptedCentre:
    """Plays the queued answers one by one, and then `then`; notes what came with which token."""

    url: str = ""
    queued: list[Answer | Script] = field(default_factory=list)
    then: Answer | Script = takes_all
    batches: list[Batch] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)

    def answer(self, body: bytes, authorization: str) -> Answer:
        """Note a post and answer it."""
        batch: Batch = json.loads(body)
        self.moments.append(monotonic_seconds())
        self.batches.append(batch)
        self.bodies.append(body)
        self.tokens.append(authorization.removeprefix("Bearer "))
        following = self.queued.pop(0) if self.queued else self.then
        answer = following(batch) if callable(following) else following
        rows = answer.body.get("results", ()) if isinstance(answer.body, dict) else ()
        self.taken += [row["id"] for row in rows if row["outcome"] == "accepted"]
        return answer


@contextmanager
def scripted_centre(*queued: Answer | Script, then: Answer | Script = takes_all) -> Iterator[ScriptedCentre]:
    """Serve while the body runs."""
    centre = ScriptedCentre(queued=list(queued), then=then)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = centre.answer(body, self.headers["Authorization"])
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.content)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    centre.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield centre
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
