"""From the sending of a sale to its being counted in the sums that KPI queries read, at 2,000 events a second.

Only the runner of sales works, beside the servers and this measurement. Sales of 200 stores are sent in turn; the sums of all
stores are asked for again and again. Sales of a store are in one order, so its nth sale is there at the first answer that counts n.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from statistics import quantiles
from typing import Any

from infra.addresses import Addresses
from infra.clickhouse.client import async_reader
from infra.embedded.stack import running_stack
from infra.kafka.admin import ensure_topics
from infra.kafka.publisher import Publisher
from tests.benchmarks.projection_speed import databases
from tests.benchmarks.results import ROOT, Metric
from tests.benchmarks.rivals_projections.load import Load, receipts

RATE = int(os.environ.get("TILLSTREAM_BENCH_RATE", "2000"))
SECONDS = 30
WARM_UP_SECONDS = 5
_AT_ONCE = 20
"""Sales handed to the producer at once: a fiftieth of a second has forty of them."""
_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = 60
_ASKED = "SELECT store_id, sum(transactions) FROM sales_by_hour_g1 FINAL GROUP BY store_id"


async def _send(place: Addresses, sent: dict[str, list[float]]) -> None:
    load = Load(receipts=RATE * (SECONDS + WARM_UP_SECONDS))
    told = list(receipts(load))
    async with Publisher(place.kafka_bootstrap, "speed", place.topic_prefix) as publisher, asyncio.TaskGroup() as group:
        began, records = time.perf_counter(), iter(told)
        for number in range(0, len(told), _AT_ONCE):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            some, at = list(islice(records, _AT_ONCE)), time.perf_counter()
            for record in some:
                sent.setdefault(record.key.decode(), []).append(at)
            group.create_task(publisher.publish_all(some))


async def _watch(place: Addresses, sent: dict[str, list[float]], sending: "asyncio.Task[None]") -> list[float]:
    """Return how long each sale took, in the order in which they were there."""
    client, seen, waits = await async_reader(place.clickhouse_url), dict[str, int](), list[float]()
    deadline = time.monotonic() + SECONDS + WARM_UP_SECONDS + _PATIENCE_SECONDS
    while not (sending.done() and len(waits) == sum(map(len, sent.values()))):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(waits)} of {sum(map(len, sent.values()))} sales are there")
        rows = (await client.query(_ASKED)).result_rows
        at = time.perf_counter()
        for store_id, count in rows:
            waits += [at - began for began in sent[store_id][seen.get(store_id, 0) : count]]
            seen[store_id] = count
        await asyncio.sleep(_PAUSE_SECONDS)
    await client.close()
    return waits


async def _measured(place: Addresses) -> list[float]:
    sent: dict[str, list[float]] = {}
    sending = asyncio.create_task(_send(place, sent))
    waits = await _watch(place, sent, sending)
    await sending
    return waits[RATE * WARM_UP_SECONDS :]


def _runner(place: Addresses, ready: Path, log: Path) -> subprocess.Popen[bytes]:
    given: dict[str, Any] = {"addresses": asdict(place), "models": ["sales"], "ready": str(ready)}
    argv = [sys.executable, "-m", "tests.benchmarks.rivals_projections.kept", json.dumps(given)]
    with log.open("wb") as output:
        return subprocess.Popen(argv, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=output, stderr=output)


def measure() -> list[Metric]:
    """Send, ask, and compare the times."""
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "stack") as stack:
        log = replace(stack, topic_prefix="speed-")
        asyncio.run(ensure_topics(log.kafka_bootstrap, Load().partitions, prefix=log.topic_prefix))
        with databases(log, "queryable") as place:
            ready, output = Path(folder) / "ready", Path(folder) / "log"
            process = _runner(place, ready, output)
            try:
                while not ready.exists():
                    if process.poll() is not None:
                        raise RuntimeError(output.read_text("utf-8")[-2_000:])
                    time.sleep(0.1)
                waits = asyncio.run(_measured(place))
            finally:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(15)
                process.kill()
    return _metrics(waits)


def _metrics(waits: Sequence[float]) -> list[Metric]:
    cuts = quantiles(waits, n=100)
    return [
        Metric(f"from produce to the sums that queries read at {RATE:,} events/s, {name}", round(seconds * 1000), "ms")
        for name, seconds in (("p50", cuts[49]), ("p99", cuts[98]), ("max", max(waits)))
    ]
