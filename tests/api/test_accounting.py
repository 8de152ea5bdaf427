"""The accounts and the standing of every consumer over HTTP and as metrics; a damage is named, and who has halted is not waited for."""

import asyncio

import psycopg
import pytest

from api.consumer_watch import ConsumerWatch
from api.log_connection import LogConnection
from api.metrics import Metrics
from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from tests.api.events import sale
from tests.api.running import ServedApi, config
from tests.api.world import catch_up, projected
from tests.projections.applying import apply_log

pytestmark = pytest.mark.stack


def _metrics(place: Addresses) -> str:
    async def work() -> str:
        engine, metrics = async_engine(place.postgres_dsn, "tests"), Metrics()
        try:
            await ConsumerWatch(engine, LogConnection(config(place)), metrics).turn()
        finally:
            await engine.dispose()
        return metrics.text().decode()

    return asyncio.run(work())


def test_accounts_are_answered_and_a_gap_is_named(api: ServedApi, stores: Addresses) -> None:
    """What was posted is applied; a lost account shows in the answer and in the metrics, with its offsets."""
    hq = api.client()
    posted = hq.post("/v1/events", json=[sale("A", number) for number in range(3)]).json()
    place = posted["results"][-1]["position"]
    with projected(stores, "stores", "stock_on_hand"):
        catch_up(stores, "stores", "stock_on_hand")
        status = next(row for row in hq.get("/v1/status").json()["projections"] if row["projection"] == "stock_on_hand")
        assert (status["state"], status["open_letters"], status["why_still"], status["rate"] > 0) == ("working", 0, None, True)
        waited = {"min_position": f"{place['topic']}/{place['partition']}/{place['offset']}"}
        assert hq.get("/v1/stock", params=waited).json()["rows"][0]["sku"] == "MILK-1L"

    whole = hq.get("/v1/accounting").json()
    row = next(row for row in whole["rows"] if row["projection"] == "stock_on_hand" and row["partition"] == place["partition"])
    assert (whole["is_sound"], row["applied"], row["problem"], row["unread"]) == (True, 3, None, 0)
    assert 'tillstream_accounting_problems{projection="stock_on_hand"} 0.0' in _metrics(stores)
    assert 'tillstream_records{outcome="applied",projection="stock_on_hand"} 3.0' in _metrics(stores)

    with psycopg.connect(stores.postgres_dsn) as connection:
        connection.execute("DELETE FROM delivery.ledger WHERE projection = 'stock_on_hand' AND part = %s", [place["partition"]])
    damaged = hq.get("/v1/accounting").json()
    found = [row["problem"] for row in damaged["rows"] if row["problem"]]
    assert (damaged["is_sound"], found) == (False, [f"accounts reach offset 0, the position is {place['offset'] + 1}"])
    assert 'tillstream_accounting_problems{projection="stock_on_hand"} 1.0' in _metrics(stores)


def test_a_position_that_a_halted_model_will_not_reach_is_a_conflict(api: ServedApi, stores: Addresses) -> None:
    """In time it is 503, to come again, with how far the model is; once the model has halted 409, with its reason."""
    apply_log(stores, "stores", "stock_on_hand")
    hq = api.client()
    asked = {"min_position": "store-facts-v1/0/999999", "wait_ms": "50"}
    late = hq.get("/v1/stock", params=asked)
    assert (late.status_code, late.json()["code"], late.headers["Retry-After"]) == (503, "position_not_reached", "1")
    assert late.json()["applied"][0]["partition"] == 0

    with psycopg.connect(stores.postgres_dsn) as connection:
        connection.execute(
            "INSERT INTO delivery.consumers VALUES ('stock_on_hand', 1, 'i', 'halted', 'too many dead letters', now(), now())"
        )
    halted = hq.get("/v1/stock", params=asked)
    assert (halted.status_code, halted.json()["code"]) == (409, "consumer_halted")
    assert "too many dead letters" in halted.json()["detail"]
    assert 'tillstream_consumer_halted{projection="stock_on_hand"} 1.0' in _metrics(stores)
