"""Rows as CSV for spreadsheets: which format a caller wants, and how freshness travels beside a table."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from fastapi import Request
from fastapi.responses import Response

from api.completeness import completeness_headers
from api.errors import ApiError

Format = Literal["json", "csv"]
CSV_CONTENT: dict[str, Any] = {"text/csv": {"schema": {"type": "string"}}}


def wanted_format(request: Request, asked: Format | None) -> Format:
    """Return the format of the answer: the parameter, else the first of the Accept header that exists; 406 without one."""
    if asked is not None:
        return asked
    accepted = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",")]
    for name in accepted:
        if name in {"*/*", "application/*", "application/json", ""}:
            return "json"
        if name in {"text/csv", "text/*"}:
            return "csv"
    raise ApiError("not_acceptable", "application/json or text/csv")


def csv_answer(columns: Sequence[str], rows: Iterable[Sequence[object]], freshness: Mapping[str, Any], next_cursor: str | None) -> Response:
    """Write a table; freshness, completeness and the next cursor are headers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    behind = freshness["behind"]
    headers = {
        "X-As-Of": freshness["as_of"].isoformat() if freshness["as_of"] else "",
        "X-Behind-Events": "" if behind.events is None else str(behind.events),
        "X-Generation": str(freshness["generation"]),
        **completeness_headers(freshness["completeness"]),
    }
    if next_cursor is not None:
        headers["X-Next-Cursor"] = next_cursor
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)
