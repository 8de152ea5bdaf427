"""Older major versions are carried forward step by step: planted here, for every type of today is in its first."""

import json
from typing import Any

import pytest

from contracts.codec import build_event, decode, encode
from contracts.envelope import Envelope
from contracts.errors import UnreadableRecord
from contracts.events.registry import CLOCKED_IN, EVENT_TYPES
from contracts.records import RawRecord
from contracts.upcasting import UPCASTERS, Upcaster

OLDEST, OLDER = "clock.punch.v1", "clock.in.v0"
STEPS = {
    OLDEST: Upcaster(OLDER, lambda content: {"worker": content["badge"].removeprefix("#"), "kiosk": True}),
    OLDER: Upcaster(CLOCKED_IN, lambda content: {"employee_id": content["worker"], "punch_source": "kiosk" if content["kiosk"] else "pc"}),
}


def record(event_type: str, content: Any) -> RawRecord:
    """Return a record as an old writer left it on the log."""
    headers = {
        "ce_id": "0198c0de-0000-7000-8000-000000000001",
        "ce_source": "kiosk",
        "ce_specversion": "1.0",
        "ce_storeid": "A",
        "ce_tenantid": "demo",
        "ce_time": "2026-03-02T09:00:00+09:00",
        "ce_type": event_type,
    }
    rows = [(name, text.encode()) for name, text in headers.items()]
    return RawRecord("store-facts-v1", 0, 7, 0, b"A", json.dumps(content).encode(), rows)


@pytest.mark.parametrize(("event_type", "content"), [(OLDEST, {"badge": "#E-7"}), (OLDER, {"worker": "E-7", "kiosk": True})])
def test_an_old_record_is_read_as_an_event_of_today(event_type: str, content: Any) -> None:
    """However many versions lie between, identity and time stay."""
    event = decode(record(event_type, content), STEPS)
    assert (event.type, event.data.model_dump(exclude_defaults=True)) == (CLOCKED_IN, {"employee_id": "E-7"})
    assert event.id.hex.startswith("0198c0de")


def test_an_old_event_from_outside_is_written_as_one_of_today() -> None:
    """A till that was never upgraded still reports; the log gets today's type."""
    attributes = {name.removeprefix("ce_"): value.decode() for name, value in record(OLDER, {}).headers}
    event = build_event(Envelope.model_validate(attributes), {"worker": "E-7", "kiosk": False}, STEPS)
    assert dict(encode(event, "t").headers)["ce_type"] == CLOCKED_IN.encode()


@pytest.mark.parametrize("content", [{}, {"badge": None}, [], {"badge": "a@b"}])
def test_content_that_cannot_be_carried_is_a_typed_error(content: Any) -> None:
    """It becomes a dead letter like any other record that cannot be read."""
    with pytest.raises(UnreadableRecord):
        decode(record(OLDEST, content), STEPS)


def test_every_step_of_the_product_leads_to_a_type_of_today() -> None:
    """A step that ends nowhere, or a type that is old and of today at once, would lose events."""
    for old, step in UPCASTERS.items():
        assert old not in EVENT_TYPES
        assert step.to_type in EVENT_TYPES or step.to_type in UPCASTERS
