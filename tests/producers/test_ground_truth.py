"""The ground truth of a simulation against the rules themselves, folded in memory: two ways to the same end."""

from collections import Counter
from uuid import UUID
from zlib import crc32

import pytest

from contracts.codec import decode, encode
from contracts.events.alerts import AlertChanged
from contracts.events.reorder import ReorderRecommended
from contracts.records import RawRecord
from contracts.topics import STORE_FACTS
from processors.fold import Fold
from producers.simulator.generate import generate
from producers.simulator.options import SimulationOptions
from producers.simulator.truth import GroundTruth, TruthTally


def partition_logs(options: SimulationOptions) -> tuple[dict[int, list[RawRecord]], GroundTruth]:
    """Write a simulation as partitions would hold it, and tally it."""
    logs: dict[int, list[RawRecord]] = {partition: [] for partition in range(options.partitions)}
    tally = TruthTally()
    for record in generate(options):
        tally.observe(record)
        if record.route == "reference":
            continue
        own = getattr(record.event.data, "partition", crc32(record.event.store_id.encode()) % options.partitions)
        written = encode(record.event, STORE_FACTS)
        for partition in logs if record.route == "chain_wide" else [own]:
            log, at = logs[partition], int(record.arrival.timestamp() * 1000)
            log.append(RawRecord(STORE_FACTS, partition, len(log), at, written.key, written.value, written.headers))
    return logs, tally.result()


def folded(log: list[RawRecord]) -> tuple[list[AlertChanged], list[tuple[str, ReorderRecommended]], int]:
    """Run every rule over a partition; return transitions, recommendations by store, and dead letters."""
    fold, states = Fold(), dict[str, bytes]()
    alerts, recommendations, dead = [], [], 0
    for start in range(0, len(log), 250):
        batch = fold(log[start : start + 250], states.get)
        for stage in batch.stages:
            states.update(stage)
        batch.settle(True)
        dead += batch.dead
        for made in batch.derived:
            event = decode(RawRecord(made.topic, log[0].partition, 0, 0, made.key, made.value, made.headers))
            if isinstance(event.data, AlertChanged):
                alerts.append(event.data)
            elif isinstance(event.data, ReorderRecommended):
                recommendations.append((event.store_id, event.data))
    return alerts, recommendations, dead


@pytest.mark.parametrize("seed", [1, 2])
def test_rules_come_to_what_the_ground_truth_says(seed: int) -> None:
    """No-shows raised, taken back and confirmed, and the stock of every SKU at its reorder point, with repeats and late arrivals."""
    logs, truth = partition_logs(SimulationOptions(seed=seed, stores=4, days=3, scale=0.3, duplicate_share=0.1, partitions=3))

    last: dict[UUID, AlertChanged] = {}
    raised, stock = Counter[UUID](), {}
    for log in logs.values():
        alerts, recommendations, dead = folded(log)
        assert dead == 0
        for alert in alerts:
            last[alert.alert_id] = alert
            raised[alert.alert_id] += alert.status == "raised"
        stock |= {f"{store}/{data.sku}": data for store, data in recommendations}

    assert set(raised.values()) == {1}
    assert len(raised) == len(truth.no_shows_raised)
    assert sum(alert.status == "retracted" for alert in last.values()) == len(truth.no_shows_retracted)
    assert sum(alert.stage == "confirmed" and alert.status != "retracted" for alert in last.values()) == len(truth.no_shows_confirmed)
    still_open = {place: str(data.position) for place, data in stock.items() if data.status == "open"}
    assert still_open == {place: truth.on_hand[place] for place in truth.below_reorder_point}
