"""The quick judge never says more than the precise one: what it accepts is the same record, and it leaves every refusal to it."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.edge.documents import BATCH, JSON, NDJSON, SINGLE
from api.edge.judgement import Judge
from api.edge.quick_judgement import QuickJudge
from api.edge.reading import Reading
from api.errors import ApiError
from api.security.caller import Caller
from api.security.scope import StoreScope
from contracts.envelope import Envelope
from contracts.errors import ContractError
from contracts.example_events.table import EXAMPLES
from tests.api.events import TENANT, Place, event_id, sale
from tests.contracts.damage import json_values, paths_of, replaced
from tests.examples import examples

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MANAGER = Caller("m", "manager", TENANT, ("A",))
HQ = Caller("h", "hq", TENANT, ("*",))
TILL = Caller("t", "device", TENANT, ("A",), "till-1")
STORES = {"A": Place(), "B": Place("Europe/London", 0, 1, "GBP"), "C": Place("America/St_Johns", 23, 7, "CAD")}


def judge_of(caller, time="live"):
    """Make the precise judge of a request."""
    return Judge(caller, StoreScope(caller, dict.fromkeys(STORES, TENANT)), STORES, NOW, time)


def both(document, caller=MANAGER, time="live"):
    """Return what the quick judge and the precise one say of a document; None for what they leave or refuse."""
    judge, body = judge_of(caller, time), json.dumps(document).encode()
    quick = precise = None
    with suppress(ApiError, ContractError):
        post = Reading(SINGLE, body, 1)
        quick = QuickJudge(judge).judge(post.quick[0]) if post.quick[0] is not None else None
        precise = judge.judge(post.documents[0])
    return quick, precise


FULL = {
    "subject": "R-1",
    "tenantid": TENANT,
    "deviceid": "till-1",
    "deviceseq": 0,
    "causationid": str(event_id("c")),
    "correlationid": str(event_id("d")),
    "traceparent": "00-ab-cd-01",
    "datacontenttype": "application/json",
    "history": True,
    "dataschema": "elsewhere",
    "businessdate": "2020-01-01",
}
POSTED = [
    sale(store, 1, at=NOW) | {"type": whole["type"], "data": whole["data"]}
    for whole in EXAMPLES.values()
    for store in STORES
    if whole["type"] in {"sale.completed.v1", "stock.counted.v1", "clock.in.v1", "till.closed.v1", "event.corrected.v1", "sku.defined.v1"}
]
moments = st.datetimes(datetime(2025, 10, 1), datetime(2026, 12, 1)).flatmap(  # noqa: DTZ001 - bounds take no zone
    lambda moment: st.integers(-840, 840).map(lambda minutes: moment.replace(tzinfo=timezone(timedelta(minutes=minutes))))
)
written_times = moments.map(datetime.isoformat) | moments.map(lambda at: at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z")
odd_values = json_values | st.sampled_from(
    ["A", "B", "*", "demo", "till-2", "a\x00b", "\ud800", "2026-02-29T10:00:00Z", "tick.v1", 2**63, ""]
)


@given(st.data())
@settings(max_examples=examples(200))
def test_what_the_quick_judge_accepts_is_the_record_of_the_precise_one(data):
    """Any caller, any time of day and year, any mix of attributes, damaged or not."""
    names = data.draw(st.sets(st.sampled_from(sorted(FULL))))
    document = data.draw(st.sampled_from(POSTED)) | {name: FULL[name] for name in names} | {"time": data.draw(written_times)}
    for _ in range(data.draw(st.integers(0, 2))):
        document = replaced(document, data.draw(st.sampled_from(paths_of(document)[1:])), data.draw(odd_values))

    quick, precise = both(document, data.draw(st.sampled_from([MANAGER, HQ, TILL])), data.draw(st.sampled_from(["live", "simulated"])))

    assert quick is None or quick == precise


@pytest.mark.parametrize("minutes", [-1, 0, 59, 60])
def test_the_business_date_changes_at_the_same_minute(minutes):
    """Around the cut-off of the store, also within its hour."""
    place = STORES["A"]
    cut_off = datetime(2026, 11, 20, place.cut_off_hour, tzinfo=ZoneInfo(place.timezone))

    quick, precise = both(sale("A", 1, at=cut_off + timedelta(minutes=minutes)))

    assert quick is not None
    assert quick == precise


@pytest.mark.parametrize("caller", [MANAGER, HQ, TILL])
def test_a_common_sale_is_judged_quickly(caller):
    """With the least attributes, and with all that its caller may write."""
    full = {name: value for name, value in FULL.items() if name != "history" or caller is HQ}
    for document in (sale("A", 1, at=NOW), sale("A", 1, at=NOW) | full):
        quick, precise = both(document, caller)
        assert quick is not None
        assert quick == precise


@pytest.mark.parametrize("seconds", [299, 300, 301, 330, 360])
def test_a_clock_ahead_is_said_from_the_same_second_on(seconds):
    """Of the smallest document too, and within the minute in which the tolerance ends."""
    for now in (NOW, NOW.replace(second=20)):
        judge, body = replace(judge_of(MANAGER), now=now), json.dumps(sale("A", 1, at=now + timedelta(seconds=seconds))).encode()
        post = Reading(SINGLE, body, 1)
        quick = QuickJudge(judge).judge(post.quick[0])
        assert quick == judge.judge(post.documents[0])
        assert (("ce_clockahead", b"true") in quick.record.headers) is (seconds > 300)


def test_history_is_judged_quickly_however_old_it_is():
    """Years of it are loaded at once."""
    quick, precise = both(sale("A", 1, at=NOW - timedelta(days=900)) | {"history": True}, HQ)
    assert quick is not None
    assert quick == precise


@pytest.mark.parametrize("line", [{"quantity": "1.50"}, {"unit_price": "1e3"}, {"list_price": "-1"}])
def test_content_that_is_not_canonical_is_never_written_as_it_came(line):
    """What is good but for its form gets its canonical form precisely; the rest is refused there."""
    document = sale("A", 1, at=NOW)
    document["data"]["lines"][0] |= line
    quick, precise = both(document)
    assert quick is None
    assert precise is None or not any(text.encode() in precise.record.value for text in line.values())


@pytest.mark.parametrize(
    ("changes", "caller"),
    [
        ({"storeid": "B"}, MANAGER),
        ({"storeid": "Z"}, HQ),
        ({"storeid": "*"}, HQ),
        ({"tenantid": "other"}, HQ),
        ({"deviceid": "till-2"}, TILL),
        ({"deviceid": None}, TILL),
        ({"history": True}, MANAGER),
        ({"time": "2025-01-01T00:00:00Z"}, MANAGER),
        ({"type": "tick.v1"}, HQ),
        ({"type": "shift.published.v1"}, HQ),
        ({"id": None}, HQ),
        ({"colour": "red"}, HQ),
        ({"datacontenttype": "text/xml"}, HQ),
        ({"data": {"receipt_id": "R"}}, HQ),
        ({"data": {**sale("A", 1)["data"], "currency": "JPY"}}, HQ),
    ],
)
def test_what_is_not_plainly_good_is_left_to_the_precise_judge(changes, caller):
    """Each of these is refused, with the code and the pointer that the precise judge gives."""
    assert both(sale("A", 1, at=NOW) | changes, caller) == (None, None)


def test_every_attribute_of_the_envelope_is_written_in_the_same_place():
    """An attribute that is added to the envelope has to be thought of here as well."""
    quick, precise = both(sale("A", 1, at=NOW + timedelta(minutes=6)) | FULL, HQ)
    names = [name for name, _ in quick.record.headers]
    missing = {field.alias or name for name, field in Envelope.model_fields.items()} - {name.removeprefix("ce_") for name in names}
    assert missing == {"retryof"}
    assert names == [name for name, _ in precise.record.headers]


BODIES = {
    "broken within content": (JSON, b'[{"id": "1", "data": {"a": "\xff"}}]', "malformed_body"),
    "broken beside good events": (BATCH, json.dumps([sale("A", 1)]).encode()[:-1] + b', {"data": "\xff"}]', "malformed_body"),
    "cut off": (BATCH, json.dumps([sale("A", 1)]).encode()[:-1], "malformed_body"),
    "more behind it": (BATCH, json.dumps([sale("A", 1)]).encode() + b" x", "malformed_body"),
    "an object where an array is due": (BATCH, json.dumps(sale("A", 1)).encode(), "malformed_body"),
    "an array where an object is due": (SINGLE, json.dumps([sale("A", 1)]).encode(), "malformed_body"),
    "empty": (JSON, b"[]", "malformed_body"),
    "blank lines": (NDJSON, b"\n \n", "malformed_body"),
    "too many": (JSON, json.dumps([sale("A", n) for n in range(6)]).encode(), "too_many_events"),
    "too many lines": (NDJSON, "\n".join(json.dumps(sale("A", n)) for n in range(6)).encode(), "too_many_events"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_unreadable_as_a_whole_is_refused_before_anything_is_judged(name):
    """However good some of its documents are."""
    kind, body, code = BODIES[name]
    with pytest.raises(ApiError) as caught:
        Reading(kind, body, 5)
    assert caught.value.code == code


def test_a_document_that_is_not_read_quickly_does_not_slow_its_neighbours_down():
    """Each has its own reading, in the same place in both."""
    items = [sale("A", 1), 7, sale("A", 2) | {"colour": "red"}, sale("B", 3)]
    for kind, body in ((JSON, json.dumps(items)), (NDJSON, "\n\n".join(json.dumps(item) for item in items))):
        post = Reading(kind, body.encode(), 5)
        assert [found is not None for found in post.quick] == [True, False, False, True]
        assert [found.id for found in post.quick if found is not None] == [items[0]["id"], items[3]["id"]]
        assert [found["storeid"] for found in post.documents if isinstance(found, dict)] == ["A", "A", "B"]
        assert post.store_ids() == {"A", "B"}


def test_lines_that_only_one_reading_takes_for_blank_are_read_precisely():
    """A line of a no-break space is no document, and shifts no other."""
    body = "\n".join([json.dumps(sale("A", 1)), "\u00a0", json.dumps(sale("B", 2))]).encode()
    post = Reading(NDJSON, body, 5)
    assert (len(post), post.store_ids(), list(post.quick)) == (2, {"A", "B"}, [None, None])


def test_a_type_that_is_said_twice_is_the_last_or_left_to_the_precise_reading():
    """Content is never read by one type and written under another."""
    beat = json.dumps(sale("A", 1) | {"type": "till.heartbeat.v1", "data": {"till_id": "1"}})
    for first, last in (("clock.in.v1", "till.heartbeat.v1"), ("till.heartbeat.v1", "clock.in.v1")):
        post = Reading(SINGLE, beat.replace('"till.heartbeat.v1"', f'"{first}", "type": "{last}"').encode(), 1)
        assert list(post.quick) == [None]
        assert post.documents[0]["type"] == last
    assert Reading(SINGLE, beat.encode(), 1).quick != [None]
