"""What posts were refused for: kept with its bytes, shown to those it concerns, corrected, resubmitted or discarded."""

import asyncio
import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from api.edge.documents import BATCH, JSON, NDJSON, documents
from api.edge.raw_documents import raw_documents
from api.edge.refusals import AnsweredPost, Refusals
from api.metrics import Metrics
from api.quarantine_watch import QuarantineWatch
from api.schemas.events import ItemResult, ProblemBody
from api.security.caller import Caller
from contracts.codec import encode
from contracts.envelope import Event
from contracts.errors import Problem
from contracts.fields import Model
from contracts.identifiers import derived_id
from contracts.topics import REFERENCE_DATA, STORE_FACTS
from infra.addresses import Addresses
from infra.clock import utc_now
from infra.postgres.engine import async_engine
from producers.quarantine import PostgresQuarantine, QuarantinedEvent, QuarantinedLine
from producers.quarantine_reader import Search, Visibility, read_entries
from tests.api.alerts import publish
from tests.api.events import TENANT, event_id, sale
from tests.api.log_reader import events_on
from tests.api.running import ServedApi
from tests.api.world import store
from tests.projections.applying import apply_log
from tests.waiting import until

pytestmark = pytest.mark.stack


def broken(store_id: str, name: object, **changes: Any) -> dict[str, Any]:
    """Make a sale whose total is no number."""
    document = sale(store_id, name, **changes)
    document["data"]["lines"][0]["gross"] = "five thousand"
    return document


def mended(document: dict[str, Any]) -> dict[str, Any]:
    """Return the sale as it was meant."""
    data = document["data"]
    return document | {"data": data | {"lines": [data["lines"][0] | {"gross": 5000}]}}


def entries(client: httpx.Client, count: int, **search: Any) -> list[dict[str, Any]]:
    """Return the entries of a search as soon as there are `count` of them: they are kept after the answer."""
    rows: list[dict[str, Any]] = []

    def found() -> bool:
        answer = client.get("/v1/quarantine", params=search)
        assert answer.status_code == 200, answer.text
        rows[:] = answer.json()["rows"]
        return len(rows) >= count

    until(found, 30, f"{count} entries of {search}")
    return rows


def kept(api: ServedApi, document: dict[str, Any], role: str = "hq", **token: Any) -> dict[str, Any]:
    """Post a document that is refused and return its entry."""
    assert api.client(role, **token).post("/v1/events", json=document).status_code == 422
    (entry,) = entries(api.client(), 1, source=document["source"])
    return entry


def on_log(place: Addresses) -> dict[UUID, Event[Model]]:
    """Return the facts on the log by id, the stores' definitions left out."""
    return {event.id: event for event in events_on(place, STORE_FACTS).values() if event.type.startswith("sale.")}


def counted(client: httpx.Client, outcome: str) -> float:
    """Return how many refusals the API counted with an outcome."""
    name = f'tillstream_quarantine_refusals_total{{outcome="{outcome}"}} '
    found = [line for line in client.get("/metrics").text.splitlines() if line.startswith(name)]
    return float(found[0].removeprefix(name)) if found else 0.0


def test_a_refused_event_among_good_ones_is_kept_byte_by_byte(api, stores):
    """Its neighbours are on the log; its own bytes, blanks and escapes included, are in the quarantine with reason and place."""
    bad = json.dumps(broken("A", 2), indent=1).replace("R-2", "R-\\u0032\\u00e9").encode()
    body = b"[ " + json.dumps(sale("A", 1)).encode() + b" ,\n" + bad + b"," + json.dumps(sale("B", 3)).encode() + b"]"

    answer = api.client("hq").post("/v1/events", content=body, headers={"Content-Type": BATCH})

    assert [row["outcome"] for row in answer.json()["results"]] == ["accepted", "rejected", "accepted"]
    (entry,) = entries(api.client(), 1)
    assert entry["body"] == {"encoding": "utf-8", "content": bad.decode()}
    assert (entry["source"], entry["store_id"], entry["kind"], entry["status"]) == ("till/A/1", "A", "event", "open")
    assert (entry["content_type"], entry["problems"]) == (BATCH, answer.json()["results"][1]["problems"])
    assert on_log(stores).keys() == {event_id("A", 1), event_id("B", 3)}
    assert api.client().get(f"/v1/quarantine/{entry['id']}").json() == entry


