"""What a vendor's payload becomes on the log changes only with a commit that shows it."""

import os
from pathlib import Path

import pytest

from contracts.codec import build_event, decode
from contracts.records import RawRecord
from contracts.topics import STORE_FACTS
from tests.producers.vendors.golden_files import PAYLOADS, REWRITE, bytes_of, canonical, expected_of, name_of, translated

SALES = {"simple_sale", "split_tender_tip", "discount_tax", "linked_return", "unknown_location"}
STOCK = {"count", "receipt", "waste", "adjustments"}
PUNCHES = {"timecard_with_break", "open_timecard"}
CASES = {
    "square": SALES | STOCK | PUNCHES | {"unlinked_return", "updated_after_completion", "unknown_currency", "price_that_does_not_multiply"},
    "toast": SALES | PUNCHES | {"void_after_completion", "void_before_completion", "updated_after_completion", "auto_clocked_out"},
    "shopify": SALES | {"unknown_currency", "count"},
    "json_lines": {"mixed"},
}


@pytest.mark.parametrize("payload", PAYLOADS, ids=name_of)
def test_a_payload_becomes_the_committed_events(payload: Path) -> None:
    """Headers, values and refusals, all of them."""
    found = canonical(translated(payload))
    if os.environ.get(REWRITE) == "1":
        expected_of(payload).write_text(found, "utf-8")

    assert expected_of(payload).read_text("utf-8") == found


@pytest.mark.parametrize("payload", PAYLOADS, ids=name_of)
def test_a_payload_that_is_sent_again_gives_the_same_bytes(payload: Path) -> None:
    """So the log knows a repeat by its id and its content."""
    assert bytes_of(translated(payload)) == bytes_of(translated(payload))


@pytest.mark.parametrize("payload", PAYLOADS, ids=name_of)
def test_every_event_passes_its_contract_and_the_codec(payload: Path) -> None:
    """Built anew from its content, written and read back, it is the same event."""
    for event in translated(payload).events:
        again = build_event(event.envelope, event.data.model_dump(mode="json", exclude_none=True))
        assert again == event
    for event, record in zip(translated(payload).events, bytes_of(translated(payload)), strict=True):
        read = decode(RawRecord(STORE_FACTS, 0, 0, 0, record.key, record.value, record.headers))
        assert read.data == event.data
        assert (read.id, read.type, read.store_id) == (event.id, event.type, event.store_id)


def test_the_cases_are_all_there() -> None:
    """A folder that lost its files would pass everything above; and every expectation belongs to a payload."""
    found = {vendor: {path.stem for path in PAYLOADS if path.parent.name == vendor} for vendor in CASES}

    assert [f"{vendor}/{case}" for vendor, cases in CASES.items() for case in cases - found[vendor]] == []
    assert {expected_of(path) for path in PAYLOADS} == set(PAYLOADS[0].parents[1].rglob("*.events.json"))
