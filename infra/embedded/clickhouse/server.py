"""Speaks the part of ClickHouse's HTTP interface that its Python client uses, for one engine.

Not compressed answers, no sessions across requests (their ids are accepted and ignored), no tables
sent along with a query. Results are whole before the first byte is sent, so an error is always a
status, never the tail of a result.
"""

import hmac
import json
import os
import threading
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from infra.embedded.clickhouse.engine import Engine, Outcome, SessionKind
from infra.embedded.clickhouse.errors import (
    AUTHENTICATION_FAILED,
    BAD_ARGUMENTS,
    EngineError,
    refusal,
)
from infra.embedded.clickhouse.form import is_form, read_form
from infra.embedded.clickhouse.protocol import IDENTITY_PATH
from infra.embedded.clickhouse.request_body import Body, BodyCut, BodyUnreadable, read_body
from infra.embedded.clickhouse.statement import (
    HEAD_LIMIT_BYTES,
    engine_settings,
    find_raw_insert,
    query_parameters,
)
from infra.embedded.names import EMBEDDED_DATABASE, EMBEDDED_USER

DEFAULT_FORMAT = "TabSeparated"

_IDLE_CONNECTION_SECONDS = 900
_TEXT = "text/plain; charset=UTF-8"


@dataclass(frozen=True)
class Owner:
    """What every request needs: the engine, the password, where long bodies wait."""

    engine: Engine
    password: str
    spool_dir: Path


class OwnerServer(ThreadingHTTPServer):
    """Serves each connection in a thread of its own; knows how many requests are being answered."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: Owner) -> None:
        super().__init__(address, RequestHandler)
        self.owner = owner
        self._active = 0
        self._changed = threading.Condition()

    def enter(self) -> None:
        """Count a request in."""
        with self._changed:
            self._active += 1

    def leave(self) -> None:
        """Count a request out."""
        with self._changed:
            self._active -= 1
            self._changed.notify_all()

    def wait_idle(self, timeout_seconds: float) -> bool:
        """Wait until no request is being answered."""
        with self._changed:
            return self._changed.wait_for(lambda: self._active == 0, timeout_seconds)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that clients dropped."""


class RequestHandler(BaseHTTPRequestHandler):
    """Answers the requests of one connection, one after the other."""

    protocol_version = "HTTP/1.1"
    server_version = "chdb-owner"
    sys_version = ""
    timeout = _IDLE_CONNECTION_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1
    server: OwnerServer

    def do_GET(self) -> None:
        """Answer a probe, or a query that may only read."""
        path = urlsplit(self.path).path
        if path in ("/ping", "/replicas_status"):
            self._reply(200, b"Ok.\n", {"Content-Type": _TEXT})
        else:
            self._answer(path, read_only=True)

    def do_POST(self) -> None:
        """Answer a statement."""
        self._answer(urlsplit(self.path).path, read_only=False)

    def _answer(self, path: str, read_only: bool) -> None:
        self.server.enter()
        try:
            body = read_body(self.rfile, self.headers, self.server.owner.spool_dir)
        except BodyCut:
            self.close_connection = True
            self.server.leave()
            return
        except BodyUnreadable as error:
            self._reply_error(refusal(BAD_ARGUMENTS, str(error)))
            self.server.leave()
            return
        try:
            self._execute(path, body, read_only)
        except EngineError as error:
            self._reply_error(error)
        finally:
            body.close()
            self.server.leave()

    def _execute(self, path: str, body: Body, read_only: bool) -> None:
        fields = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        self._authenticate(fields)
        if path == IDENTITY_PATH:
            self._reply(200, str(os.getpid()).encode(), {"Content-Type": _TEXT})
            return
        content_type = self.headers.get("Content-Type") or ""
        if is_form(content_type):
            form = read_form(content_type, b"".join(body.chunks()))
            outcome = self._run({**fields, **form}, None, read_only)
        else:
            outcome = self._run(fields, body, read_only)
        self._reply(200, outcome.body, _headers(outcome, fields.get("query_id", "")))

    def _run(self, fields: Mapping[str, str], body: Body | None, read_only: bool) -> Outcome:
        engine = self.server.owner.engine
        settings = engine_settings({**fields, "readonly": "1"} if read_only else fields)
        kind = SessionKind(fields.get("database") or EMBEDDED_DATABASE, settings)
        parameters = query_parameters(fields)
        prefix = fields.get("query", "").encode()
        if prefix and body is not None and body.size:
            prefix += b"\n"
        text = prefix + (body.head(HEAD_LIMIT_BYTES) if body else b"")
        insert = find_raw_insert(text)
        if insert is None:
            whole = text if body is None or body.size <= HEAD_LIMIT_BYTES else None
            text = whole or prefix + b"".join(body.chunks() if body else ())
            default_format = fields.get("default_format") or DEFAULT_FORMAT
            return engine.query(text, kind, parameters, default_format)
        data = body.chunks(max(0, insert.data_at - len(prefix))) if body else iter(())
        return engine.insert(insert, kind, parameters, data)

    def _authenticate(self, fields: Mapping[str, str]) -> None:
        user, password = self._credentials(fields)
        right = hmac.compare_digest(password.encode(), self.server.owner.password.encode())
        if user != EMBEDDED_USER or not right:
            raise refusal(
                AUTHENTICATION_FAILED,
                f"{user}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)",
            )

    def _credentials(self, fields: Mapping[str, str]) -> tuple[str, str]:
        scheme, _, value = (self.headers.get("Authorization") or "").partition(" ")
        if scheme.lower() == "basic":
            try:
                user, _, password = b64decode(value).decode().partition(":")
            except ValueError:
                return "", ""
            return user, password
        user = self.headers.get("X-ClickHouse-User") or fields.get("user", "")
        return user, self.headers.get("X-ClickHouse-Key") or fields.get("password", "")

    def _reply_error(self, error: EngineError) -> None:
        headers = {"Content-Type": _TEXT, "X-ClickHouse-Exception-Code": str(error.code)}
        self._reply(error.http_status, (error.text + "\n").encode(), headers)

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-ClickHouse-Timezone", "UTC")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name there)
        """Write no line per request."""


def _headers(outcome: Outcome, query_id: str) -> dict[str, str]:
    summary = {
        "read_rows": outcome.read_rows,
        "read_bytes": outcome.read_bytes,
        "written_rows": outcome.written_rows,
        "written_bytes": outcome.written_bytes,
        "elapsed_ns": outcome.elapsed_ns,
    }
    headers = {
        "Content-Type": "application/octet-stream",
        "X-ClickHouse-Query-Id": query_id,
        "X-ClickHouse-Summary": json.dumps({name: str(value) for name, value in summary.items()}),
    }
    if outcome.format is not None:
        headers["X-ClickHouse-Format"] = outcome.format
    return headers
