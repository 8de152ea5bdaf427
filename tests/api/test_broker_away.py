"""A broker that stands still or is gone: nothing is called accepted, queries and health go on, and it all heals by itself."""

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.embedded.stack import running_stack
from infra.embedded.stack_file import read_record
from infra.kafka.admin import ensure_topics
from tests.api.events import event_id, sale
from tests.api.log_reader import events_on
from tests.api.running import QUICK, config, served
from tests.waiting import until

pytestmark = pytest.mark.stack

HASTY = replace(QUICK, publish_timeout_seconds=4.0)


@dataclass
class OwnLog:
    """A broker of this test alone."""

    addresses: Addresses
    pid: int

    def freeze(self) -> None:
        """Let it stand still."""
        os.kill(self.pid, signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)


@pytest.fixture
def log(stores: Addresses, tmp_path: Path) -> Iterator[OwnLog]:
    """Start a broker beside the databases of the place."""
    if not stores.kafka_bootstrap.startswith("127.0.0.1"):
        pytest.skip("a broker beside the databases is started and frozen here, and those of --stack=servers are on another machine")
    with running_stack(tmp_path / "log", postgres_dsn=stores.postgres_dsn, clickhouse_url=stores.clickhouse_url) as own:
        asyncio.run(ensure_topics(own.kafka_bootstrap, 3))
        addresses = replace(stores, kafka_bootstrap=own.kafka_bootstrap, log_id=own.log_id, topic_prefix="")
        record = read_record(tmp_path / "log")
        assert record is not None
        broker = OwnLog(addresses, next(row.pid for row in record.processes if row.name == "kafka"))
        try:
            yield broker
        finally:
            broker.wake()


def test_a_broker_that_does_not_acknowledge_makes_a_503_that_names_each_event(log):
    """Frozen: `unacknowledged`, readiness says kafka, queries answer; awake: the same post is accepted; no event is lost."""
    with served(config(log.addresses, limits=HASTY)) as api:
        hq = api.client()
        assert hq.post("/v1/events", json=sale("A", 1)).status_code == 200
        log.freeze()
        refused = hq.post("/v1/events", json=[sale("A", 2), sale("B", 3), sale("A", 4, type="tick.v1")])
        assert (refused.status_code, refused.json()["code"]) == (503, "not_durable")
        assert int(refused.headers["retry-after"]) >= 1
        assert [row["outcome"] for row in refused.json()["results"]] == ["unacknowledged", "unacknowledged", "rejected"]
        assert "kafka" in hq.get("/health/ready").json()["missing"]
        assert hq.get("/v1/stores").status_code == 200
        log.wake()
        again = until(lambda: (answer := hq.post("/v1/events", json=[sale("A", 2), sale("B", 3)])).status_code == 200 and answer, 30)
        assert {row["outcome"] for row in again.json()["results"]} == {"accepted"}
        until(api.is_ready, 30, "the API is ready again")
    found = {event.id for event in events_on(log.addresses, STORE_FACTS).values()}
    assert found == {event_id("A", 1), event_id("A", 2), event_id("B", 3)}


def test_an_api_without_a_broker_starts_says_so_and_refuses_posts(stores):
    """It is alive and answers queries; a post is not durable; the stream is not available."""
    nowhere = replace(stores, kafka_bootstrap="127.0.0.1:1")
    with served(config(nowhere, limits=HASTY), await_ready=False) as api:
        hq = api.client()
        until(lambda: hq.get("/v1/stores").status_code == 200, 30, "the stores are known")
        assert hq.get("/health/live").status_code == 200
        assert {"kafka", "alert_stream"} <= set(hq.get("/health/ready").json()["missing"])
        refused = hq.post("/v1/events", json=sale("A", 1))
        assert (refused.status_code, refused.json()["results"][0]["outcome"]) == (503, "unacknowledged")
        assert hq.get("/v1/alerts/stream").json()["code"] == "log_unavailable"
