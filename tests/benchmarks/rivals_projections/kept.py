"""The product's own runners, kept until SIGTERM: `python -m tests.benchmarks.rivals_projections.kept <options as JSON>`."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import uvloop

from infra.addresses import Addresses
from infra.garbage import collect_rarely
from infra.logs import configure_logging
from projections.generation_runners import run_generations
from projections.options import RunnerOptions


async def _work(given: dict[str, Any]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    options = RunnerOptions(addresses=Addresses(**given["addresses"]), on_ready=lambda: Path(given["ready"]).touch())
    await run_generations(given["models"], options, stop)


if __name__ == "__main__":
    configure_logging("speed", "warning")
    collect_rarely()
    uvloop.run(_work(json.loads(sys.argv[1])))
