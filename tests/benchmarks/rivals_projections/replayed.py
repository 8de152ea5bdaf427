"""One replay, told step by step: `python -m tests.benchmarks.rivals_projections.replayed <options as JSON>`; a line of JSON each time."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from infra.addresses import Addresses
from infra.garbage import collect_rarely
from infra.logs import configure_logging
from projections.replay.run import ReplayProgress, ReplayRequest, replay


def _resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _say(phase: str, done: int, total: int) -> None:
    told = {"phase": phase, "done": done, "total": total, "at": time.perf_counter(), "core_seconds": time.process_time()}
    print(json.dumps(told | {"memory_mib": _resident_mib()}), flush=True)


async def _work(given: dict[str, Any]) -> None:
    def tell(news: ReplayProgress) -> None:
        _say(news.phase, news.done, news.total)

    result = await replay(Addresses(**given["addresses"]), ReplayRequest(given["model"], hold_seconds=300), tell)
    _say(result.done, 0, 0)


if __name__ == "__main__":
    configure_logging("speed", "warning")
    collect_rarely()
    uvloop.run(_work(json.loads(sys.argv[1])))
