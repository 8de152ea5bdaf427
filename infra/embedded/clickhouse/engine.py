"""The engine of one path, and sessions on it for statements that run side by side.

A session is one connection to the engine with a database and settings. A setting such as
`readonly` cannot be taken back, so sessions are kept by their exact settings and used again only for
the same ones; those that a statement may have changed are closed.
"""

import re
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from infra.embedded.clickhouse.errors import BAD_ARGUMENTS, SYNTAX_ERROR, from_engine, refusal
from infra.embedded.clickhouse.statement import RawInsert, result_format
from infra.embedded.names import EMBEDDED_DATABASE

_chdb: Any = import_module("chdb._chdb")  # without type information

_IDLE_PER_KIND = 4
_KINDS_KEPT = 32
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TEMPORARY = re.compile(rb"\btemporary\b", re.IGNORECASE)


@dataclass(frozen=True)
class SessionKind:
    """What sets one session apart from another."""

    database: str
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a statement gave; `format` is `None` where it gives no result set."""

    body: bytes
    format: str | None
    read_rows: int
    read_bytes: int
    written_rows: int
    written_bytes: int
    elapsed_ns: int


class Engine:
    """Owns the engine of a path; one process may own it at a time."""

    def __init__(self, path: Path) -> None:
        _chdb.set_signal_handlers_enabled(False)
        self._path = str(path)
        self._anchor = self._connect()
        self._anchor.query(f"CREATE DATABASE IF NOT EXISTS {EMBEDDED_DATABASE} ENGINE = Atomic")
        self._idle: OrderedDict[SessionKind, list[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def _connect(self) -> Any:
        return _chdb.connect(self._path)

    def query(self, text: bytes, kind: SessionKind, parameters: Mapping[str, str], default_format: str) -> Outcome:
        """Run one statement that brings no data with it."""
        with self._session(kind) as session:
            shape = session.connection.classify_query(text)
            if shape["statement_count"] > 1:
                raise refusal(SYNTAX_ERROR, "Multi-statements are not allowed")
            reads = shape["query_class"] == _chdb.query_class.READ_ONLY
            session.reusable = reads or shape["query_class"] == _chdb.query_class.MUTATING
            if _TEMPORARY.search(text):
                session.reusable = False
            begun = time.monotonic_ns()
            result = session.connection.query(text, default_format, params=dict(parameters))
            body = result.bytes() or b""
            shown = result_format(text, default_format) if reads or body else None
            return _outcome(result, body, shown, begun)

    def insert(
        self,
        statement: RawInsert,
        kind: SessionKind,
        parameters: Mapping[str, str],
        data: Iterable[bytes],
    ) -> Outcome:
        """Run an INSERT with the data that followed it; all of the data must be at hand.

        The data goes through a file and one statement: the engine's own way of feeding an insert in parts
        reports success for rows that a constraint or a limit has refused.
        """
        with self._session(kind) as session:
            connection = session.connection
            for name, value in parameters.items():
                connection.query(f"SET param_{_name(name)} = {_quote(value)}")
            begun = time.monotonic_ns()
            with tempfile.NamedTemporaryFile(suffix=".data") as file:
                for chunk in data:
                    file.write(chunk)
                file.flush()
                source = f" FROM INFILE {_quote(file.name)} COMPRESSION 'none' FORMAT {statement.format}"
                result = connection.query(statement.head.decode() + source)
            session.reusable = not parameters
            return _outcome(result, b"", None, begun)

    @contextmanager
    def _session(self, kind: SessionKind) -> Iterator["_Session"]:
        session = _Session(self._take(kind))
        try:
            yield session
        except RuntimeError as error:
            session.reusable = False
            raise from_engine(error) from error
        except BaseException:
            session.reusable = False
            raise
        finally:
            self._give_back(kind, session)

    def _take(self, kind: SessionKind) -> Any:
        with self._lock:
            idle = self._idle.get(kind)
            if idle:
                return idle.pop()
        connection = self._connect()
        try:
            connection.query(f"USE {_quote_identifier(kind.database)}")
            for name, value in kind.settings:
                connection.query(f"SET {_name(name)} = {_quote(value)}")
        except RuntimeError as error:
            connection.close()
            raise from_engine(error) from error
        return connection

    def _give_back(self, kind: SessionKind, session: "_Session") -> None:
        surplus = [session.connection]
        if session.reusable:
            with self._lock:
                idle = self._idle.setdefault(kind, [])
                self._idle.move_to_end(kind)
                if len(idle) < _IDLE_PER_KIND:
                    idle.append(surplus.pop())
                if len(self._idle) > _KINDS_KEPT:
                    surplus += self._idle.popitem(last=False)[1]
        for connection in surplus:
            connection.close()

    def close(self) -> None:
        """Close the engine; what was answered is on disk already."""
        with self._lock:
            for connections in self._idle.values():
                for connection in connections:
                    connection.close()
            self._idle.clear()
        self._anchor.close()


@dataclass
class _Session:
    connection: Any
    reusable: bool = True


def _outcome(result: Any, body: bytes, shown: str | None, begun_ns: int) -> Outcome:
    return Outcome(
        body=body,
        format=shown,
        read_rows=result.rows_read(),
        read_bytes=result.bytes_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        elapsed_ns=time.monotonic_ns() - begun_ns,
    )


def _name(text: str) -> str:
    if not _NAME.match(text):
        raise refusal(BAD_ARGUMENTS, f"{text!r} is not the name of a setting")
    return text


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _quote_identifier(text: str) -> str:
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"
