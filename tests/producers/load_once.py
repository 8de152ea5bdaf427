"""Loads one file and kills itself at the nth visit of a point: `python -m tests.producers.load_once BOOTSTRAP PREFIX FILE POINT N`."""

import asyncio
import os
import signal
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

from infra.kafka.publisher import Publisher
from producers.loader import LoadOptions, load
from tests.producers.log_reading import CollectedQuarantine, LogIndex
from tests.producers.twin import retail


async def main(bootstrap: str, prefix: str, file: str, point: str, visit: str) -> None:
    """Load as if nothing were on the log, in small batches."""
    visits: Counter[str] = Counter()

    def reach(name: str) -> None:
        visits[name] += 1
        if name == point and visits[name] == int(visit):
            os.kill(os.getpid(), signal.SIGKILL)

    async with Publisher(bootstrap, "load-once", prefix) as publisher:
        options = LoadOptions(Path(file), retail(), ticks=True, tick_interval=timedelta(days=1), batch_events=20, reach=reach)
        await load(options, publisher, LogIndex({}), CollectedQuarantine(), lambda _: None)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:6]))
