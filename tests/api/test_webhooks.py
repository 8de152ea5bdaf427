"""Deliveries of vendors on a real log: only what is signed, once, whole, and told so that nobody delivers in vain."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.envelope import Event
from contracts.fields import Model
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from tests.api.events import sale
from tests.api.log_reader import events_on
from tests.api.running import ServedApi, config, served
from tests.api.webhook_accounts import ACCOUNTS, CLOSED_AT, deliver, shopify_order, signed, square_order, toast_time_entry
from tests.api.world import catch_up, projected
from tests.projections.applying import apply_log
from tests.waiting import until

pytestmark = pytest.mark.stack


@pytest.fixture
def vendors(stores: Addresses) -> Iterator[ServedApi]:
    """Serve an API that knows the stores and the vendors."""
    with served(config(stores, connections=ACCOUNTS)) as running:
        yield running


def delivered(place: Addresses) -> list[Event[Model]]:
    """Return every event on the log but the stores themselves."""
    return [event for event in events_on(place, STORE_FACTS).values() if event.type != "store.defined.v1"]


def counts(answer: httpx.Response) -> tuple[int, int, int, int, int]:
    """Return the status, and how much was accepted, known, rejected and refused."""
    body = answer.json()
    return answer.status_code, body["accepted"], body["duplicate"], body["rejected"], len(body["refused"])


def kept(api: ServedApi, count: int) -> list[dict[str, Any]]:
    """Wait for entries of the quarantine."""
    hq = api.client()
    return until(lambda: len(rows := hq.get("/v1/quarantine").json()["rows"]) >= count and rows, 30, "the refusals are kept")


def test_each_vendor_delivers_with_its_own_signature(stores, vendors):
    """What is answered as accepted is on the log, placed by the settings of its store."""
    answers = [
        deliver(vendors, "square-london", {"order": square_order("O-1")}),
        deliver(vendors, "toast-london", toast_time_entry("te-1")),
        deliver(vendors, "shopify-seoul", shopify_order(1)),
        deliver(vendors, "own-seoul", "\n".join(json.dumps(sale("A", number)) for number in (1, 2))),
    ]

    assert [counts(answer)[:2] for answer in answers] == [(200, 1), (200, 1), (200, 1), (200, 2)]
    told = {row["id"] for answer in answers for row in answer.json()["results"]}
    events = delivered(stores)
    assert {str(event.id) for event in events} == told
    assert {(event.type, event.store_id) for event in events} == {
        ("sale.completed.v1", "A"),
        ("sale.completed.v1", "B"),
        ("clock.in.v1", "B"),
    }
    assert {event.envelope.store_version for event in events} == {1}
    assert {event.envelope.tenant_id for event in events} == {"demo"}


def test_a_delivery_that_comes_again_is_the_same_event(stores, vendors):
    """Before the index has it, it is on the log twice with the same bytes; afterwards it is known."""
    for _ in range(2):
        assert deliver(vendors, "square-london", {"order": square_order("O-1")}).status_code == 200
    first, second = delivered(stores)
    assert (first.id, first.data, first.envelope.occurred_at) == (second.id, second.data, second.envelope.occurred_at)
    apply_log(stores, "event_index")

    assert counts(deliver(vendors, "square-london", {"order": square_order("O-1")})) == (200, 0, 1, 0, 0)
    assert len(delivered(stores)) == 2


def test_nothing_without_its_signature_reaches_the_log(stores, vendors):
    """Missing, of another secret, of another body, of another connection: 401; a connection that nobody configured: 404."""
    body = json.dumps({"order": square_order("O-1")}).encode()
    account = ACCOUNTS["square-london"]
    good = signed(account, body)
    forged = [
        ({}, body),
        (signed(replace(account, secret="guessed"), body), body),
        (signed(replace(account, address="https://elsewhere.example.com"), body), body),
        (signed(ACCOUNTS["shopify-seoul"], body), body),
        (good, body.replace(b"350", b"950")),
        (vendors.client().headers, body),
    ]
    answers = [httpx.post(f"{vendors.url}/v1/webhooks/square-london", headers=headers, content=content) for headers, content in forged]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(401, "signature_invalid")}
    assert httpx.post(f"{vendors.url}/v1/webhooks/unheard-of", headers=good, content=body).status_code == 404
    assert delivered(stores) == []


def test_a_body_is_as_large_as_a_post_may_be_and_not_compressed(vendors):
    """The limits of /v1/events hold here too."""
    large = deliver(vendors, "own-seoul", " " * (1024 * 1024 + 1))
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    assert deliver(vendors, "own-seoul", "{}", **{"Content-Encoding": "compress"}).status_code == 415


def test_what_cannot_be_translated_is_told_kept_and_counted_and_its_neighbours_are_on_the_log(stores, vendors):
    """200, so that the vendor does not deliver it for ever; the pointer leads into the vendor's own body."""
    bad = square_order("O-2", location_id="L-PARIS")
    answer = deliver(vendors, "square-london", {"orders": [bad, square_order("O-3")]})

    assert counts(answer) == (200, 1, 0, 0, 1)
    assert (answer.json()["refused"][0]["code"], answer.json()["refused"][0]["pointer"]) == ("unknown_location", "/orders/0/location_id")
    assert [event.envelope.subject for event in delivered(stores)] == ["O-3"]
    (entry,) = kept(vendors, 1)
    assert (entry["code"], entry["source"]) == ("unknown_location", "post/webhook/square-london")
    assert json.loads(entry["body"]["content"])["orders"][0]["id"] == "O-2"
    metrics = vendors.client().get("/metrics").text
    assert 'tillstream_webhook_parts_total{connection="square-london",outcome="refused"} 1.0' in metrics
    assert 'tillstream_webhook_parts_total{connection="square-london",outcome="accepted"} 1.0' in metrics


