"""The compiled reading is narrower than the precise one and never wider: what it accepts has the same bytes either way."""

import json
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, Field, model_validator

from contracts.codec import build_event, encode
from contracts.compiled import compiled, compiled_type
from contracts.compiled_fields import NotCompilable
from contracts.compiled_marks import judges_both_forms
from contracts.envelope import Envelope
from contracts.errors import ContractError
from contracts.events.registry import FACT_TYPES
from contracts.example_events.table import EXAMPLES
from contracts.fields import Amount, Code, DecimalString, Model, Moment
from tests.contracts.damage import json_values, paths_of, replaced
from tests.contracts.strategies import DATA
from tests.examples import examples

COMPILED = sorted(name for name in FACT_TYPES if compiled_type(name) is not None)
CONTENTS = [(whole["type"], whole["data"]) for whole in EXAMPLES.values() if whole["type"] in COMPILED]


def precisely(event_type: str, raw: bytes) -> bytes | None:
    """Return the canonical bytes that the precise reading gives, None where it refuses."""
    envelope = Envelope.model_validate(
        {"id": "0198c0de-0000-7000-8000-000000000001", "source": "s", "type": event_type}
        | {"time": "2026-03-02T10:00:00Z", "tenantid": "t", "storeid": "A"}
    )
    try:
        return encode(build_event(envelope, msgspec.json.decode(raw)), "").value
    except (ContractError, msgspec.MsgspecError, UnicodeError):
        return None


def quickly(event_type: str, raw: bytes) -> bytes | None:
    """Return the canonical bytes that the compiled reading gives, None where it leaves the content to the precise one."""
    kind = compiled_type(event_type)
    assert kind is not None
    read = kind.read(raw)
    return None if read is None else read[1]


def test_the_common_types_are_compiled() -> None:
    """None of these falls out of the compiled reading in silence; shifts compare times, and stay with the precise one."""
    assert sorted(FACT_TYPES - {"shift.published.v1"}) == COMPILED
    assert compiled_type("event.corrected.v1") is None


@pytest.mark.parametrize(("event_type", "content"), CONTENTS)
def test_every_example_is_read_the_compiled_way(event_type: str, content: dict[str, Any]) -> None:
    """The examples are canonical, so nothing is left to the precise reading, and the bytes are the same."""
    raw = json.dumps(content, ensure_ascii=False).encode()

    assert precisely(event_type, raw) == quickly(event_type, raw)


tricky = st.sampled_from(
    [
        "0",
        "-0",
        "0.0",
        "1.50",
        "01",
        "1e3",
        ".5",
        "1.",
        "+1",
        "٣",
        "1\n",
        "a\n",
        "a|b",
        "\x7f",
        "\x00",
        "kim@example.com",
        "010-1234-5678",
        "2026-02-29",
        "2024-02-29",
        "2026-3-2",
        "1970-12-30",
        "2148-12-31",
        "2026-03-02\n",
        "2026-03-02T10:00:00Z",
        "2026-03-02T10:00:00+09:00",
        "2026-03-02T10:00:00.000000+09:00",
        "2026-03-02T10:00:00.5+09:00",
        "2026-03-02T24:00:00+09:00",
        "1971-01-01T00:00:00+14:00",
        "2148-12-31T23:59:59-14:00",
        "2026-03-02T10:00:00-00:00",
        "2026-03-02 10:00:00+09:00",
        "0198C0DE-0000-7000-8000-000000000001",
        "{0198c0de-0000-7000-8000-000000000001}",
        "0198c0de000070008000000000000001",
        0,
        1,
        -1,
        2**31,
        2**63,
        2**64,
        10**40,
        0.0,
        1.0,
        5.5,
        True,
        False,
        None,
        "",
        [],
        {},
        "item",
        "KRW",
        "krw",
        "x" * 501,
        "가" * 120,
    ]
)


@given(st.data())
@settings(max_examples=examples(300))
def test_what_the_compiled_reading_accepts_has_the_same_bytes_precisely(data: st.DataObject) -> None:
    """Examples with up to two places damaged: read the same, or left to the precise reading."""
    event_type, content = data.draw(st.sampled_from(CONTENTS))
    for _ in range(data.draw(st.integers(0, 2))):
        content = replaced(content, data.draw(st.sampled_from(paths_of(content))), data.draw(tricky | json_values))
    raw = json.dumps(content, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "surrogatepass")

    found = quickly(event_type, raw)

    assert found is None or found == precisely(event_type, raw)


@given(st.data())
@settings(max_examples=examples(100))
def test_many_are_judged_as_each_would_be(data: st.DataObject) -> None:
    """Examples of one type, some of them damaged, and in any way of writing."""
    event_type = data.draw(st.sampled_from(COMPILED))
    kind, good = compiled_type(event_type), [content for of_type, content in CONTENTS if of_type == event_type]
    assert kind is not None
    damaged = st.sampled_from(good).flatmap(
        lambda content: st.builds(replaced, st.just(content), st.sampled_from(paths_of(content)), tricky | json_values)
    )
    contents = data.draw(st.lists(st.sampled_from(good), max_size=30))
    for one in data.draw(st.lists(damaged, max_size=2)):
        contents.insert(data.draw(st.integers(0, len(contents))), one)
    values = [json.dumps(each, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "surrogatepass") for each in contents]

    assert kind.all_judged(values) == [kind.judged(value) for value in values]


