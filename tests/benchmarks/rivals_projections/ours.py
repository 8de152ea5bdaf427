"""The product's own runners: `python -m tests.benchmarks.rivals_projections.ours <options as JSON>`, until the log is projected.

`without` names parts of the guarantee that are left out, to see what each costs.
"""

import asyncio
import json
import sys
from typing import Any

import uvloop

from infra.addresses import Addresses
from infra.garbage import collect_rarely
from infra.logs import configure_logging
from infra.postgres.engine import async_engine
from projections.generation_runners import run_generations
from projections.options import RunnerOptions
from projections.positions import read_positions
from tests.benchmarks.rivals_projections.meter import Meter
from tests.benchmarks.rivals_projections.without import leave_out

_LOOK_SECONDS = 0.2


class Clock:
    """The meter at the points that a runner passes."""

    def __init__(self) -> None:
        self.meter = Meter()

    def reach(self, name: str) -> None:
        """Begin with the first batch, end with the last."""
        if name == "batch_received":
            self.meter.begin()
        elif name == "committed":
            self.meter.done()


async def _work(given: dict[str, Any]) -> None:
    clock, stop = Clock(), asyncio.Event()
    addresses = Addresses(given["bootstrap"], given["postgres"], given["clickhouse"], given["log_id"], given["prefix"])
    options = RunnerOptions(addresses=addresses, crash_points=clock)
    running = asyncio.create_task(run_generations(given["models"], options, stop))
    engine = async_engine(addresses.postgres_dsn, "speed", pool_size=1)
    while not await _is_done(engine, given):
        done, _ = await asyncio.wait([running], timeout=_LOOK_SECONDS)
        if done:
            break
    stop.set()
    await running
    await engine.dispose()
    clock.meter.tell()


async def _is_done(engine: Any, given: dict[str, Any]) -> bool:
    async with engine.connect() as conn:
        return all([sum((await read_positions(conn, name, 1)).values()) >= given["records"] for name in given["models"]])


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    configure_logging("speed", "warning")
    leave_out(options.get("without", []))
    collect_rarely()
    uvloop.run(_work(options))
