"""A simulated chain and the live ticker on a real log."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.codec import decode, event_uuid, header
from contracts.events.registry import SKU_DEFINED, TICK
from contracts.topics import REFERENCE_DATA, STORE_FACTS
from infra.addresses import Addresses
from infra.kafka.publisher import Publisher
from producers.simulate import SimulationProgress, simulate
from producers.simulator.options import SimulationOptions
from producers.ticker import run_ticker
from tests.producers.log_reading import contents, read_log

pytestmark = pytest.mark.stack


async def test_the_log_has_what_the_ground_truth_says(place: Addresses, tmp_path: Path) -> None:
    """Distinct events by type and the number of repeats on the log are those of the truth; sending again contradicts nothing."""
    news: list[SimulationProgress] = []
    async with Publisher(place.kafka_bootstrap, "test-simulate", place.topic_prefix) as publisher:
        options = SimulationOptions(
            stores=2, days=1, scale=0.1, duplicate_share=0.1, partitions=await publisher.partitions_for(STORE_FACTS)
        )
        summary = await simulate(options, publisher, news.append, tmp_path / "truth.json")
        log, reference = await read_log(place), await read_log(place, REFERENCE_DATA)
        await simulate(options, publisher, news.append)

    both = [record for records in (*log.values(), *reference.values()) for record in records]
    types = Counter({event_uuid(r.headers): header(r.headers, "ce_type") for r in both}.values())
    del types[TICK]
    assert dict(types) == summary.truth.events
    facts = [event_uuid(r.headers) for rows in log.values() for r in rows if header(r.headers, "ce_businessdate")]
    assert len(facts) - len(set(facts)) == summary.truth.duplicates > 0
    assert json.loads((tmp_path / "truth.json").read_text("utf-8"))["net_sales"] == summary.truth.net_sales
    skus = [{event_uuid(r.headers) for r in rows if header(r.headers, "ce_type") == SKU_DEFINED} for rows in log.values()]
    assert all(each == skus[0] for each in skus), "rules of every partition must know every SKU"
    assert skus[0]
    again = contents(await read_log(place))
    assert again == contents(log)
    assert {len(hashes) for hashes in again.values()} == {1}


async def test_a_simulation_at_the_pace_of_its_time_sends_the_same(place: Addresses) -> None:
    """A day in a few seconds: the same events as without waiting, and not sooner than its time allows."""
    async with Publisher(place.kafka_bootstrap, "test-simulate", place.topic_prefix) as publisher:
        options = SimulationOptions(stores=1, days=1, scale=0.02, partitions=await publisher.partitions_for(STORE_FACTS))
        at_once = await simulate(options, publisher, lambda _: None)
        paced = await simulate(options, publisher, lambda _: None, speed=3600.0 * 10)

    assert paced.truth == at_once.truth
    assert paced.seconds > 1.8 > at_once.seconds - 1.8


async def test_the_truth_file_names_every_fault_with_its_place(place: Addresses, tmp_path: Path) -> None:
    """What was put in by name can be looked up: how often, where, when, which events."""
    async with Publisher(place.kafka_bootstrap, "test-simulate", place.topic_prefix) as publisher:
        partitions = await publisher.partitions_for(STORE_FACTS)
        options = SimulationOptions(stores=1, days=1, scale=0.1, partitions=partitions, faults=frozenset({"fraud_refunds", "no_shows"}))
        await simulate(options, publisher, lambda _: None, tmp_path / "truth.json")

    found = json.loads((tmp_path / "truth.json").read_text("utf-8"))["faults"]
    assert {kind: row["count"] for kind, row in found.items()} == {"fraud_refunds": 1, "no_shows": 1}
    (fraud,) = found["fraud_refunds"]["places"]
    assert (fraud["store_id"], len(fraud["event_ids"]) >= 4, fraud["at"] < fraud["until"]) == ("demo-001", True, True)


async def test_options_for_another_log_are_refused(place: Addresses) -> None:
    """Ticks for partitions that are not there would leave others without a clock."""
    async with Publisher(place.kafka_bootstrap, "test-simulate", place.topic_prefix) as publisher:
        with pytest.raises(ValueError, match="partitions"):
            await simulate(SimulationOptions(partitions=99), publisher, lambda _: None)


async def test_two_tickers_send_the_same_events(place: Addresses) -> None:
    """Each partition gets a tick at each interval; a second ticker at the same times adds repeats only."""
    async with Publisher(place.kafka_bootstrap, "test-ticker", place.topic_prefix) as publisher:
        partitions = await publisher.partitions_for(STORE_FACTS)
        logs = []
        for _ in range(2):
            stop = asyncio.Event()
            await run_ticker(publisher, partitions, 0.05, _clock(stop), stop)
            logs.append(await read_log(place))

    first, both = logs
    assert contents(first) == contents(both)
    assert {len(hashes) for hashes in contents(both).values()} == {1}
    for partition, records in both.items():
        assert len(records) == 2 * len(first[partition]) > 10
        assert [decode(record).data.partition for record in records] == [partition] * len(records)
        assert {decode(record).data.time for record in records} == {"live"}


def _clock(stop: asyncio.Event) -> Callable[[], datetime]:
    """A clock that goes on a second whenever it is read, and stops the ticker after a minute."""
    moments = iter([datetime(2026, 3, 2, 9, 0, second, tzinfo=UTC) for second in range(60)])
    last = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)

    def now() -> datetime:
        moment = next(moments, last)
        if moment is last:
            stop.set()
        return moment

    return now
