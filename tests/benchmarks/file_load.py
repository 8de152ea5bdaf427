"""A mapped CSV file to durable acknowledgement, with nothing but the broker beside: lines a second, and a second of one core.

The public file where it is at hand, else a seeded twin of a size like it. The quarantine is kept in memory: what is measured is
reading, translating, encoding and sending.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from infra.addresses import Addresses
from infra.embedded.stack import running_stack
from infra.garbage import collect_rarely
from infra.kafka.publisher import Publisher
from producers.loader import LoadOptions, load
from tests.benchmarks.load_real_file import _file
from tests.benchmarks.results import Metric
from tests.places import migrated_template, new_place
from tests.producers.log_reading import CollectedQuarantine, LogIndex
from tests.producers.twin import retail, write_twin

ROUNDS = 3


async def _load(addresses: Addresses, file: Path) -> None:
    """Load the file and say lines, seconds and seconds of processor time."""
    async with Publisher(addresses.kafka_bootstrap, "file-load", addresses.topic_prefix, linger_ms=5) as publisher:
        began, used = time.perf_counter(), time.process_time()
        summary = await load(LoadOptions(file, retail()), publisher, LogIndex({}), CollectedQuarantine(), lambda _: None)
    print(json.dumps({"lines": summary.total_lines, "seconds": time.perf_counter() - began, "cpu": time.process_time() - used}))


def _rounds(stack: Addresses, file: Path) -> list[dict[str, float]]:
    found = []
    with migrated_template(stack) as template:
        for _ in range(ROUNDS):
            with new_place(stack, template) as place:
                command = [sys.executable, "-m", "tests.benchmarks.file_load", json.dumps(asdict(place)), str(file)]
                found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return found


def measure() -> list[Metric]:
    """Load the file into a fresh place, a few times, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "stack") as stack:
        rounds = _rounds(stack, _file() or write_twin(Path(folder) / "twin.csv", receipts=25_000))
    best = max(rounds, key=lambda row: row["lines"] / row["cpu"])
    return [
        Metric("file to durable acknowledgement, broker beside", round(best["lines"] / best["seconds"]), "lines/s"),
        Metric("the same, a second of one core of the loader", round(best["lines"] / best["cpu"]), "lines/s"),
        Metric("lines of the file", best["lines"], "lines"),
    ]


if __name__ == "__main__":
    collect_rarely()
    asyncio.run(_load(Addresses(**json.loads(sys.argv[1])), Path(sys.argv[2])))
