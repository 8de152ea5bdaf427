"""The quick decoding gives the very event, or the very error, of the codec's own; and it is quick for what the codec writes."""

from datetime import datetime
from itertools import product
from types import SimpleNamespace
from typing import Annotated, Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import BaseModel

from contracts import quick_codec
from contracts.codec import build_event, decode, encode, headers_of
from contracts.compiled import compiled
from contracts.compiled_fields import NotCompilable
from contracts.envelope import Envelope
from contracts.errors import UnreadableRecord
from contracts.events.registry import FACT_TYPES
from contracts.example_events.table import EXAMPLES
from contracts.fields import Model, Moment
from contracts.quick_codec import builder, quickly_decoded
from contracts.records import LogRecord, RawRecord
from tests.contracts.strategies import events, on_the_log
from tests.examples import examples

HEADERS = (
    "ce_id",
    "ce_time",
    "ce_storeid",
    "ce_type",
    "ce_deviceseq",
    "ce_history",
    "ce_businessdate",
    "ce_causationid",
    "ce_subject",
    "ce_other",
)
TEXTS = (b"", b"true", b"7", b"07", b"2026-03-02", b"2026-03-02T10:00:00Z", b"2026-03-02T10:00:00.5+09:00", b"1969-01-01T00:00:00+00:00",
         b"0198C0DE-0000-7000-8000-000000000001", b"0198c0de00007000800000000000000a",
         b"0198c0de-0000-7000-8000-0000_0000001", rb"\u0030198c0de-0000-7000-8000-000000000001",
         rb"\u0030198c0de-0000-7000-8000-0000001", b'0198c0de-0000-7000-8000-00000000000"', b"\xff", b"a|b", b"tick.v1", None)  # fmt: skip
ENVELOPE = Envelope.model_validate(
    {
        "id": "0198c0de-0000-7000-8000-000000000001",
        "source": "s",
        "type": "t",
        "time": "2026-03-02T10:00:00+09:00",
        "tenantid": "t",
        "storeid": "A",
    }
)
PIECES = (b"", b" ", b"0", b".50", b'"', b"1e3", b"null", b"-", b'"x":1,', b"\\u0041", b"\xff")


def _read(how: Any, record: LogRecord) -> Any:
    """Return everything that reading a record gives: classes, values and the way in which times are written, or the error's text."""
    try:
        event = how(record)
    except UnreadableRecord as error:
        return str(error)
    return _parts(event.envelope), _parts(event.data)


def _parts(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return type(value), [(name, _parts(each)) for name, each in value.__dict__.items()]
    if isinstance(value, tuple):
        return [_parts(each) for each in value]
    return type(value), str(value)


@given(events())
@settings(max_examples=examples(100))
def test_what_the_codec_writes_is_read_as_the_codec_reads_it(event: Any) -> None:
    """Same classes, same values, in the same order of fields; dumped again, the same bytes."""
    record = on_the_log(encode(event, "facts"))
    assert _read(quickly_decoded, record) == _read(decode, record)
    read = quickly_decoded(record)
    assert encode(read, "facts") == encode(decode(record), "facts")
    assert read == decode(record)


@given(events(), st.data())
@settings(max_examples=examples(200))
def test_what_is_damaged_is_read_or_refused_as_the_codec_does(event: Any, data: st.DataObject) -> None:
    """Headers that are missing, doubled or odd, and content with bytes put in, left out or changed."""
    record = on_the_log(encode(event, "facts"))
    headers, value = list(record.headers), record.value or b""
    odd: Any = st.lists(st.tuples(st.sampled_from(HEADERS), st.sampled_from(TEXTS)), max_size=2)
    headers += data.draw(odd)
    if data.draw(st.booleans()):
        del headers[data.draw(st.integers(0, len(headers) - 1))]
    if data.draw(st.booleans()):
        start = data.draw(st.integers(0, len(value)))
        value = value[:start] + data.draw(st.sampled_from(PIECES)) + value[start + data.draw(st.integers(0, 3)) :]
    damaged = replace(record, headers=headers, value=value)
    assert _read(quickly_decoded, damaged) == _read(decode, damaged)


def test_an_attribute_in_any_way_of_writing_is_read_or_refused_as_the_codec_does() -> None:
    """Each of those above in each odd way, the last of two headers of a name."""
    beat = next(whole for whole in EXAMPLES.values() if whole["type"] == "till.heartbeat.v1")
    record = on_the_log(encode(build_event(ENVELOPE.model_copy(update={"type": beat["type"]}), beat["data"]), "facts"))
    for odd in product(HEADERS, TEXTS):
        written = replace(record, headers=[*record.headers, odd])
        assert _read(quickly_decoded, written) == _read(decode, written), odd


def test_a_record_without_content_is_refused_alike() -> None:
    """Deleted by compaction, or written by something else."""
    empty = RawRecord("facts", 0, 0, 0, None, None, [("ce_type", b"sale.completed.v1")])
    assert _read(quickly_decoded, empty) == _read(decode, empty)


@pytest.mark.parametrize("event_type", sorted(FACT_TYPES - {"shift.published.v1"}))
def test_what_the_codec_writes_does_not_fall_back_to_it(event_type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples of every type that is compiled, as they are on the log, are read once."""
    content = next(whole["data"] for whole in EXAMPLES.values() if whole["type"] == event_type)
    event = build_event(ENVELOPE.model_copy(update={"type": event_type}), content)
    monkeypatch.setattr(quick_codec, "decode", None)
    assert quickly_decoded(on_the_log(encode(event, "facts"))).data == event.data


class Odd(Model):
    """A compiled reading has a form for its field; what makes a model of it does not know that form."""

    at: Annotated[datetime, *get_args(Moment)[1:]]


def test_a_form_that_cannot_be_put_into_its_model_leaves_its_type_to_the_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    """A field of a new kind makes its type slow, and stops nobody who reads the log."""
    kind = compiled(Odd)
    with pytest.raises(NotCompilable):
        builder(Odd)
    monkeypatch.setattr(quick_codec, "compiled_type", lambda _: kind)
    monkeypatch.setattr(quick_codec, "EVENT_TYPES", {"odd.v1": SimpleNamespace(model=Odd)})
    record = RawRecord(
        "facts", 0, 0, 0, None, b'{"at":"2026-03-02T10:00:00+09:00"}', headers_of(ENVELOPE.model_copy(update={"type": "odd.v1"}))
    )
    assert "unknown_type" in _read(quickly_decoded, record) == _read(decode, record)
