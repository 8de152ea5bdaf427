"""An answer removes only what it certainly says about this batch; everything else is kept."""

import json
from datetime import UTC, datetime

import pytest

from api.store_and_forward.verdict import Judged, NotAsOne, TokenRefused, Unavailable, read_answer

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
IDS = ("a", "b", "c")


def row(index: object, event_id: str | None, outcome: str, code: str | None = None) -> dict:
    """Write a result."""
    problems = [{"code": code, "pointer": "/id", "expected": "something"}] if code else []
    return {"index": index, "id": event_id, "outcome": outcome, "problems": problems}


def read(status: int, content: object, **headers: str):
    """Read an answer to the batch a, b, c."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, IDS, NOW)


def test_each_event_has_its_own_fate():
    """Accepted and duplicate are taken, rejected is refused with its problems, unacknowledged and unnamed stay open."""
    rows = [row(0, "a", "accepted"), row(1, None, "rejected", "missing"), row(2, "c", "unacknowledged")]

    assert read(503, {"code": "not_durable", "results": rows}, retry_after="2") == Judged(frozenset({0}), {1: rows[1]["problems"]}, 2.0)
    assert read(207, {"results": [row(2, "C", "duplicate")]}) == Judged(frozenset({2}))


FOREIGN = {
    "a page of a proxy": b"<html>Please log in</html>",
    "nothing": b"",
    "a cut body": b'{"results": [{"index": 0',
    "no results": {"accepted": 3},
    "empty results": {"results": []},
    "an index outside": {"results": [row(3, "a", "accepted")]},
    "an index that is none": {"results": [row(True, "a", "accepted")]},
    "an index twice": {"results": [row(0, "a", "accepted"), row(0, "a", "accepted")]},
    "another id": {"results": [row(0, "b", "accepted")]},
}


@pytest.mark.parametrize("case", FOREIGN)
def test_an_answer_that_is_not_about_the_batch_removes_nothing(case):
    """Status 200 alone says nothing."""
    assert isinstance(read(200, FOREIGN[case]), Unavailable)


@pytest.mark.parametrize("status", [302, 404, 405, 429, 500, 502, 503, 504])
def test_a_centre_that_cannot_decide_is_asked_again(status):
    """Also a wrong address, which an operator can mend."""
    assert read(status, b"no", retry_after="7") == Unavailable(str(status), 7.0)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_no_word_on_the_events(status):
    """Nothing is removed or refused."""
    assert read(status, {"code": "token_expired"}) == TokenRefused(f"{status} token_expired")


def test_a_token_for_other_stores_refuses_no_event():
    """A wrong token in the file must not empty the whole buffer into the refused; a single wrong event among others is refused."""
    rows = [row(index, name, "rejected", "store_out_of_scope") for index, name in enumerate(IDS)]

    assert read(403, {"code": "store_out_of_scope", "results": rows}) == TokenRefused("403 store_out_of_scope", as_a_whole=False)
    assert read(207, {"results": [row(0, "a", "accepted"), *rows[1:]]}).refused.keys() == {1, 2}


def test_a_batch_that_is_unreadable_as_one_is_to_be_split():
    """Only the centre's own word counts, except for a body that somebody on the way finds too large."""
    assert read(400, {"code": "malformed_body", "detail": "JSON"}) == NotAsOne("malformed_body", "JSON", "content")
    assert read(413, {"code": "body_too_large", "detail": "1 MiB"}) == NotAsOne("body_too_large", "1 MiB", "content")
    assert read(413, b"<html>") == NotAsOne("body_too_large", "a smaller body, says something on the way", "size")
    assert read(408, {"code": "body_timeout", "detail": "10 s"}) == NotAsOne("body_timeout", "10 s", "time")
    assert isinstance(read(400, b"bad request"), Unavailable)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0),
        ("Thu, 26 Nov 2026 12:00:30 GMT", 30.0),
        ("Thu, 26 Nov 2026 11:00:00 GMT", None),
        ("soon", None),
        ("", None),
        ("-1", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text, seconds):
    """Both forms of RFC 9110; anything else asks for nothing."""
    assert read(503, b"", retry_after=text) == Unavailable("503", seconds)
