"""A store is seen by its own chain as soon as the read model knows it, and by no other chain, however old the API's cache is."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from contracts.codec import build_event, encode
from contracts.envelope import Envelope
from contracts.topics import REFERENCE_DATA, STORE_FACTS
from infra.addresses import Addresses
from tests.api.alerts import publish
from tests.api.events import sale
from tests.api.running import QUICK, ServedApi, config, served
from tests.api.world import store
from tests.projections.applying import apply_log

pytestmark = pytest.mark.stack

NEWCOMER = store("N", "Asia/Seoul", "KRW", "KR", 0, "newcomer")


def stores_with_sales(client: httpx.Client) -> set[str]:
    """Return the stores of which the caller sees sales."""
    answer = client.get("/v1/kpis/sales", params={"group_by": "store"})
    assert answer.status_code == 200, answer.text
    return {row["store_id"] for row in answer.json()["rows"]}


def open_and_sell(stores: Addresses) -> None:
    """Put the new store and a sale of it on the log, past the API, which would read its stores again for a post."""
    document = sale("N", 2, tenantid="newcomer", businessdate="2026-03-02")
    data = document.pop("data")
    sold = encode(build_event(Envelope.model_validate(document), data), STORE_FACTS)
    asyncio.run(publish(stores, [*(encode(NEWCOMER, topic) for topic in (REFERENCE_DATA, STORE_FACTS)), sold]))


def test_a_new_chain_sees_its_store_at_once_and_the_old_one_never(stores: Addresses) -> None:
    """The API read its stores before this one opened, and would read them again in an hour only."""
    with served(config(stores, limits=replace(QUICK, stores_refresh_seconds=3600.0))) as api:
        assert api.client().post("/v1/events", json=[sale("A", 1)]).json()["accepted"] == 1
        open_and_sell(stores)
        apply_log(stores, "stores", "sales")

        assert stores_with_sales(api.client()) == {"A"}
        assert stores_with_sales(api.client(tenant="newcomer")) == {"N"}
        assert stores_with_sales(api.client(tenant="rival")) == set()


def test_an_answer_is_no_newer_than_the_stores_that_it_is_limited_to(stores: Addresses, api: ServedApi) -> None:
    """Sales are level with the log, stores are not: what the answer leaves out shows as being behind."""
    open_and_sell(stores)
    apply_log(stores, "sales")

    answer = api.client(tenant="newcomer").get("/v1/kpis/sales", params={"group_by": "store"}).json()
    assert (answer["rows"], answer["behind"]["events"]) == ([], 2)
