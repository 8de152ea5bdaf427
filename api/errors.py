"""Errors as RFC 9457 problems: one table says for each kind the status, how loud it is logged and whether to come again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

_log = structlog.get_logger(__name__)
PROBLEM_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """What a kind of error means to the caller and to the operator."""

    status: int
    title: str
    log_level: Literal["debug", "info", "warning", "error"] = "debug"
    retry_after_seconds: int | None = None


ERROR_KINDS: dict[str, ErrorKind] = {
    "malformed_body": ErrorKind(400, "The body cannot be read"),
    "invalid_cursor": ErrorKind(400, "The cursor is not one that this API gave out"),
    "invalid_event_id": ErrorKind(400, "The Last-Event-ID is not one that this stream gave out"),
    "unauthenticated": ErrorKind(401, "A token is needed"),
    "token_invalid": ErrorKind(401, "The token is not valid", "info"),
    "token_expired": ErrorKind(401, "The token has expired"),
    "signature_invalid": ErrorKind(401, "The signature is not valid", "info"),
    "role_not_allowed": ErrorKind(403, "This role may not do that", "info"),
    "store_out_of_scope": ErrorKind(403, "The store is not one of the caller's", "info"),
    "not_found": ErrorKind(404, "There is no such resource"),
    "method_not_allowed": ErrorKind(405, "The resource does not know this method"),
    "not_acceptable": ErrorKind(406, "The resource has none of the accepted formats"),
    "body_timeout": ErrorKind(408, "The body did not arrive in time", "info"),
    "consumer_halted": ErrorKind(409, "The read model has halted and will not reach the position", "warning"),
    "not_decidable": ErrorKind(409, "It was decided already, or cannot be decided so"),
    "positions_gone": ErrorKind(410, "The log no longer has these positions", "info"),
    "body_too_large": ErrorKind(413, "The body is too large", "info"),
    "too_many_events": ErrorKind(413, "There are too many events in one request", "info"),
    "unsupported_media_type": ErrorKind(415, "The media type is not supported"),
    "unsupported_encoding": ErrorKind(415, "The content encoding is not supported"),
    "invalid_request": ErrorKind(422, "A parameter is not valid"),
    "events_rejected": ErrorKind(422, "No event was accepted"),
    "bad_request": ErrorKind(400, "The request is not valid"),
    "internal_error": ErrorKind(500, "The server failed", "error"),
    "overloaded": ErrorKind(503, "Too many requests are in flight", "warning", 1),
    "not_durable": ErrorKind(503, "The log has not acknowledged every event", "warning", 2),
    "log_unavailable": ErrorKind(503, "The log does not answer", "warning", 2),
    "stores_unknown": ErrorKind(503, "The settings of the stores are not known yet", "warning", 2),
    "read_model_unavailable": ErrorKind(503, "The read model does not answer", "warning", 2),
    "position_not_reached": ErrorKind(503, "The read model has not reached the position in time", "debug", 1),
    "not_ready": ErrorKind(503, "A part is not ready", "info", 2),
}
"""Stable codes; a client may rely on each of them."""

_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 406: "not_acceptable", 413: "body_too_large", 415: "unsupported_media_type"}


class ApiError(Exception):
    """Anything that the API says no to; `extensions` become members of the problem document."""

    def __init__(
        self, code: str, detail: str, extensions: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.kind = ERROR_KINDS[code]
        self.detail = detail
        self.extensions = dict(extensions or {})
        self.headers = dict(headers or {})


def printable(text: str) -> str:
    """Return text that can be written as UTF-8 whatever the caller sent (lone surrogates are spelt out)."""
    return text.encode("utf-8", "backslashreplace").decode()


def problem_response(error: ApiError, path: str) -> JSONResponse:
    """Write an error as a problem document."""
    kind = error.kind
    headers = dict(error.headers)
    body = {
        "type": f"urn:tillstream:problem:{error.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": printable(error.detail),
        "instance": printable(path),
        "code": error.code,
        **error.extensions,
    }
    if kind.retry_after_seconds is not None:
        headers.setdefault("Retry-After", str(kind.retry_after_seconds))
    if kind.status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return JSONResponse(body, kind.status, headers, PROBLEM_TYPE)


def _answer(request: Request, error: ApiError, cause: Exception | None = None) -> JSONResponse:
    path = request.url.path
    getattr(_log, error.kind.log_level)("request_refused", code=error.code, path=path, detail=error.detail, exc_info=cause)
    return problem_response(error, path)


async def _api_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    return _answer(request, error)


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    rows = [
        {
            "code": str(row["type"]),
            "pointer": printable("/" + "/".join(str(part) for part in row["loc"])),
            "expected": printable(str(row["msg"]).removeprefix("Value error, ")),
        }
        for row in error.errors()
    ]
    detail = "; ".join(f"{row['pointer']}: {row['expected']}" for row in rows[:3])
    return _answer(request, ApiError("invalid_request", detail, {"problems": rows}))


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _BY_STATUS.get(error.status_code, "bad_request" if error.status_code < 500 else "internal_error")
    return _answer(request, ApiError(code, str(error.detail), headers=error.headers))


async def _store_error(request: Request, error: Exception) -> JSONResponse:
    return _answer(request, ApiError("read_model_unavailable", f"a store does not answer ({type(error).__name__})"), error)


async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    return _answer(request, ApiError("internal_error", "an unforeseen error, noted in the log of the server"), error)


def add_error_handlers(app: FastAPI) -> None:
    """Let every error leave the app as a problem document."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(SQLAlchemyError, _store_error)
    app.add_exception_handler(ClickHouseError, _store_error)
    app.add_exception_handler(Exception, _unforeseen)