def test_the_same_refusal_twice_is_one_entry(api):
    """A till that repeats itself is counted."""
    client, document = api.client("device", device="till-1"), broken("A", 1)
    for _ in range(2):
        client.post("/v1/events", json=document)

    until(lambda: entries(api.client(), 1)[0]["seen_count"] == 2, 30)
    (entry,) = entries(api.client("manager"), 1)
    assert (entry["device_id"], entry["attempts"]) == ("till-1", 0)
    assert entry["last_seen_at"] > entry["noted_at"]


def test_lines_that_are_no_json_are_kept_beside_their_neighbours(api, stores):
    """Of a post of lines, each bad line is an entry of whoever sent it."""
    body = b"{broken\n\n" + json.dumps(sale("A", 1)).encode() + b"\n[1]\r\n"
    api.client("device", device="till-1").post("/v1/events", content=body, headers={"Content-Type": NDJSON})

    found = {entry["code"]: entry for entry in entries(api.client("manager"), 2)}
    assert {code: entry["body"]["content"] for code, entry in found.items()} == {"malformed_json": "{broken", "not_an_object": "[1]\r"}
    assert {entry["source"] for entry in found.values()} == {"post/till-1"}
    assert on_log(stores).keys() == {event_id("A", 1)}


def test_what_is_not_the_senders_own_is_counted_and_not_kept(api):
    """Another's store or chain, also where something else is wrong first; a body that is no JSON; a post without a token."""
    manager = api.client("manager")
    foreign = [
        sale("B", 1),
        sale("X", 2),
        sale("A", 3, tenantid="rival"),
        sale("B", 4, time="noon"),
        sale("A", 5, tenantid="rival", time="noon"),
    ]
    assert manager.post("/v1/events", json=[*foreign, broken("A", 6)]).status_code == 422
    assert api.client().post("/v1/events", json=[sale("X", 8), sale("X", 9, time="noon")]).status_code == 422
    assert manager.post("/v1/events", content=b"{", headers={"Content-Type": JSON}).status_code == 400
    assert httpx.post(f"{api.url}/v1/events", json=broken("A", 7)).status_code == 401

    (entry,) = entries(api.client(), 1)

    assert json.loads(entry["body"]["content"])["id"] == str(event_id("A", 6))
    assert entries(api.client(tenant="rival"), 0) == []
    until(lambda: counted(api.client(), "kept") == 1, 30)
    assert (counted(api.client(), "foreign"), counted(api.client(), "lost")) == (7, 0)


def test_a_corrected_event_counts(api, stores):
    """It goes the way of every post, as the device's own, and its entry names the event; a second time there is nothing to do."""
    entry = kept(api, broken("A", 1), "device", device="till-1")
    correction = mended(broken("A", 1))

    answer = api.client("manager").post(f"/v1/quarantine/{entry['id']}/resubmit", json=correction)

    assert (answer.status_code, answer.json()["outcome"]) == (200, "accepted")
    event = on_log(stores)[event_id("A", 1)]
    assert (event.envelope.device_id, event.envelope.business_date is not None) == ("till-1", True)
    after = api.client().get(f"/v1/quarantine/{entry['id']}").json()
    assert (after["status"], after["resubmitted_event_id"], after["attempts"]) == ("resubmitted", str(event.id), 1)
    assert (after["resolved_by"], after["body"]) == ("test", entry["body"])
    again = api.client().post(f"/v1/quarantine/{entry['id']}/resubmit", json=correction)
    assert (again.status_code, again.json()["code"]) == (422, "invalid_request")
    assert len(on_log(stores)) == 1


def test_two_people_who_correct_an_event_at_once_make_one_event(api, stores):
    """The entry is held while one of them is at it, even where they give it different ids."""
    path = f"/v1/quarantine/{kept(api, broken('A', 1))['id']}/resubmit"
    clients = [api.client(), api.client()]

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda place: clients[place].post(path, json=sale("A", place + 10)).status_code, range(2)))

    assert sorted(answers) == [200, 422]
    assert len(on_log(stores)) == 1


def test_a_correction_that_is_refused_again_changes_nothing_but_attempts(api, stores):
    """The new problems are shown; what was kept stays as it was and is not kept twice."""
    entry = kept(api, broken("A", 1))
    path = f"/v1/quarantine/{entry['id']}"

    answer = api.client().post(f"{path}/resubmit", json=mended(broken("A", 1)) | {"type": "sale.imagined.v1"})

    assert (answer.status_code, answer.json()["code"]) == (422, "events_rejected")
    assert [row["code"] for row in answer.json()["results"][0]["problems"]] == ["type_not_postable"]
    assert api.client().get(path).json() == entry | {"attempts": 1}
    assert on_log(stores) == {}
    assert api.client().post(f"{path}/resubmit", content=b"{", headers={"Content-Type": JSON}).status_code == 400
    assert api.client().post(f"{path}/resubmit", content=b"{}", headers={"Content-Type": NDJSON}).status_code == 415
    assert entries(api.client(), 1) == [entry | {"attempts": 1}]