@pytest.mark.parametrize(
    ("good", "odd"),
    [(b'"gross":12000', b'"gross":1200'), (b'"quantity":"2"', b'"quantity":"2.0"'), (b'"KRW"', b'"KRX"'), (b"R-1", b"R|1"), (b"{", b"[")],
)
def test_one_that_is_not_accepted_leaves_its_neighbours_alone(good: bytes, odd: bytes) -> None:
    """By the rules of the whole, of a line's decimals, of a text, of plain JSON, and of JSON."""
    kind = compiled_type("sale.completed.v1")
    assert kind is not None
    value = b'{"receipt_id":"R-1","currency":"KRW","lines":[{"line":1,"sku":"A","quantity":"2","unit_price":"6000","gross":12000}]}'
    values = [value] * 20
    values[13] = value.replace(good, odd, 1)
    assert values[13] != value
    found = kind.all_judged(values)

    assert found == [kind.judged(each) for each in values]
    assert found[:13] == found[14:] + found[:7] == [kind.judged(value)] * 13
    assert found[13] is None or good == b"R-1"


@given(st.data())
@settings(max_examples=examples(100))
def test_generated_content_has_the_same_bytes_either_way(data: st.DataObject) -> None:
    """Foreign letters, weighed goods, odd prices."""
    event_type = data.draw(st.sampled_from([name for name in sorted(DATA) if name in COMPILED]))
    raw = json.dumps(data.draw(DATA[event_type]), ensure_ascii=data.draw(st.booleans())).encode()

    found = quickly(event_type, raw)

    assert found is None or found == precisely(event_type, raw)


@given(st.data())
@settings(max_examples=examples(150))
def test_damaged_bytes_are_never_accepted_by_the_compiled_reading_alone(data: st.DataObject) -> None:
    """Bytes replaced, left out or doubled anywhere: broken escapes, broken UTF-8, keys given twice, numbers cut in half."""
    event_type, content = data.draw(st.sampled_from(CONTENTS))
    raw = json.dumps(content, ensure_ascii=data.draw(st.booleans())).encode()
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 12)))
    pieces = st.binary(max_size=4) | st.sampled_from([b"\\ud800", b"\\udc00\\u0041", b'","', b'":', b"\\u0000", b"\\n", b"e5", b".0", b"-"])
    damaged = raw[:start] + data.draw(pieces | st.just(raw[start:end] * 2)) + raw[end:]

    found = quickly(event_type, damaged)

    assert found is None or found == precisely(event_type, damaged)


def test_a_key_that_is_given_twice_counts_as_it_does_precisely() -> None:
    """The last one counts, in either reading."""
    raw = b'{"till_id": "1", "waiting_events": 5, "waiting_events": 0, "till_id": "2"}'

    assert b'{"till_id":"2"}' == quickly("till.heartbeat.v1", raw) == precisely("till.heartbeat.v1", raw)


class Priced(Model):
    """A model for the tests of compiling."""

    price: DecimalString
    amount: Amount = 0


class Timed(Model):
    """Its validator compares times, and does not say that texts will do."""

    begun_at: Moment
    ended_at: Moment

    @model_validator(mode="after")
    def _in_order(self) -> "Timed":
        if self.ended_at < self.begun_at:
            raise ValueError("in order")
        return self


class Judged(Model):
    """Its validator judges both forms."""

    code: Code
    amount: Amount

    @model_validator(mode="after")
    @judges_both_forms
    def _code_is_short(self) -> "Judged":
        if len(self.code) > self.amount:
            raise ValueError("a shorter code")
        return self


class Shouted(Model):
    """A text that its validator changes."""

    code: Annotated[Code, AfterValidator(str.upper)]


class Mapped(Model):
    """Anything may stand in it."""

    content: dict[str, Any] = Field(default_factory=dict)


@pytest.mark.parametrize("model", [Timed, Mapped])
def test_a_model_that_cannot_be_judged_for_certain_is_not_compiled(model: type[Model]) -> None:
    """It stays with the precise reading."""
    with pytest.raises(NotCompilable):
        compiled(model)


def test_a_marked_validator_judges_the_compiled_form() -> None:
    """What a validator refuses is left to the precise reading, which says why; a text that it would change as well."""
    assert compiled(Judged).read(b'{"code":"ab","amount":2}') is not None
    assert compiled(Judged).read(b'{"code":"abc","amount":2}') is None
    assert compiled(Shouted).read(b'{"code":"AB"}') is not None
    assert compiled(Shouted).read(b'{"code":"ab"}') is None


@pytest.mark.parametrize("text", ["1", "0", "-1", "0.5", "-0.5", "9999999999999.99999"])
def test_canonical_decimals_are_read_the_compiled_way(text: str) -> None:
    """As the codec writes them."""
    assert compiled(Priced).read(json.dumps({"price": text}).encode()) is not None


@pytest.mark.parametrize("text", ["-0", "1.0", "1e3", "01", ".5", "1.", "+1", "٣", "1\n", "10000000000000", "0.000001"])
def test_other_decimals_are_left_to_the_precise_reading(text: str) -> None:
    """Whether they are refused or written another way is not decided here."""
    assert compiled(Priced).read(json.dumps({"price": text}).encode()) is None
