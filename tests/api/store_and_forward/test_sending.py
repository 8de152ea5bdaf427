"""The centre's side: in order, exactly as sent, removed only when the centre has it, whatever the centre answers meanwhile."""

import threading
from dataclasses import replace

import pytest

from tests.api.store_and_forward.running import QUICK, document, edge_config, running_edge, written
from tests.api.store_and_forward.scripted_centre import Answer, Batch, outcomes, scripted_centre, takes_all
from tests.waiting import until

DOCUMENTS = [document(number, data={"amount": 10**20 + number, "rate": 1.5}) for number in range(1, 8)]
IDS = [row["id"] for row in DOCUMENTS]
FEW = replace(QUICK, batch_events=4)


def test_everything_arrives_in_order_and_as_it_was_sent(tmp_path):
    """The bytes of the till are the bytes at the centre; the token is the one of the file."""
    with scripted_centre() as centre, running_edge(edge_config(tmp_path / "edge", centre.url, "token-1")) as edge:
        edge.buffer(DOCUMENTS)
        edge.await_waiting(0)
        assert edge.health() | {"last_contact_at": ""} == {
            "state": "idle",
            "waiting": 0,
            "oldest_waiting_seconds": 0.0,
            "refused": 0,
            "last_contact_at": "",
            "last_error": None,
            "last_error_at": None,
        }

    assert b",".join(body[1:-1] for body in centre.bodies) == b",".join(written(DOCUMENTS))
    assert set(centre.tokens) == {"token-1"}


AWAY = {
    "overloaded": Answer(503, {"code": "overloaded"}, {"Retry-After": "0"}),
    "too many requests": Answer(429),
    "a wrong address": Answer(404, {"code": "not_found"}),
    "a page of a proxy": Answer(200, b"<html>Please log in</html>"),
    "a redirect": Answer(302, b"", {"Location": "http://127.0.0.1:1/"}),
    "a failed server": Answer(500, {"code": "internal_error"}),
    "no word on any event": Answer(200, {"results": []}),
    "nothing acknowledged": lambda batch: Answer(503, {"code": "not_durable", "results": outcomes(batch, "unacknowledged")}),
}


@pytest.mark.parametrize("case", AWAY)
def test_a_centre_that_takes_nothing_now_gets_it_later(tmp_path, case):
    """Kept, tried again, in order; the reason is to be seen meanwhile."""
    with scripted_centre(then=AWAY[case]) as centre, running_edge(edge_config(tmp_path / "edge", centre.url)) as edge:
        edge.buffer(DOCUMENTS)
        until(lambda: len(centre.batches) >= 3, 30, "it is tried again")
        health = edge.health()
        centre.then = takes_all
        edge.await_waiting(0)

    assert (health["state"], health["waiting"]) == ("centre_away", len(DOCUMENTS))
    assert health["last_error"]
    assert centre.taken == IDS


def test_what_the_centre_has_of_a_batch_is_removed_and_the_rest_sent_again(tmp_path):
    """Of a 503 with results only the unacknowledged events are repeated."""
    partly = lambda batch: Answer(503, {"results": outcomes(batch, "accepted", "unacknowledged", "duplicate", "unacknowledged")})  # noqa: E731
    with scripted_centre(partly) as centre, running_edge(edge_config(tmp_path / "edge", centre.url)) as edge:
        assert edge.post(DOCUMENTS[:4]).status_code == 200
        edge.await_waiting(0)

    assert [[row["id"] for row in batch] for batch in centre.batches] == [IDS[:4], [IDS[1], IDS[3]]]


def test_a_rejected_event_is_set_aside_with_its_problems_and_blocks_nobody(tmp_path):
    """What comes after it is sent; it is there with the reasons."""

    def rejects_third(batch: Batch) -> Answer:
        words = ["rejected" if row["id"] == IDS[2] else "accepted" for row in batch]
        return Answer(207 if "accepted" in words else 422, {"code": "events_rejected", "results": outcomes(batch, *words)})

    with scripted_centre(then=rejects_third) as centre, running_edge(edge_config(tmp_path / "edge", centre.url)) as edge:
        edge.buffer(DOCUMENTS)
        edge.await_waiting(0)
        assert edge.health()["refused"] == 1

    assert centre.taken == [*IDS[:2], *IDS[3:]]


def test_an_event_that_spoils_a_batch_is_found_and_set_aside(tmp_path):
    """The centre cannot read the batch as one: it is halved until the event stands alone."""

    def spoilt(batch: Batch) -> Answer:
        is_bad = any(row["id"] == IDS[4] for row in batch)
        return Answer(400, {"code": "malformed_body", "detail": "JSON"}) if is_bad else takes_all(batch)

    with scripted_centre(then=spoilt) as centre, running_edge(edge_config(tmp_path / "edge", centre.url)) as edge:
        assert edge.post(DOCUMENTS).status_code == 200
        edge.await_waiting(0)
        assert edge.health()["refused"] == 1

    assert centre.taken == [*IDS[:4], *IDS[5:]]


def test_only_a_large_event_is_set_aside_when_something_on_the_way_finds_it_too_large(tmp_path):
    """A proxy that refuses bodies above its limit blocks nobody; one that refuses everything for a while loses nobody."""
    large = document("large", data="x" * 100_000)
    is_broken = [True]

    def proxy(batch: Batch) -> Answer:
        is_over = is_broken[0] or any(row["id"] == "id-large" for row in batch)
        return Answer(413, b"<html>") if is_over else takes_all(batch)

    with scripted_centre(then=proxy) as centre, running_edge(edge_config(tmp_path / "edge", centre.url)) as edge:
        assert edge.post([*DOCUMENTS, large, document("last")]).status_code == 200
        until(lambda: edge.health()["state"] == "centre_away", 30, "even one event is too large")
        health = edge.health()
        is_broken[0] = False
        edge.await_waiting(0)
        assert edge.health()["refused"] == 1

    assert (health["waiting"], health["refused"]) == (len(DOCUMENTS) + 2, 0)
    assert centre.taken == [*IDS, "id-last"]


