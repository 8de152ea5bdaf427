"""One of the processes that fill a log, telling how many it has sent: `python -m tests.benchmarks.rivals_projections.filled <JSON>`."""

import asyncio
import json
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

import uvloop

from contracts.records import OutboundRecord
from infra.garbage import collect_rarely
from infra.kafka.publisher import Publisher
from tests.benchmarks.rivals_projections.load import Load, receipts

_AT_ONCE = 10_000


async def _work(given: dict[str, Any]) -> None:
    """Make the next receipts while the broker takes those before."""
    every = receipts(Load(receipts=given["receipts"]), given["number"], given["of"])
    sent = 0
    async with Publisher(given["bootstrap"], f"fill-{given['number']}", given["prefix"]) as publisher:
        batch = _next(every)
        while batch:
            sending = asyncio.create_task(publisher.publish_all(batch))
            await asyncio.sleep(0)
            sent, batch = sent + len(batch), _next(every)
            await sending
            print(sent, flush=True)


def _next(every: Iterator[OutboundRecord]) -> list[OutboundRecord]:
    return list(islice(every, _AT_ONCE))


if __name__ == "__main__":
    collect_rarely()
    uvloop.run(_work(json.loads(sys.argv[1])))
