"""What an answer of the centre means for a batch: which events it has, which it refused, which to send again. Pure.

An answer that is not certainly about this batch (a proxy's page, a cut body) removes nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

_TAKEN = frozenset({"accepted", "duplicate"})
_OF_THE_TOKEN = "store_out_of_scope"  # noqa: S105 - the code of a problem
_OF_THE_CONTENT = frozenset({400, 413, 422})

Problems = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Judged:
    """The centre has decided on events, by their index in the batch; those in neither are still open."""

    taken: frozenset[int]
    refused: Mapping[int, Problems] = field(default_factory=dict)
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class TokenRefused:
    """The centre takes nothing from the holder of this token; `as_a_whole` is false when it names each event's store."""

    reason: str
    as_a_whole: bool = True


@dataclass(frozen=True, slots=True)
class NotAsOne:
    """The batch could not be taken as one; `suspect` says what may be wrong with it.

    `content`: the centre says that it is unreadable or too large. `size`: something on the way finds it too large. `time`: it did
    not arrive, or was not answered, in time.
    """

    code: str
    detail: str
    suspect: Literal["content", "size", "time"]


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No decision: the same events are sent again later."""

    reason: str
    retry_after_seconds: float | None = None


Verdict = Judged | TokenRefused | NotAsOne | Unavailable


def read_answer(status: int, headers: Mapping[str, str], body: bytes, ids: Sequence[str], now: datetime) -> Verdict:
    """Return what an answer to a batch of events with these ids means."""
    content = _object(body)
    rows = _rows(content.get("results"), ids)
    if rows is not None and _is_about_the_token(status, rows):
        return TokenRefused(f"{status} {_OF_THE_TOKEN}", as_a_whole=False)
    if rows is not None:
        return _judged(rows, _seconds(headers.get("retry-after"), now))
    return _undecided(status, content, _seconds(headers.get("retry-after"), now))


def _undecided(status: int, content: Mapping[str, Any], retry_after_seconds: float | None) -> Verdict:
    code, detail = str(content.get("code", "")), str(content.get("detail", ""))
    reason = f"{status} {code}".strip()
    if status in {401, 403}:
        return TokenRefused(reason)
    if status in _OF_THE_CONTENT and code:
        return NotAsOne(code, detail, "content")
    if status == 413:
        return NotAsOne("body_too_large", "a smaller body, says something on the way", "size")
    if status == 408:
        return NotAsOne(code or "body_timeout", detail, "time")
    return Unavailable(reason if status >= 300 else f"{reason}: not an answer about these events", retry_after_seconds)


def _judged(rows: Mapping[int, Mapping[str, Any]], retry_after_seconds: float | None) -> Judged:
    taken = frozenset(index for index, row in rows.items() if row.get("outcome") in _TAKEN)
    refused = {index: _problems(row) for index, row in rows.items() if row.get("outcome") == "rejected"}
    return Judged(taken, refused, retry_after_seconds)


def _is_about_the_token(status: int, rows: Mapping[int, Mapping[str, Any]]) -> bool:
    codes = {problem.get("code") for row in rows.values() for problem in _problems(row)}
    return status == 403 and codes == {_OF_THE_TOKEN}


def _rows(results: object, ids: Sequence[str]) -> dict[int, dict[str, Any]] | None:
    """Return the results by index; None unless each names an event of the batch, once."""
    if not isinstance(results, list) or not results:
        return None
    found: dict[int, dict[str, Any]] = {}
    for row in results:
        index = row.get("index") if isinstance(row, dict) else None
        if type(index) is not int or not 0 <= index < len(ids) or index in found:
            return None
        if row.get("id") is not None and str(row["id"]).lower() != ids[index].lower() and row.get("outcome") != "rejected":
            return None
        found[index] = row
    return found


def _problems(row: Mapping[str, Any]) -> Problems:
    problems = row.get("problems")
    return [problem for problem in problems if isinstance(problem, dict)] if isinstance(problems, list) else []


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """Read `Retry-After`: seconds, or a date; None where it is absent, past or neither."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        seconds = (parsedate_to_datetime(text) - now).total_seconds() if text else 0.0
    except (TypeError, ValueError):
        return None
    return seconds if seconds > 0 else None