def test_a_refused_token_stops_sending_until_it_is_replaced(tmp_path):
    """Everything is kept, the centre is left alone, the state says what is needed; a new token in the file is enough."""
    config = edge_config(tmp_path / "edge", token="old")
    expired = Answer(401, {"code": "token_expired"})
    with scripted_centre(then=expired) as centre, running_edge(edge_config(tmp_path / "edge", centre.url, "old")) as edge:
        edge.buffer(DOCUMENTS)
        until(lambda: edge.health()["state"] == "needs_token", 30, "the state says it")
        edge.buffer([document("later")])
        health = edge.health()
        assert len(centre.batches) == 1
        centre.then = takes_all
        config.token_file.write_text("new")
        edge.await_waiting(0)

    assert (health["waiting"], health["last_error"]) == (len(DOCUMENTS) + 1, "the token is refused: 401 token_expired")
    assert (centre.tokens[0], set(centre.tokens[1:])) == ("old", {"new"})
    assert centre.taken == [*IDS, "id-later"]


def test_a_token_for_another_store_refuses_no_event_and_is_replaced(tmp_path):
    """A wrong token in the file must not empty the whole list into the refused; the right one sends everything."""

    def foreign(batch: Batch) -> Answer:
        rows = outcomes(batch, "rejected")
        for row in rows:
            row["problems"] = [{"code": "store_out_of_scope", "pointer": "/storeid", "expected": "a store of the token"}]
        return Answer(403, {"code": "store_out_of_scope", "results": rows})

    with scripted_centre(then=foreign) as centre, running_edge(edge_config(tmp_path / "edge", centre.url)) as edge:
        edge.buffer(DOCUMENTS)
        until(lambda: edge.health()["state"] == "needs_token", 30, "the state says it")
        health = edge.health()
        centre.then = takes_all
        edge.await_waiting(0)

    assert (health["waiting"], health["refused"]) == (len(DOCUMENTS), 0)
    assert centre.taken == IDS


@pytest.mark.parametrize("content", [None, b"", b"\n", "schlüssel".encode(), b"two\nlines"])
def test_a_token_file_without_a_token_is_waited_for(tmp_path, content):
    """Missing, empty or unreadable: nothing is sent and nothing lost."""
    with scripted_centre() as centre:
        config = edge_config(tmp_path / "edge", centre.url)
        config.token_file.unlink()
        if content is not None:
            config.token_file.write_bytes(content)
        with running_edge(config) as edge:
            edge.buffer(DOCUMENTS)
            until(lambda: edge.health()["state"] == "needs_token", 30, "the state says it")
            assert centre.batches == []
            config.token_file.write_text("there it is")
            edge.await_waiting(0)

    assert centre.taken == IDS


def test_retry_after_is_honoured(tmp_path):
    """The second attempt is not made before the centre wants it."""
    asked = Answer(503, b"", {"Retry-After": "1"})
    with scripted_centre(asked) as centre, running_edge(edge_config(tmp_path / "edge", centre.url)) as edge:
        edge.buffer(DOCUMENTS[:1])
        edge.await_waiting(0)

    first, second = centre.moments
    assert second - first >= 1.0


def test_a_centre_that_does_not_answer_in_time_is_asked_again_with_less(tmp_path):
    """A slow line gets smaller batches; what the slow answer was about is repeated, nothing is lost."""
    held = threading.Event()

    def slow(batch: Batch) -> Answer:
        held.wait(10)
        return takes_all(batch)

    with scripted_centre(slow) as centre:
        with running_edge(edge_config(tmp_path / "edge", centre.url, send_timeout_seconds=0.3, pace=FEW)) as edge:
            assert edge.post(DOCUMENTS).status_code == 200
            edge.await_waiting(0)
        held.set()

    assert [len(batch) for batch in centre.batches[:2]] == [4, 2]
    assert [row["id"] for batch in centre.batches[1:] for row in batch] == IDS


def test_a_stop_does_not_wait_for_a_centre_that_hangs(tmp_path):
    """The batch under way is given up and still waits."""
    held, is_held = threading.Event(), threading.Event()

    def hangs(batch: Batch) -> Answer:
        is_held.set()
        held.wait(30)
        return Answer(503)

    config = edge_config(tmp_path / "edge", stop_grace_seconds=0.1)
    with scripted_centre(hangs) as centre:
        with running_edge(replace(config, centre=centre.url)) as edge:
            edge.buffer(DOCUMENTS[:2])
            assert is_held.wait(10)
        held.set()
    with running_edge(config) as edge:
        assert edge.health()["waiting"] == 2


def test_what_waits_when_the_buffer_stops_is_sent_by_the_next_one(tmp_path):
    """A gentle stop keeps everything, in its order."""
    with running_edge(edge_config(tmp_path / "edge")) as edge:
        edge.buffer(DOCUMENTS[:4])
    with scripted_centre() as centre, running_edge(edge_config(tmp_path / "edge", centre.url)) as edge:
        edge.buffer(DOCUMENTS[4:])
        edge.await_waiting(0)

    assert centre.taken == IDS
