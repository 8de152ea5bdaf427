"""The edge on a real log: what is answered is what is there, whatever was sent."""

import json
from dataclasses import replace

import pytest

from api.config import Limits
from contracts.topics import STORE_FACTS
from tests.api.crash_points import Recorder
from tests.api.events import event_id, sale
from tests.api.log_reader import events_on
from tests.api.running import QUICK, config, served

pytestmark = pytest.mark.stack

NDJSON = {"Content-Type": "application/x-ndjson"}


def posted(place, store):
    """Return the events of a store that came through the edge."""
    events = events_on(place, STORE_FACTS)
    return {at: event for at, event in events.items() if event.store_id == store and event.type != "store.defined.v1"}


def test_what_is_answered_as_accepted_is_on_the_log_at_that_position(stores, api):
    """Every content type; each result names its position, and the record there is the event."""
    till = api.client("device", "A", device="till-1")
    document = sale("A", 1)
    answers = [
        till.post("/v1/events", json=document, headers={"Content-Type": "application/cloudevents+json"}),
        till.post("/v1/events", json=[sale("A", 2)], headers={"Content-Type": "application/cloudevents-batch+json"}),
        till.post("/v1/events", json=[sale("A", 3), sale("A", 4)]),
        till.post("/v1/events", content="\n".join(json.dumps(sale("A", n)) for n in (5, 6)), headers=NDJSON),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    results = [row for answer in answers for row in answer.json()["results"]]
    on_log = posted(stores, "A")
    assert {(row["position"]["partition"], row["position"]["offset"]): row["id"] for row in results} == {
        at: str(event.id) for at, event in on_log.items()
    }
    event = next(event for event in on_log.values() if event.id == event_id("A", 1))
    assert (event.envelope.device_id, event.envelope.tenant_id, event.envelope.store_version) == ("till-1", "demo", 1)
    assert event.envelope.occurred_at.isoformat().endswith("+09:00")
    assert event.envelope.business_date is not None


def test_each_item_has_its_own_fate_and_the_good_ones_are_on_the_log_once(stores, api):
    """A repeat within the post, a conflict, a foreign store, a missing id and rubbish beside a good event."""
    nameless = sale("A", 9)
    del nameless["id"]
    items = [sale("A", 1), sale("A", 1), sale("A", 1, amount=4000), sale("B", 1), nameless, 7, sale("A", 2)]
    answer = api.client("manager", "A").post("/v1/events", json=items)
    assert answer.status_code == 207
    body = answer.json()
    fates = [(row["outcome"], [problem["code"] for problem in row["problems"]]) for row in body["results"]]
    assert fates == [
        ("accepted", []),
        ("duplicate", []),
        ("rejected", ["conflicting_duplicate"]),
        ("rejected", ["store_out_of_scope"]),
        ("rejected", ["missing"]),
        ("rejected", ["not_an_object"]),
        ("accepted", []),
    ]
    assert [(row["index"], row.get("id")) for row in body["results"]] == [
        (index, item.get("id") if isinstance(item, dict) else None) for index, item in enumerate(items)
    ]
    assert body["results"][1]["position"] == body["results"][0]["position"]
    assert (body["accepted"], body["duplicate"], body["rejected"]) == (2, 1, 4)
    assert sorted(event.id for event in posted(stores, "A").values()) == sorted([event_id("A", 1), event_id("A", 2)])
    assert posted(stores, "B") == {}


def test_a_post_of_which_nothing_is_accepted_says_why(stores, api):
    """422 for what is wrong, 403 when only the stores are; an unknown store is named as such."""
    manager = api.client("manager", "A")
    refused = manager.post("/v1/events", json=[sale("A", 1, type="tick.v1")])
    assert (refused.status_code, refused.json()["code"]) == (422, "events_rejected")
    assert refused.json()["results"][0]["problems"][0]["pointer"] == "/type"
    foreign = manager.post("/v1/events", json=[sale("B", 1)])
    assert (foreign.status_code, foreign.json()["code"]) == (403, "store_out_of_scope")
    unknown = api.client().post("/v1/events", json=sale("Z", 1))
    assert (unknown.status_code, unknown.json()["results"][0]["problems"][0]["code"]) == (422, "unknown_store")
    assert posted(stores, "A") == {}


HOSTILE = {
    "bad UTF-8": (b'{"id": "\xff"}', {}, 400),
    "lone surrogate": (b'{"\\ud800": "\\udfff"}', {}, 422),
    "deep JSON": (b"[" * 200_000, {}, 400),
    "deep data": (json.dumps(sale("A", 1)).replace('{"receipt_id"', '{"x": ' + "[" * 900 + "]" * 900 + ', "receipt_id"').encode(), {}, 422),
    "NaN": (json.dumps(sale("A", 1) | {"deviceseq": float("nan")}).encode(), {}, 400),
    "a huge number": (json.dumps(sale("A", 1)).replace("5000", "9" * 4_400).encode(), {}, 422),
    "a huge exponent": (json.dumps(sale("A", 1)).replace("5000", "1e400").encode(), {}, 422),
    "a huge quantity": (json.dumps(sale("A", 1)).replace('"2"', '"1e999999"').encode(), {}, 422),
    "NUL": (json.dumps(sale("A", "\x00")).encode(), {}, 422),
    "an early time": (json.dumps(sale("A", 1, time="0001-01-01T00:00:00+14:00")).encode(), {}, 422),
    "gzip": (b"\x1f\x8b\x08\x00", {"Content-Encoding": "gzip"}, 400),
    "nothing": (b"", {}, 400),
    "a form": (b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "no type": (b"{}", {"Content-Type": ""}, 415),
    "too large": (b" " * (1024 * 1024 + 1), {}, 413),
    "too many": (b"[" + b"{}," * 1000 + b"{}]", {}, 413),
}


def test_no_hostile_body_is_the_servers_fault(stores, api):
    """Each gets its refusal as a problem document; none a 500, none reaches the log."""
    hq = api.client()
    answers = {
        name: hq.post("/v1/events", content=body, headers={"Content-Type": "application/json"} | headers)
        for name, (body, headers, _) in HOSTILE.items()
    }
    assert {name: answer.status_code for name, answer in answers.items()} == {name: status for name, (_, _, status) in HOSTILE.items()}
    assert {answer.headers["content-type"] for answer in answers.values()} == {"application/problem+json"}
    chunked = hq.post("/v1/events", content=(b" " * 65_536 for _ in range(17)), headers={"Content-Type": "application/json"})
    assert (chunked.status_code, chunked.json()["code"]) == (413, "body_too_large")
    assert posted(stores, "A") == {}


def test_the_named_points_are_passed_in_order_and_the_second_only_when_the_log_has_the_events(stores):
    """`accepted` before anything is on the log, `published` when it is: what a crash test may rely on."""
    recorder = Recorder(lambda: len(posted(stores, "A")))
    with served(config(stores, crash_points=recorder)) as api:
        assert api.client().post("/v1/events", json=sale("A", 1)).status_code == 200
    assert recorder.passed == [("accepted", 0), ("published", 1)]


def test_more_posts_than_may_be_in_flight_are_told_to_come_again(stores):
    """With room for none, every post is refused with Retry-After, and queries are not."""
    full: Limits = replace(QUICK, posts_in_flight=0)
    with served(config(stores, limits=full)) as api:
        refused = api.client().post("/v1/events", json=sale("A", 1))
        assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "overloaded", "1")
        assert api.client().get("/v1/stores").status_code == 200
