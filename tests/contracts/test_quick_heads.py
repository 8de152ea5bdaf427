"""What headers say when they are read by their shape is what the codec reads in them, or nothing."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.codec import build_event, content_hash, encode, read_envelope
from contracts.errors import UnreadableRecord
from contracts.example_events.table import EXAMPLES
from contracts.quick_heads import Head, quick_head
from contracts.records import LogRecord, RawRecord
from tests.contracts.strategies import events, on_the_log
from tests.contracts.test_quick_codec import ENVELOPE, HEADERS, TEXTS
from tests.examples import examples

_RECORD = RawRecord("facts", 0, 7, 0, b"S1", b"{}", [])
MOMENTS = (
    b"2026-03-02T10:00:00+09:00", b"2026-03-02T10:00:00.250000-03:30", b"2026-12-31T23:59:59+14:00", b"2026-03-02T10:00:00.000000+09:00",
    b"2026-03-02T10:00:00.2500000+09:00", b"2026-03-02 10:00:00+09:00", b"2026-02-30T10:00:00+09:00", b"2026-03-02T24:00:00+09:00",
    b"2026-03-02T10:00:00+15:00", b"2026-03-02T10:00:00-00:00", b"2026-03-02T10:00:60+09:00", b"2026-03-02T10:00:00", b"2026-03-02",
    b"2026-03-02T10:00:00.25000a+09:00", b"1970-01-01T00:00:00+00:00", b"{}T10:00:00+09:00", "２026-03-02T10:00:00+09:00".encode(),
)  # fmt: skip


def _as_head(record: LogRecord) -> Head | None:
    """Return what the codec reads; None where it refuses."""
    try:
        envelope = read_envelope(record)
    except UnreadableRecord:
        return None
    at, day = envelope.occurred_at, envelope.business_date
    assert day is not None
    since = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    minutes = (at.utcoffset() or timedelta()) // timedelta(minutes=1)
    hashed = content_hash(record.headers, record.value)
    return Head(envelope.type, envelope.store_id, day, envelope.id.bytes, since, minutes, hashed)


@given(events(), st.data())
@settings(max_examples=examples(150))
def test_headers_say_the_same_to_both_or_are_left_to_the_codec(event: Any, data: st.DataObject) -> None:
    """Whole headers; and headers that are missing, doubled, odd, or in another order."""
    record = on_the_log(encode(event, "facts"))
    odd: Any = st.lists(st.tuples(st.sampled_from(HEADERS), st.sampled_from(TEXTS)), max_size=2)
    moment: Any = st.lists(st.tuples(st.just("ce_time"), st.sampled_from(MOMENTS)), max_size=1)
    odder = data.draw(moment) + data.draw(odd)
    headers = [pair for pair in record.headers if pair[0] not in {name for name, _ in odder} or data.draw(st.booleans())]
    damaged = replace(record, headers=data.draw(st.permutations(headers + odder)))
    for each in (record, damaged):
        found = quick_head(each)
        assert found is None or found == _as_head(each)


def test_an_attribute_in_any_way_of_writing_is_read_as_the_codec_does_or_not_at_all() -> None:
    """Each in each odd way, the last of two headers of a name."""
    beat = next(whole for whole in EXAMPLES.values() if whole["type"] == "till.heartbeat.v1")
    envelope = ENVELOPE.model_copy(update={"type": beat["type"], "business_date": date(2026, 3, 2)})
    record = on_the_log(encode(build_event(envelope, beat["data"]), "facts"))
    assert quick_head(record) == _as_head(record) is not None
    for odd in product((*HEADERS, "ce_ingestedtime"), TEXTS + MOMENTS):
        written = replace(record, headers=[*record.headers, odd])
        found = quick_head(written)
        assert found is None or found == _as_head(written), odd


def test_a_time_in_canonical_form_is_read_and_any_other_is_not() -> None:
    """By its parts: no part is good that would not be good within the whole."""
    headers = [
        ("ce_businessdate", b"2026-03-02"), ("ce_id", b"0198c0de-0000-7000-8000-000000000001"), ("ce_source", b"till"),
        ("ce_specversion", b"1.0"), ("ce_storeid", b"S1"), ("ce_tenantid", b"chain"), ("ce_type", b"sale.completed.v1"),
    ]  # fmt: skip
    found = [quick_head(on_the_log_with([*headers, ("ce_time", moment)])) for moment in MOMENTS]

    assert [each is not None for each in found] == [True, True, True, *[False] * (len(MOMENTS) - 3)]
    assert [(each.occurred_us, each.offset_minutes) for each in found if each is not None] == [
        (_us(datetime.fromisoformat(moment.decode())), minutes) for moment, minutes in zip(MOMENTS, (540, -210, 840), strict=False)
    ]


@given(st.binary(max_size=34) | st.text("0123456789-:+T.", max_size=34).map(str.encode))
def test_no_other_time_is_read(raw: bytes) -> None:
    """What is read as a time is one, and written as it would be written."""
    headers = [("ce_businessdate", b"2026-03-02"), ("ce_id", b"0198c0de-0000-7000-8000-000000000001"), ("ce_source", b"till")]
    headers += [("ce_storeid", b"S1"), ("ce_tenantid", b"chain"), ("ce_type", b"sale.completed.v1"), ("ce_time", raw)]
    found = quick_head(on_the_log_with(headers))

    assert found is None or datetime.fromisoformat(raw.decode()).isoformat().encode() == raw


def test_what_the_edge_writes_is_not_left_to_the_codec() -> None:
    """With all that it adds to what tills send."""
    headers = [
        ("ce_businessdate", b"2026-03-02"), ("ce_dataschema", b"contracts/schemas/sale.completed.v1.json"), ("ce_deviceid", b"till-1"),
        ("ce_deviceseq", b"88214"), ("ce_id", b"0198c0de-0000-7000-8000-000000000001"), ("ce_ingestedtime", MOMENTS[0]),
        ("ce_source", b"till"), ("ce_specversion", b"1.0"), ("ce_storeid", b"S1"), ("ce_storeversion", b"3"), ("ce_tenantid", b"chain"),
        ("ce_time", MOMENTS[0]), ("ce_type", b"sale.completed.v1"), ("content-type", b"application/json"),
    ]  # fmt: skip
    assert quick_head(on_the_log_with(headers)) == _as_head(on_the_log_with(headers))
    assert quick_head(on_the_log_with([pair for pair in headers if pair[0] != "ce_businessdate"])) is None


def on_the_log_with(headers: list[tuple[str, bytes]]) -> LogRecord:
    """Return a record with these headers."""
    return replace(_RECORD, headers=headers)


def _us(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
