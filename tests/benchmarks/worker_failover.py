"""How long partitions are without their rules when one of two workers ends: until an event sent after that has its alert.

A worker that is killed, stopped or frozen leaves its partitions to the other one when its session has ended, or to its own
successor when a supervisor starts it again sooner. One that stands still is ended by its watchdog and started again. All
settings are the product's.
"""

import asyncio
import tempfile
from pathlib import Path
from statistics import median

from infra.embedded.stack import running_stack
from infra.kafka.admin import ensure_topics
from tests.benchmarks.results import Metric
from tests.faults.failover import FAULTS, Pair
from tests.processors.scene import Scene

ROUNDS = 5
PARTITIONS = 6
_PREFIX = "failover-"


def measure() -> list[Metric]:
    """Let one of two workers end in every way, several times."""
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "stack") as addresses:
        asyncio.run(ensure_topics(addresses.kafka_bootstrap, PARTITIONS, prefix=_PREFIX))
        scene = Scene(addresses.kafka_bootstrap, _PREFIX, Path(folder), PARTITIONS)
        pair = Pair(scene)
        try:
            pair.start()
            seconds = {fault: [pair.seconds_without_rules(fault) for _ in range(ROUNDS)] for fault in FAULTS}
        finally:
            scene.stop()
    return [
        Metric(f"one of two workers {fault}, until the alert of a later event, {name}", round(value, 1), "s")
        for fault, found in seconds.items()
        for name, value in (("p50", median(found)), ("max", max(found)))
    ]