def test_an_event_whose_reason_is_gone_is_resubmitted_as_it_was(api, stores):
    """Sales of a store that nobody had defined wait for its definition."""
    entry = kept(api, sale("NEW", 1))
    assert (entry["code"], entry["store_id"]) == ("unknown_store", "NEW")
    defined = store("NEW", "Asia/Seoul", "KRW", "KR", 0)
    asyncio.run(publish(stores, [encode(defined, topic) for topic in (REFERENCE_DATA, STORE_FACTS)]))
    apply_log(stores, "stores")
    until(lambda: "NEW" in api.client().get("/v1/stores").text, 30, "the API knows the store")

    answer = api.client().post(f"/v1/quarantine/{entry['id']}/resubmit")

    assert (answer.status_code, answer.json()["outcome"]) == (200, "accepted")


def test_discarding_needs_a_reason(api):
    """Who, when and why stay with the entry; it is decided once."""
    path = f"/v1/quarantine/{kept(api, broken('A', 1))['id']}"
    client = api.client("manager")
    for nothing in ({}, {"reason": ""}, {"reason": " \n"}, {"reason": "x", "by": "me"}):
        assert client.post(f"{path}/discard", json=nothing).status_code == 422

    after = client.post(f"{path}/discard", json={"reason": " a test receipt "}).json()

    assert (after["status"], after["resolution_reason"], after["resolved_by"]) == ("discarded", "a test receipt", "test")
    assert after["resolved_at"] is not None
    assert client.post(f"{path}/discard", json={"reason": "again"}).status_code == 422
    assert client.post(f"{path}/resubmit").status_code == 422


def test_people_reach_only_the_entries_of_their_stores(api):
    """A manager has their stores', HQ the chain's, and for others an entry does not exist, whatever they want to do with it."""
    hq = api.client()
    hq.post("/v1/events", json=[broken("A", 1), broken("B", 2), broken("A", 3, source="till/none", storeid=7)])
    found = {entry["store_id"]: entry["id"] for entry in entries(hq, 3)}
    assert found.keys() == {"A", "B", None}

    manager = api.client("manager")
    assert [entry["store_id"] for entry in entries(manager, 1)] == ["A"]
    assert manager.get("/v1/quarantine", params={"store": "B"}).json()["code"] == "store_out_of_scope"
    for client, entry_id in ((manager, found["B"]), (manager, found[None]), (api.client(tenant="rival"), found["A"])):
        path = f"/v1/quarantine/{entry_id}"
        assert client.get(path).json()["code"] == "not_found"
        assert client.post(f"{path}/resubmit", json=sale("A", 9)).json()["code"] == "not_found"
        assert client.post(f"{path}/discard", json={"reason": "x"}).json()["code"] == "not_found"


