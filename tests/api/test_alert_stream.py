"""The alert stream: each alert once and in order, also across a break; nothing of other stores; clear answers for gone places."""

import asyncio
import base64
from collections.abc import Iterator

import pytest

from infra.addresses import Addresses
from tests.api.alerts import Heard, listening, progress, publish, transition
from tests.api.running import ServedApi, config, served
from tests.waiting import until

pytestmark = pytest.mark.stack


@pytest.fixture
def api(place: Addresses) -> Iterator[ServedApi]:
    """Serve an API on a place without stores: alerts carry their store themselves."""
    with served(config(place)) as running:
        yield running


def write(place: Addresses, *records) -> None:
    """Write records in their order."""
    asyncio.run(publish(place, records))


def numbers(heard: Heard, subject: str) -> list[int]:
    """Return the transitions heard of a subject."""
    return [number for _, about, number in heard.what() if about == subject]


def test_a_listener_that_comes_back_gets_each_alert_once_and_in_order(place, api):
    """Written during and between two connections: the second goes on exactly where the first stopped."""
    hq = api.client()
    with listening(hq) as first:
        until(lambda: first.last_id, 30, "the stream begins")
        write(place, *(transition("A", "e1", n) for n in (1, 2, 3)), transition("B", "e2", 1))
        until(lambda: len(first.alerts) == 4, 30, "four alerts")
        resume_at = first.ids[1]
    write(place, *(transition("A", "e1", n) for n in (4, 5)), progress(0))
    with listening(hq, resume_at) as second:
        write(place, transition("A", "e1", 6))
        until(lambda: numbers(second, "e1")[-1:] == [6], 30, "the newest alert")
        heard = first.what()[:2] + second.what()
        assert sorted(heard) == sorted([("A", "e1", n) for n in range(1, 7)] + [("B", "e2", 1)])
        assert [number for _, subject, number in heard if subject == "e1"] == [1, 2, 3, 4, 5, 6]


def test_a_listener_without_an_alert_yet_misses_nothing_after_a_break(place, api):
    """The id of the first heartbeat is a place to come back to."""
    with listening(api.client()) as first:
        place_before = until(lambda: first.last_id, 30)
    write(place, transition("A", "e1", 1))
    with listening(api.client(), place_before) as second:
        until(lambda: second.what() == [("A", "e1", 1)], 30, "the alert of the break")


def test_what_a_rule_wrote_twice_is_sent_once(place, api):
    """A repeat on the log is the same event."""
    write(place, transition("A", "e1", 1), transition("A", "e1", 1), transition("A", "e1", 2))
    with listening(api.client(), **{"from": "beginning"}) as heard:
        write(place, transition("A", "e1", 2), transition("A", "e1", 3))
        until(lambda: 3 in numbers(heard, "e1"), 30, "the third transition")
        assert numbers(heard, "e1") == [1, 2, 3]


def test_a_manager_hears_nothing_of_other_stores(place, api):
    """Scope holds for history and for what arrives."""
    write(place, transition("A", "e1", 1), transition("B", "e2", 1))
    with listening(api.client("manager", "A"), **{"from": "beginning"}) as heard:
        write(place, transition("B", "e2", 2), transition("A", "e1", 2))
        until(lambda: ("A", "e1", 2) in heard.what(), 30, "the own alert")
        assert {store for store, _, _ in heard.what()} == {"A"}
    refused = api.client("manager", "A").get("/v1/alerts/stream", params={"store": "B"})
    assert (refused.status_code, refused.json()["code"]) == (403, "store_out_of_scope")


def test_a_place_that_cannot_be_served_is_refused_clearly(place, api):
    """Not ours: 400. Of another log, or beyond the end of this one: 410. Never silence, never a wrong place."""
    hq = api.client()
    with listening(hq) as heard:
        known = until(lambda: heard.last_id, 30)
    text = base64.urlsafe_b64decode(known + "==").decode()
    mark = text.split(".")[1]

    def answer(vector: str) -> tuple[int, str]:
        forged = base64.urlsafe_b64encode(vector.encode()).decode()
        refused = hq.get("/v1/alerts/stream", headers={"Last-Event-ID": forged})
        return refused.status_code, refused.json()["code"]

    assert answer("hello") == (400, "invalid_event_id")
    assert answer(f"1.{'0' * 12}.0,0,0") == (410, "positions_gone")
    assert answer(f"1.{mark}.0,0,999999") == (410, "positions_gone")
    assert answer(f"1.{mark}.0,0") == (410, "positions_gone")
    assert hq.get("/v1/alerts/stream", headers={"Last-Event-ID": "§§§".encode()}).status_code == 400


def test_a_silent_stream_is_kept_alive_by_heartbeats(place, api):
    """Proxies and clients can tell quiet from dead."""
    with api.client().stream("GET", "/v1/alerts/stream") as response:
        lines = response.iter_lines()
        assert response.headers["content-type"].startswith("text/event-stream")
        until(lambda: next(lines) == ": heartbeat", 30, "a heartbeat")
