"""Cursors: opaque, tied to their list, and harmless whatever is sent instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from api.cursors import number_of, read_cursor, write_cursor
from api.errors import ApiError
from api.parameters import Code

CODES = st.from_regex(TypeAdapter(Code).json_schema()["pattern"], fullmatch=True)
"""Whatever an id of an event may be: spaces of every width are among it."""


@given(st.lists(CODES, min_size=1, max_size=3))
def test_a_cursor_is_read_back_as_it_was_written(key):
    """The key of the last row survives, whatever it is."""
    assert read_cursor("stock", write_cursor("stock", ("우유\u3000큰 것", "")), 2) == ("우유\u3000큰 것", "")
    assert read_cursor("stock", write_cursor("stock", tuple(key)), len(key)) == tuple(key)


@given(st.text(max_size=60))
def test_anything_else_is_refused_with_its_code(text):
    """No text makes it fail in another way."""
    code = None
    try:
        read_cursor("stock", text, 2)
    except ApiError as error:
        code = error.code
    assert code in {None, "invalid_cursor"}


def test_a_cursor_of_another_list_is_refused():
    """Keys of one list mean nothing in another."""
    with pytest.raises(ApiError):
        read_cursor("alerts", write_cursor("stock", ("A", "sku")), 2)
    with pytest.raises(ApiError):
        read_cursor("stock", write_cursor("stock", ("A",)), 2)


def test_every_number_of_an_event_fits_into_a_cursor():
    """Versions may be counted by seconds; more digits than an event can have are refused."""
    assert number_of(str(2**31 - 1)) == 2**31 - 1
    for text in ("", "-1", "1e3", "12345678901", "²"):
        with pytest.raises(ApiError):
            number_of(text)
