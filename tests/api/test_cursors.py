"""Cursors: opaque, tied to their list, and harmless whatever is sent instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursors import read_cursor, write_cursor
from api.errors import ApiError

PRINTABLE = st.text(st.characters(exclude_categories=("C", "Zl", "Zp", "Zs"), include_characters=" "), max_size=40)


@given(st.lists(PRINTABLE, min_size=1, max_size=3))
def test_a_cursor_is_read_back_as_it_was_written(key):
    """The key of the last row survives, whatever it is."""
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
