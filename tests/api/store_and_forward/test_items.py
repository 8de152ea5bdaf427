"""Items keep the bytes that were sent, in every form of body, and only what has no form of an event is turned away."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.edge.documents import BATCH, JSON, NDJSON, SINGLE
from api.errors import ApiError
from api.store_and_forward.items import Item, NoEvent, items_of

FIRST = '{ "id" : "a", "type":"t", "big": 123456789012345678901234567890, "small": 1.10, "text": "\\u00e9 é ] } ,", "deep": [[{}]]}'
SECOND = '{"type":"u","id":"b"}'

BODIES = {
    "single": (SINGLE, f"\n {FIRST} \n", [FIRST]),
    "object": (JSON, FIRST, [FIRST]),
    "batch": (BATCH, f" [\t{FIRST} ,\n{SECOND}\r\n]\n", [FIRST, SECOND]),
    "array": (JSON, f"[{FIRST},{SECOND}]", [FIRST, SECOND]),
    "lines": (NDJSON, f"{FIRST}\r\n\n {SECOND}", [FIRST, SECOND]),
}


@pytest.mark.parametrize("form", BODIES)
def test_an_item_keeps_its_bytes(form):
    """Numbers that no double holds, spaces and escapes arrive as the till wrote them."""
    content_type, body, expected = BODIES[form]

    found = items_of(content_type, body.encode(), 10)

    assert [item.body.decode() for item in found if isinstance(item, Item)] == expected
    assert [item.id for item in found if isinstance(item, Item)] == ["a", "b"][: len(expected)]


plain = st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
values = plain | st.lists(plain, max_size=3) | st.dictionaries(st.text(max_size=3), plain, max_size=2)
contents = st.dictionaries(st.text(max_size=5), values, max_size=3)


@given(st.lists(contents, min_size=1, max_size=4), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_a_batch_is_cut_where_its_documents_end(sent, indent, ascii_only):
    """Whatever the documents hold and however the array is laid out: each piece is that document."""
    rows = [content | {"id": f"i{number}", "type": "t"} for number, content in enumerate(sent)]
    body = json.dumps(rows, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")

    found = items_of(BATCH, body, 10)

    assert [json.loads(item.body) for item in found if isinstance(item, Item)] == rows


WRONG = {
    "no id": ('{"type":"t"}', "missing", "/id"),
    "no type": ('{"id":"a"}', "missing", "/type"),
    "id is a number": ('{"id":1,"type":"t"}', "not_a_name", "/id"),
    "id is empty": ('{"id":"","type":"t"}', "not_a_name", "/id"),
    "id cannot be written": ('{"id":"\\ud800","type":"t"}', "not_a_name", "/id"),
    "id is endless": (json.dumps({"id": "x" * 201, "type": "t"}), "not_a_name", "/id"),
    "no object": ("3", "not_an_object", ""),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_event_document_is_told_apart_from_its_neighbours(case):
    """It is named with code and pointer; the item beside it passes."""
    text, code, pointer = WRONG[case]

    wrong, right = items_of(BATCH, f"[{text},{SECOND}]".encode(), 10)

    assert isinstance(wrong, NoEvent)
    assert (wrong.problems[0].code, wrong.problems[0].pointer) == (code, pointer)
    assert isinstance(right, Item)


BOMB = '{"id":"a","type":"t","data":' + "[" * 100_000 + "]" * 100_000 + "}"


@pytest.mark.parametrize("body", ["", "[]", "{", "[{},", "\xff", BOMB, f"[{BOMB}]"], ids=range(7))
def test_a_body_that_is_unreadable_as_a_whole_is_refused_as_by_the_centre(body):
    """The same errors as the centre's."""
    with pytest.raises(ApiError) as caught:
        items_of(JSON, body.encode("latin-1"), 10)

    assert caught.value.code == "malformed_body"
