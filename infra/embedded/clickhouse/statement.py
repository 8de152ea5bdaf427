"""Takes a request's text apart: what is a statement, what is data to insert, what is a setting. Pure.

The engine gets data apart from its INSERT, so the statement is cut where its `FORMAT` ends. Quoted
text, comments and brackets are skipped; `INSERT … VALUES` and `INSERT … SELECT` stay whole.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

HEAD_LIMIT_BYTES = 1024 * 1024

_INSERT = re.compile(rb"(?:\s|--[^\n]*\n|/\*.*?\*/)*insert\b", re.IGNORECASE | re.DOTALL)
_TOKEN = re.compile(
    rb"""'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`\\]|\\.|``)*`
       | --[^\n]*(?:\n|$) | /\*.*?\*/ | [A-Za-z_][A-Za-z0-9_]* | [()] | .""",
    re.VERBOSE | re.DOTALL,
)
_FORMAT_NAME = re.compile(rb"\s+([A-Za-z][A-Za-z0-9]*)[ \t\f]*;?[ \t\f]*(?:\r?\n)?")
_TRAILING_FORMAT = re.compile(rb"\bFORMAT\s+([A-Za-z]\w*)\s*;?\s*$", re.IGNORECASE)
_WHOLE = {b"SELECT", b"WITH", b"VALUES", b"WATCH", b"INFILE"}

# What a server's HTTP layer takes for itself.
_TRANSPORT = frozenset(
    {
        "buffer_size",
        "client_protocol_version",
        "compress",
        "database",
        "decompress",
        "default_format",
        "password",
        "query",
        "query_id",
        "quota_key",
        "role",
        "session_check",
        "session_id",
        "session_timeout",
        "stacktrace",
        "user",
        "wait_end_of_query",
        # real settings, of no meaning without a server's HTTP layer
        "cancel_http_readonly_queries_on_client_close",
        "enable_http_compression",
        "http_headers_progress_interval_ms",
        "send_progress_in_http_headers",
    }
)
_PARAMETER_PREFIX = "param_"


@dataclass(frozen=True)
class RawInsert:
    """An INSERT whose data follows in a format; `data_at` is where it begins in the text."""

    head: bytes
    format: str
    data_at: int


def find_raw_insert(text: bytes) -> RawInsert | None:
    """Return where an INSERT ends and its data begins, `None` for any other statement."""
    start = _INSERT.match(text)
    if start is None:
        return None
    depth = 0
    for token in _TOKEN.finditer(text, start.end()):
        word = token.group().upper()
        depth += (word == b"(") - (word == b")")
        if depth or word in b"()":
            continue
        if word in _WHOLE:
            return None
        if word == b"FORMAT":
            return _cut(text, token.start(), token.end())
    return None


def _cut(text: bytes, format_at: int, format_end: int) -> RawInsert | None:
    name = _FORMAT_NAME.match(text, format_end)
    if name is None or name.group(1).upper() == b"VALUES":
        return None
    return RawInsert(text[:format_at].rstrip(), name.group(1).decode("ascii"), name.end())


def result_format(text: bytes, default: str) -> str:
    """Return the format that a statement's own `FORMAT` clause asks for, else the default."""
    found = _TRAILING_FORMAT.search(text[-256:])
    return found.group(1).decode("ascii") if found else default


def engine_settings(fields: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the settings among the fields of a request, ordered; `readonly` is last to be set."""
    found = [(name, value) for name, value in fields.items() if name not in _TRANSPORT and not name.startswith(_PARAMETER_PREFIX)]
    return tuple(sorted(found, key=lambda item: (item[0] == "readonly", item)))


def query_parameters(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the values for `{name:Type}` among the fields of a request, still escaped."""
    return {name.removeprefix(_PARAMETER_PREFIX): value for name, value in fields.items() if name.startswith(_PARAMETER_PREFIX)}
