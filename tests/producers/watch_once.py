"""Watches a directory once and kills itself at the nth visit of a point: arguments BOOTSTRAP PREFIX DIRECTORY POINT N."""

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path

from infra.addresses import Addresses
from infra.kafka.publisher import Publisher
from producers.inbox import Inbox
from producers.loader import LoadOptions, load
from producers.watcher import LoadReport, Watcher, WatchOptions
from tests.producers.log_reading import CollectedQuarantine, LogIndex, read_log
from tests.producers.twin import retail


async def main(bootstrap: str, prefix: str, directory: str, point: str, visit: str) -> None:
    """Load with an index read from the log, in small batches."""
    visits: Counter[str] = Counter()
    place = Addresses(kafka_bootstrap=bootstrap, postgres_dsn="", clickhouse_url="", log_id="", topic_prefix=prefix)

    def reach(name: str) -> None:
        visits[name] += 1
        if name == point and visits[name] == int(visit):
            os.kill(os.getpid(), signal.SIGKILL)

    async def load_one(file: Path, /) -> LoadReport:
        async with Publisher(bootstrap, "watch-once", prefix) as publisher:
            options = LoadOptions(file, retail(), batch_events=10, reach=reach)
            summary = await load(options, publisher, LogIndex(await read_log(place)), CollectedQuarantine(), lambda _: None)
        return LoadReport(summary.as_json(), agrees=not summary.differs)

    inbox = Inbox(Path(directory))
    with inbox.claimed():
        await Watcher(inbox, load_one, WatchOptions(settle_seconds=0.0, reach=reach), lambda _: None).run_once(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:6]))
