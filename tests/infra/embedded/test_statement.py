"""Requests taken apart: where an INSERT ends and its data begins, and what is a setting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.embedded.clickhouse.errors import EngineError
from infra.embedded.clickhouse.form import read_form
from infra.embedded.clickhouse.statement import engine_settings, find_raw_insert, query_parameters, result_format


@pytest.mark.parametrize(
    ("text", "head", "data"),
    [
        (b"INSERT INTO t (a, b) FORMAT Native\n\x01\x02", b"INSERT INTO t (a, b)", b"\x01\x02"),
        (b"insert into t format TSV\n1\n", b"insert into t", b"1\n"),
        (b"INSERT INTO `format` (`a FORMAT TSV`) FORMAT CSV\n1", b"INSERT INTO `format` (`a FORMAT TSV`)", b"1"),
        (b"-- why\n INSERT INTO t /* FORMAT x */ FORMAT CSV\n1", b"-- why\n INSERT INTO t /* FORMAT x */", b"1"),
        (b'INSERT INTO t FORMAT JSONEachRow {"a": 1}', b"INSERT INTO t", b'{"a": 1}'),
        (b"INSERT INTO t SETTINGS async_insert=0 FORMAT Arrow\r\n\n", b"INSERT INTO t SETTINGS async_insert=0", b"\n"),
        (b"INSERT INTO t FORMAT Arrow", b"INSERT INTO t", b""),
    ],
)
def test_an_insert_is_cut_where_its_data_begins(text: bytes, head: bytes, data: bytes) -> None:
    """Names, comments and strings that look like the clause are passed over; exactly one line break goes."""
    found = find_raw_insert(text)

    assert found is not None
    assert (found.head, text[found.data_at :]) == (head, data)


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1 FORMAT JSON",
        b"INSERT INTO t VALUES (1, 'x FORMAT y')",
        b"INSERT INTO t FORMAT Values (1)",
        b"INSERT INTO t SELECT 1 FORMAT TSV",
        b"INSERT INTO t WITH 1 AS x SELECT x",
        b"CREATE TABLE inserts (a Int8) ENGINE = Memory",
        b"",
    ],
)
def test_other_statements_stay_whole(text: bytes) -> None:
    """The engine itself reads values and queries."""
    assert find_raw_insert(text) is None


@given(st.binary(max_size=60), st.sampled_from([b"t", b"`a b`", b"db.t", b"t (a, b)"]))
def test_data_is_never_changed(data: bytes, target: bytes) -> None:
    """Whatever bytes follow the clause's own line break are the data."""
    text = b"INSERT INTO " + target + b" FORMAT RowBinary\n" + data

    found = find_raw_insert(text)

    assert found is not None
    assert text[found.data_at :] == data


def test_settings_are_told_from_what_belongs_to_the_transport() -> None:
    """`readonly` comes last, since nothing can be set after it."""
    fields = {"query": "x", "database": "d", "readonly": "2", "session_id": "s", "max_threads": "1", "param_a": "v", "z": "1"}

    assert engine_settings(fields) == (("max_threads", "1"), ("z", "1"), ("readonly", "2"))
    assert query_parameters(fields) == {"a": "v"}


def test_the_format_of_a_result_is_what_the_statement_says() -> None:
    """The clause wins over the default of the request."""
    assert result_format(b"SELECT 1\n FORMAT Native", "TabSeparated") == "Native"
    assert result_format(b"SELECT 'FORMAT x' AS y", "TabSeparated") == "TabSeparated"


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(max_size=30), min_size=1, max_size=4))
def test_a_form_gives_back_its_fields(fields: dict[str, str]) -> None:
    """Values may hold line breaks and anything else that is not the boundary."""
    parts = [f'--b0undary\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    body = "".join(parts) + "--b0undary--\r\n"

    assert read_form("multipart/form-data; boundary=b0undary", body.encode()) == fields


def test_a_table_sent_along_is_refused() -> None:
    """What is not supported is said, not ignored."""
    body = b'--b\r\nContent-Disposition: form-data; name="t"; filename="t"\r\n\r\n1\r\n--b--\r\n'

    with pytest.raises(EngineError) as raised:
        read_form("multipart/form-data; boundary=b", body)

    assert (raised.value.code, raised.value.http_status) == (48, 501)