def test_pages_are_followed_by_an_opaque_cursor(api):
    """Every entry once, the newest first; a cursor of another list is refused."""
    hq = api.client()
    hq.post("/v1/events", json=[broken("A", name) for name in range(5)])
    whole = entries(hq, 5)

    paged, cursor = [], None
    while True:
        page = hq.get("/v1/quarantine", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        paged += page["rows"]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert paged == whole
    strange = base64.urlsafe_b64encode(b'["alerts","2026-03-02T00:00:00+00:00","x"]').decode()
    assert hq.get("/v1/quarantine", params={"cursor": strange}).status_code == 400
    assert hq.get("/v1/quarantine", params={"since": "2026-03-02T00:00:00"}).status_code == 422
    assert entries(hq, 0, since="2030-01-01T00:00:00Z") == []


async def test_a_line_of_a_file_is_shown_and_not_resubmitted_alone(api, stores):
    """Bytes that are no text are shown in base64; the answer says what to do with a line instead."""
    engine = async_engine(stores.postgres_dsn, "tests")
    line = QuarantinedLine(derived_id("line"), "load/retail", 7, "unreadable_text", "/Description", "text", b"a,\xff")
    await PostgresQuarantine(engine, TENANT).add([line])
    await engine.dispose()

    (entry,) = entries(api.client(), 1, source="load/retail")
    refused = api.client().post(f"/v1/quarantine/{entry['id']}/resubmit")

    assert (entry["kind"], entry["line_number"], entry["body"]) == ("line", 7, {"encoding": "base64", "content": "YSz/"})
    assert refused.status_code == 422
    assert "tillstream load" in refused.json()["detail"]


@contextmanager
def postgres_away(stack: Addresses, place: Addresses) -> Iterator[None]:
    """Let nobody connect to the database of a place while the body runs."""
    name = make_url(place.postgres_dsn).database
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_without_postgres_posts_are_answered_as_ever(stack, api, stores):
    """Accepted is accepted, rejected is rejected with its problems; what could not be kept is counted."""
    client = api.client("device", device="till-1")
    with postgres_away(stack, stores):
        answer = client.post("/v1/events", json=[sale("A", 1), broken("A", 2)])
        assert (answer.status_code, [row["outcome"] for row in answer.json()["results"]]) == (207, ["accepted", "rejected"])
        until(lambda: counted(api.client(), "lost") == 1, 30)
    assert on_log(stores).keys() == {event_id("A", 1)}

    client.post("/v1/events", json=broken("A", 3))
    (entry,) = entries(api.client(), 1)
    assert json.loads(entry["body"]["content"])["id"] == str(event_id("A", 3))


async def test_what_waits_to_be_kept_is_bounded(place):
    """A post that finds no room is counted as lost, and there is room again when the one before is kept."""
    engine = async_engine(place.postgres_dsn, "tests")
    metrics = Metrics()
    refusals = Refusals(PostgresQuarantine(engine), metrics.refusals, waiting_bytes=10)
    posts = [refused_post(b'{"id":%d}' % number) for number in range(3)]

    refusals.note(posts[0])
    refusals.note(posts[1])
    await refusals.close()
    refusals.note(posts[2])
    await refusals.close()

    found = await read_entries(engine, Visibility(), Search())
    await engine.dispose()
    assert {entry.raw for entry in found} == {b'{"id":0}', b'{"id":2}'}
    assert [metrics.refusals.labels(outcome)._value.get() for outcome in ("kept", "lost")] == [2, 1]


def refused_post(body: bytes) -> AnsweredPost:
    """Describe an answered post of one document that was refused."""
    result = ItemResult(index=0, outcome="rejected", problems=[ProblemBody(code="missing", pointer="/id\x00", expected="a\ud800")])
    return AnsweredPost(JSON, body, documents(JSON, body, 1), [result], Caller("kim", "hq", TENANT, ("*",)), {})


async def test_the_watch_counts_warns_and_ends(place):
    """Gauges say what is open and what expires within 14 days; after 90 days it is gone from table and gauges."""
    engine = async_engine(place.postgres_dsn, "tests")
    noted = utc_now()
    refused = QuarantinedEvent(TENANT, "A", None, "till/A/1", JSON, (Problem("missing", "/id", "an id"),), b"{}")
    await PostgresQuarantine(engine, now=lambda: noted).add_events([refused])
    metrics = Metrics()
    watch = QuarantineWatch(engine, metrics)
    open_now, expiring = (
        'tillstream_quarantine_open{code="missing",source="till/A"} 1.0',
        'tillstream_quarantine_expiring{source="till/A"} 1.0',
    )

    seen = []
    for days in (0, 76, 89.9, 90):
        await watch.turn(noted + timedelta(days=days))
        text = metrics.text().decode()
        seen.append((open_now in text, expiring in text))
    await watch.turn(noted + timedelta(days=91))
    await engine.dispose()

    assert seen == [(True, False), (True, True), (True, True), (True, True)]
    assert "till/A" not in metrics.text().decode()


@pytest.mark.parametrize(
    ("kind", "body", "items"),
    [
        (JSON, b' {"a": 1}\n', [b' {"a": 1}\n']),
        (BATCH, b'\n[ {"a":"]"} ,\t[2], 1e999, "\\"" ]', [b'{"a":"]"}', b"[2]", b"1e999", b'"\\""']),
        (BATCH, '[{"é":"\\u00e9"}]'.encode(), ['{"é":"\\u00e9"}'.encode()]),
        (BATCH, b"[%s,null]" % (b"9" * 50), [b"9" * 50, b"null"]),
        (NDJSON, b'{"a":1}\r\n \n{"b"\n', [b'{"a":1}\r', b'{"b"']),
    ],
)
def test_every_document_is_found_again_in_the_bytes_of_its_post(kind, body, items):
    """As many as were read, each exactly as it came."""
    assert raw_documents(kind, body) == items
    assert len(documents(kind, body, 10)) == len(items)
