"""A store is seen by its own chain as soon as the read model knows it, and by no other chain, however old the API's cache is."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from contracts.codec import encode
from contracts.topics import REFERENCE_DATA, STORE_FACTS
from infra.addresses import Addresses
from tests.api.alerts import publish
from tests.api.events import sale
from tests.api.running import QUICK, config, served
from tests.api.world import catch_up, projected, store

pytestmark = pytest.mark.stack


def stores_with_sales(client: httpx.Client) -> set[str]:
    """Return the stores of which the caller sees sales."""
    answer = client.get("/v1/kpis/sales", params={"group_by": "store"})
    assert answer.status_code == 200, answer.text
    return {row["store_id"] for row in answer.json()["rows"]}


def test_a_new_chain_sees_its_store_at_once_and_the_old_one_never(stores: Addresses) -> None:
    """The API read its stores before this one opened, and would read them again in an hour only."""
    newcomer = store("N", "Asia/Seoul", "KRW", "KR", 0, "newcomer")
    with served(config(stores, limits=replace(QUICK, stores_refresh_seconds=3600.0))) as api:
        assert api.client().post("/v1/events", json=[sale("A", 1)]).json()["accepted"] == 1
        asyncio.run(publish(stores, [encode(newcomer, topic) for topic in (REFERENCE_DATA, STORE_FACTS)]))
        with projected(stores, "stores", "sales"):
            catch_up(stores, "stores")
            assert api.client(tenant="newcomer").post("/v1/events", json=[sale("N", 2)]).json()["accepted"] == 1
            catch_up(stores, "stores", "sales")

            assert stores_with_sales(api.client()) == {"A"}
            assert stores_with_sales(api.client(tenant="newcomer")) == {"N"}
            assert stores_with_sales(api.client(tenant="rival")) == set()
