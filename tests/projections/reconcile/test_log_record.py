"""What the reconciler reads off a record: no mapping, and nothing that it cannot read makes it fail."""

from typing import Any

import pytest

from contracts.codec import content_hash
from contracts.events.registry import EVENT_CORRECTED, SALE_COMPLETED
from contracts.records import RawRecord
from contracts.topics import ALERTS, DEAD_LETTERS, STORE_FACTS
from projections.reconcile.log_record import Passed, Said, Unnamed, letter_id, read_record

ID = "019a9b3c-5d10-7c41-8a6e-2f5d9c3b7a01"
NAMED = {
    "ce_type": SALE_COMPLETED,
    "ce_storeid": "S1",
    "ce_id": ID,
    "ce_businessdate": "2026-03-02",
    "ce_time": "2026-03-01T23:30:00-05:00",
}


def read(topic: str = STORE_FACTS, value: Any = b"{}", **more: Any) -> Said | Unnamed | Passed:
    """Read a record with these headers."""
    named = {**NAMED, **{name.replace("x_source_", "x-source-").replace("x_", "x-"): text for name, text in more.items()}}
    return read_record(topic, RawRecord(topic, 2, 7, 0, b"S1", value, [(name, text.encode()) for name, text in named.items()]))


def said(found: Said | Unnamed | Passed) -> tuple[Any, ...]:
    """Return an event's key and what it corrects."""
    assert isinstance(found, Said)
    return (found.store_id, found.business_date, found.event_type, found.corrects)


def test_an_event_is_told_by_its_headers() -> None:
    """Identity as it is, its hash that of the content; the content is not looked at."""
    found = read(value=b"{nothing")

    assert said(found) == ("S1", "2026-03-02", SALE_COMPLETED, None)
    assert isinstance(found, Said)
    assert (found.event_id, found.offset) == (ID, 7)
    assert found.event_hash == content_hash([(name, text.encode()) for name, text in NAMED.items()], b"{nothing")


def test_what_rules_say_without_a_date_has_the_date_of_its_time() -> None:
    """In UTC; facts without one have none."""
    assert said(read(ALERTS, ce_type="alert.changed.v1", ce_businessdate=""))[1] == "2026-03-02"
    assert said(read(ce_businessdate=""))[1] == ""
    assert said(read(ce_businessdate="soon"))[1] == "soon"


@pytest.mark.parametrize(
    ("value", "kind", "corrects"),
    [
        (b'{"corrects_type": "sale.voided.v1", "corrects_event_id": "%s"}' % ID.encode(), "event.corrected.v1:sale.voided.v1", ID),
        (b'{"corrects_type": "sale.voided.v1", "corrects_event_id": 7}', "event.corrected.v1:sale.voided.v1", None),
        (b"[" * 100_000, "event.corrected.v1:?", None),
        (b'["a list"]', "event.corrected.v1:?", None),
        (b"", "event.corrected.v1:?", None),
    ],
)
def test_a_correction_is_counted_by_what_it_corrects(value: bytes, kind: str, corrects: str | None) -> None:
    """Whatever its content is."""
    assert said(read(value=value, ce_type=EVENT_CORRECTED)) == ("S1", "2026-03-02", kind, corrects)


def test_what_has_no_name_is_only_counted() -> None:
    """A compared type without an id or a store, and every other type."""
    assert isinstance(read(ce_id="none"), Unnamed)
    assert isinstance(read(ce_storeid=""), Unnamed)
    assert isinstance(read(ce_type="tick.v1"), Passed)
    assert isinstance(read("decisions-v1"), Passed)


def test_a_letter_of_the_rules_is_known_by_the_place_that_it_is_about() -> None:
    """A word that a retry went through is no letter; one that does not say its place has no name."""
    place = {"x_source_topic": STORE_FACTS, "x_source_partition": "2", "x_source_offset": "17"}
    letter = read(DEAD_LETTERS, **place)

    assert isinstance(letter, Said)
    assert (letter.event_id, letter.store_id) == (letter_id(STORE_FACTS, 2, 17), "")
    assert isinstance(read(DEAD_LETTERS, x_reason="retry_applied", **place), Passed)
    assert isinstance(read(DEAD_LETTERS), Unnamed)
