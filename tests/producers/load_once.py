"""A process that loads one file and can be killed: `python -m tests.producers.load_once BOOTSTRAP PREFIX FILE`."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from infra.kafka.publisher import Publisher
from producers.loader import LoadOptions, load
from tests.producers.log_reading import CollectedQuarantine, LogIndex
from tests.producers.twin import retail


async def main(bootstrap: str, prefix: str, file: str) -> None:
    """Load as if nothing were on the log, in small batches."""
    async with Publisher(bootstrap, "load-once", prefix) as publisher:
        options = LoadOptions(Path(file), retail(), ticks=True, tick_interval=timedelta(days=1), batch_events=20)
        await load(options, publisher, LogIndex({}), CollectedQuarantine(), lambda _: None)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
