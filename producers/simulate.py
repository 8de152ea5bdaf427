"""Send a simulated chain to the log, and say what must come of it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.clock import monotonic_seconds
from infra.kafka.publisher import Publisher
from producers.publisher import EventPublisher
from producers.simulator.generate import generate
from producers.simulator.injected import Injected
from producers.simulator.options import SimulationOptions
from producers.simulator.pace import Pace
from producers.simulator.truth import GroundTruth, TruthTally
from producers.simulator.world import SimulatedRecord

_REPORT_EVERY = 500


@dataclass(frozen=True, slots=True)
class SimulationProgress:
    """Where a simulation stands: records sent, and the simulated moment."""

    records: int
    at: str


@dataclass(frozen=True, slots=True)
class SimulationSummary:
    """What was sent, and the ground truth to compare results with."""

    records: int
    seconds: float
    truth: GroundTruth


async def simulate(
    options: SimulationOptions,
    publisher: Publisher,
    progress: Callable[[SimulationProgress], None],
    truth_file: Path | None = None,
    speed: float | None = None,
) -> SimulationSummary:
    """Send everything and wait until it is durable; NotDurable ends it, and running it again sends the same events.

    `speed` is a factor of event time, None for as fast as possible; reference data never waits.
    """
    began = monotonic_seconds()
    events = await EventPublisher.over(publisher)
    if options.partitions != events.partitions:
        raise ValueError(f"the log has {events.partitions} partitions for stores, the options say {options.partitions}")
    injected, pace = Injected(), Pace(speed, monotonic_seconds, asyncio.sleep)
    tally, sent = TruthTally(injected), 0
    for sent, record in enumerate(generate(options, injected), 1):
        if record.route in {"facts", "tick"}:
            await pace.await_moment(record.arrival)
        await _send(events, record)
        tally.observe(record)
        if sent % _REPORT_EVERY == 0:
            progress(SimulationProgress(sent, record.arrival.isoformat(timespec="minutes")))
    await events.settle()
    truth = tally.result()
    if truth_file is not None:
        truth_file.write_text(json.dumps(truth.as_json(), indent=2) + "\n", "utf-8")  # noqa: ASYNC240 - a few kilobytes, once
    return SimulationSummary(sent, monotonic_seconds() - began, truth)


async def _send(publisher: EventPublisher, record: SimulatedRecord) -> None:
    match record.route:
        case "facts":
            await publisher.publish_events([record.event])
        case "tick":
            await publisher.publish_ticks([record.event])
        case "store_version":
            await publisher.publish_store_version(record.event)
        case "chain_wide":
            await publisher.publish_chain_wide(record.event)
