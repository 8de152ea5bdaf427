"""The form of a post: which bodies are read, which are refused as a whole, and which items alone."""

import json

import pytest

from api.edge.documents import BATCH, JSON, NDJSON, SINGLE, Unreadable, documents
from api.errors import ApiError


@pytest.mark.parametrize(
    ("content_type", "body", "count"),
    [
        (SINGLE, b'{"id": 1}', 1),
        (JSON, b'{"id": 1}', 1),
        (JSON, b'[{"id": 1}, {"id": 2}]', 2),
        (BATCH, b'[{"id": 1}]', 1),
        (NDJSON, b'{"id": 1}\r\n\n{"id": 2}\n', 2),
        ("Application/JSON; charset=UTF-8", b"{}", 1),
    ],
)
def test_each_content_type_gives_one_document_per_event(content_type, body, count):
    """Objects, arrays and lines."""
    assert len(documents(content_type, body, 10)) == count


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        (SINGLE, b"[{}]", "malformed_body"),
        (BATCH, b"{}", "malformed_body"),
        (JSON, b"", "malformed_body"),
        (JSON, b"[]", "malformed_body"),
        (JSON, b"3", "malformed_body"),
        (JSON, b'{"a": NaN}', "malformed_body"),
        (JSON, b'{"a": "\xff"}', "malformed_body"),
        (JSON, b"[" * 100_000, "malformed_body"),
        (JSON, b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "malformed_body"),
        (NDJSON, b"\n\n", "malformed_body"),
        (JSON, b"[" + b"{}," * 10 + b"{}]", "too_many_events"),
        (NDJSON, b"{}\n" * 11, "too_many_events"),
        ("text/plain", b"{}", "unsupported_media_type"),
        ("", b"{}", "unsupported_media_type"),
        ("application/json; charset=latin-1", b"{}", "unsupported_media_type"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_its_code(content_type, body, code):
    """Whatever the bytes are, the answer is a code, never a crash."""
    with pytest.raises(ApiError) as caught:
        documents(content_type, body, 10)
    assert caught.value.code == code


def test_a_bad_line_or_item_does_not_take_its_neighbours_along():
    """Only the bad one is unreadable."""
    by_line = documents(NDJSON, b'{"id": 1}\n{"id": \n[1]\n{"id": 4}', 10)
    assert [isinstance(item, Unreadable) for item in by_line] == [False, True, True, False]
    by_item = documents(BATCH, b'[{"id": 1}, 7, "x", {}]', 10)
    assert [isinstance(item, Unreadable) for item in by_item] == [False, True, True, False]


def test_an_integer_that_no_store_holds_is_left_to_the_field_that_refuses_it():
    """Huge numbers are refused at their own pointer, not for the whole body."""
    (found,) = documents(JSON, json.dumps({"gross": 10**40, "line": 10**17}).encode(), 10)
    assert not isinstance(found, Unreadable)
    assert found == {"gross": 10**40, "line": 10**17}
    (longer,) = documents(JSON, b'{"gross": ' + b"9" * 5_000 + b"}", 10)
    assert longer == {"gross": float("inf")}