def test_an_event_that_the_edge_rejects_is_kept_as_our_own_document(stores, vendors):
    """A store that is not defined yet: told with 200, and in the quarantine in the form in which it can be resubmitted."""
    answer = deliver(vendors, "square-london", {"order": square_order("O-4", location_id="L-NOWHERE")})

    assert counts(answer) == (200, 0, 0, 1, 0)
    assert answer.json()["results"][0]["problems"][0]["code"] == "unknown_store"
    (entry,) = kept(vendors, 1)
    document = json.loads(entry["body"]["content"])
    assert (document["storeid"], document["data"]["receipt_id"]) == ("NOT-DEFINED", "O-4")
    assert delivered(stores) == []


def test_a_connection_cannot_reach_the_store_of_another_chain(stores, vendors):
    """Even if its file says so: the store is that of whoever defined it."""
    answer = deliver(vendors, "foreign", json.dumps(sale("X", 1)))

    assert counts(answer) == (200, 0, 0, 1, 0)
    assert answer.json()["results"][0]["problems"][0]["code"] == "store_out_of_scope"
    assert delivered(stores) == []


@pytest.mark.parametrize("body", ["", "not JSON", "[]", "3", '{"unheard": "of"}', "[" * 100_000, '{"a": NaN}'])
def test_a_signed_body_that_nobody_understands_is_answered_with_200(body, vendors):
    """Its vendor would only repeat it."""
    assert counts(deliver(vendors, "shopify-seoul", body)) == (200, 0, 0, 0, 1)


def test_a_line_that_is_refused_is_kept_alone(stores, vendors):
    """Lines of our own form stand alone in the quarantine too."""
    lines = [json.dumps(sale("A", 1)), "", '{"id": ', json.dumps(sale("Z", 2))]
    answer = deliver(vendors, "own-seoul", "\n".join(lines))

    assert counts(answer) == (200, 1, 0, 0, 2)
    assert {entry["body"]["content"] for entry in kept(vendors, 2)} == {lines[2], lines[3]}
    assert len(delivered(stores)) == 1


def test_a_delivery_that_is_not_durable_is_to_be_delivered_again(stores):
    """503 with Retry-After while the log does not answer."""
    nowhere = replace(stores, kafka_bootstrap="127.0.0.1:1")
    with served(config(nowhere, connections=ACCOUNTS), await_ready=False) as api:
        until(lambda: api.client().get("/v1/stores").status_code == 200, 30, "the stores are known")
        refused = deliver(api, "square-london", {"order": square_order("O-5")})

    assert (refused.status_code, refused.json()["code"]) == (503, "not_durable")
    assert int(refused.headers["retry-after"]) >= 1


def update(version: int, amount: int) -> dict[str, Any]:
    """Make a later version of an order."""
    return {"order": square_order("O-6", amount, version=version, updated_at=(CLOSED_AT + timedelta(minutes=version)).isoformat())}


def test_updates_of_an_order_form_one_chain_of_corrections(stores, vendors):
    """The second update names the first, which the log has; an update that comes again is known."""
    assert deliver(vendors, "square-london", {"order": square_order("O-6")}).status_code == 200
    for version in (4, 7):
        apply_log(stores, "event_index")
        assert counts(deliver(vendors, "square-london", update(version, 100 * version))) == (200, 1, 0, 0, 0)
    apply_log(stores, "event_index")
    again = deliver(vendors, "square-london", update(4, 400))

    assert counts(again) == (200, 0, 1, 0, 0)
    by_type: dict[str, list[Event[Model]]] = {}
    for event in delivered(stores):
        by_type.setdefault(event.type, []).append(event)
    (sold,), (first, second) = by_type["sale.completed.v1"], by_type["event.corrected.v1"]
    named: list[UUID] = [first.data.corrects_event_id, second.data.corrects_event_id]
    assert named == [sold.id, first.id]
    assert second.data.replacement["total"] == 700
    assert second.envelope.business_date == sold.envelope.business_date


def test_the_kpis_show_the_last_version_of_an_order_seen_first_or_not(stores, vendors):
    """700 of the order that was changed twice, and 900 of one of which only an update was ever delivered."""
    late = square_order("O-7", 900, version=9, updated_at=(CLOSED_AT + timedelta(minutes=9)).isoformat())
    orders = [square_order("O-6"), update(4, 400)["order"], update(7, 700)["order"], late]
    with projected(stores, "event_index", "stores", "sales"):
        for order in orders:
            answer = deliver(vendors, "square-london", {"order": order})
            catch_up(stores, "event_index")
        place = answer.json()["results"][0]["position"]
        position = f"{place['topic']}/{place['partition']}/{place['offset']}"
        asked = vendors.client().get("/v1/kpis/sales", params={"min_position": position, "wait_ms": 10_000, "store": "B"})

    (total,) = asked.json()["totals"]
    assert (total["net_sales"]["minor"], total["transactions"]) == (1600, 2)
