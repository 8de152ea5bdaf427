"""Laws of the codec: canonical bytes, equal hashes for repeats, and one typed error for whatever cannot be read."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.codec import build_event, content_hash, decode, encode, event_hash, event_uuid
from contracts.envelope import Envelope, Event
from contracts.errors import ContractError, UnreadableRecord
from contracts.events.registry import EVENT_TYPES
from contracts.example_events.table import EXAMPLES
from contracts.fields import Model
from contracts.records import RawRecord
from contracts.topics import STORE_FACTS
from tests.contracts.damage import json_values, paths_of, replaced
from tests.contracts.strategies import events, on_the_log
from tests.examples import examples


def example(path: str) -> Event[Model]:
    """Build the event of an example."""
    whole = EXAMPLES[path]
    attributes = {key: value for key, value in whole.items() if key not in ("data", "datacontenttype")}
    return build_event(Envelope.model_validate(attributes), whole["data"])


SALE = example("sale.completed/v1/receipt_with_weighed_goods.json")


def with_header(record: RawRecord, name: str, value: bytes | None) -> RawRecord:
    """Return the record with one header replaced or added."""
    kept: list[tuple[str, Any]] = [(key, old) for key, old in record.headers if key != name]
    return RawRecord(record.topic, 0, 0, 0, record.key, record.value, [*kept, (name, value)])


def pointers_of_refusal(record: RawRecord) -> list[str]:
    """Read a record; return where it was refused, nothing when it was read, and let any other exception out."""
    try:
        decode(record)
    except UnreadableRecord as error:
        return [problem.pointer for problem in error.problems]
    return []


@given(events())
@settings(max_examples=examples(60))
def test_what_is_read_is_what_was_written(event: Event[Model]) -> None:
    """Decoding gives the same content and identity; encoding again gives the same bytes."""
    record = encode(event, STORE_FACTS)

    read = decode(on_the_log(record))

    assert event.data == read.data
    assert event.envelope == read.envelope.model_copy(update={"dataschema": event.envelope.dataschema})
    again = encode(read, STORE_FACTS)
    assert (record.key, record.value, record.headers) == (again.key, again.value, again.headers)


@given(events())
@settings(max_examples=examples(40))
def test_a_repeat_has_the_same_hash_whatever_the_way_it_came(event: Event[Model]) -> None:
    """What a retry may change (ingestion time, trace, retry mark) is not part of the content hash."""
    envelope = event.envelope.model_copy(
        update={"ingested_at": event.envelope.occurred_at, "retry_of": "store-facts-v1/3/17", "traceparent": "00-ab-cd-01"}
    )

    assert event_hash(event) == event_hash(Event(envelope, event.data))


@given(events(), events())
@settings(max_examples=examples(40))
def test_other_content_has_another_hash(first: Event[Model], second: Event[Model]) -> None:
    """Two events that say different things do not share a hash."""
    said = [(e.type, e.store_id, e.envelope.occurred_at.isoformat(), e.envelope.business_date, e.data) for e in (first, second)]

    assert (said[0] == said[1]) == (event_hash(first) == event_hash(second))


@pytest.mark.parametrize("field", ["store_id", "occurred_at", "business_date"])
def test_the_same_content_at_another_place_or_time_has_another_hash(field: str) -> None:
    """Store, time and business date belong to what an event says."""
    other: dict[str, Any] = {
        "store_id": "BUSAN-03",
        "occurred_at": SALE.envelope.occurred_at + timedelta(seconds=1),
        "business_date": SALE.envelope.occurred_at.date() - timedelta(days=1),
    }
    moved = Event(SALE.envelope.model_copy(update={field: other[field]}), SALE.data)

    assert event_hash(SALE) != event_hash(moved)


def test_a_hash_fits_a_signed_64_bit_column() -> None:
    """Stores keep the hash as a signed 64-bit integer."""
    assert all(-(2**63) <= event_hash(example(path)) < 2**63 for path in EXAMPLES)


@given(st.binary(max_size=200))
@settings(max_examples=examples(60))
@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_any_bytes_as_value_give_an_event_or_the_typed_error(event_type: str, value: bytes) -> None:
    """Nothing but UnreadableRecord comes out of unreadable bytes, and it points at the data."""
    record = with_header(on_the_log(encode(SALE, STORE_FACTS)), "ce_type", event_type.encode())
    broken = RawRecord(record.topic, 0, 0, 0, record.key, value, record.headers)

    assert all(pointer.startswith("/data") for pointer in pointers_of_refusal(broken))


@given(st.data())
@settings(max_examples=examples(200))
def test_any_damage_to_one_field_gives_an_event_or_the_typed_error(data: st.DataObject) -> None:
    """Damaging any one place of any example never escapes as another exception; what is accepted can be written again."""
    whole = EXAMPLES[data.draw(st.sampled_from(sorted(EXAMPLES)))]
    content = whole["data"]
    damaged = replaced(content, data.draw(st.sampled_from(paths_of(content))), data.draw(json_values))
    envelope = Envelope.model_validate({key: value for key, value in whole.items() if key not in ("data", "datacontenttype")})

    event = None
    with suppress(ContractError):
        event = build_event(envelope, damaged)

    assert event is None or event.data == decode(on_the_log(encode(event, STORE_FACTS))).data


@given(st.sampled_from(sorted(key for key, _ in encode(SALE, STORE_FACTS).headers)), st.none() | st.binary(max_size=40))
@settings(max_examples=examples(60))
def test_any_bytes_in_a_header_give_an_event_or_the_typed_error(name: str, value: bytes | None) -> None:
    """Headers are bytes of strangers too; hash and id of such a record never fail either."""
    record = with_header(on_the_log(encode(SALE, STORE_FACTS)), name, value)

    content_hash(record.headers, record.value)
    event_uuid(record.headers)

    assert all(pointer.startswith(("/headers", "/data")) for pointer in pointers_of_refusal(record))


@pytest.mark.parametrize(
    ("damage", "pointer", "code"),
    [
        ({"lines": []}, "/data/lines", "too_short"),
        ({"currency": "XXX"}, "/data/currency", "value_error"),
        ({"colour": "red"}, "/data/colour", "extra_forbidden"),
        ({"rounding_remainder": 0.5}, "/data/rounding_remainder", "value_error"),
    ],
)
def test_the_error_points_at_the_field_and_names_the_reason(damage: dict[str, Any], pointer: str, code: str) -> None:
    """A refused field is found by its JSON pointer and a stable code."""
    with pytest.raises(ContractError) as caught:
        build_event(SALE.envelope, {**SALE.data.model_dump(mode="json"), **damage})

    assert (pointer, code) == (caught.value.problems[0].pointer, caught.value.code)


def test_a_gross_that_is_not_price_times_quantity_is_refused() -> None:
    """The amount of a line is checked, not believed."""
    content = SALE.data.model_dump(mode="json")
    content["lines"][1]["gross"] = 5611

    with pytest.raises(ContractError, match="gross 5612 on line 2"):
        build_event(SALE.envelope, content)


def test_the_largest_prices_and_quantities_are_priced_or_refused_by_field() -> None:
    """Two eighteen-digit factors neither lose digits nor escape as an arithmetic error."""
    content = SALE.data.model_dump(mode="json")
    content["lines"] = [{"line": 1, "sku": "X", "quantity": "9999999999999.99999", "unit_price": "9999999999999.99999", "gross": 1}]

    with pytest.raises(ContractError, match="gross 99999999999999999800000000 on line 1"):
        build_event(SALE.envelope, content)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T00:00:00+00:00"])
def test_a_time_that_no_store_can_keep_is_refused(moment: str) -> None:
    """Such a time would overflow a conversion or a column later; it is refused where it enters."""
    record = with_header(on_the_log(encode(SALE, STORE_FACTS)), "ce_time", moment.encode())

    with pytest.raises(UnreadableRecord, match="1971 to 2148"):
        decode(record)


def test_a_value_above_the_limit_is_refused_before_it_is_sent() -> None:
    """An event larger than a record may be is a contract error, not a broker error."""
    line = {"sku": "X" * 100, "quantity": "1", "unit_price": "1", "gross": 1, "description": "가" * 400}
    content = {"receipt_id": "R", "currency": "KRW", "lines": [{"line": number, **line} for number in range(1, 1001)]}

    with pytest.raises(ContractError, match="too_large"):
        encode(build_event(SALE.envelope, content), STORE_FACTS)


def test_an_attribute_of_a_newer_writer_does_not_stop_the_reader() -> None:
    """CloudEvents attributes that this version does not know are left alone."""
    record = with_header(on_the_log(encode(SALE, STORE_FACTS)), "ce_colour", b"red")

    assert decode(record).data == SALE.data
