"""Rebuild several read models beside each other from one reading of the log."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from infra.addresses import Addresses
from infra.kafka.consumer import end_offsets
from infra.postgres.engine import async_engine
from projections.catalogue import PROJECTIONS
from projections.replay.run import ReplayProgress, ReplayRequest, ReplayResult, replay
from projections.replay.shared_log import Beside, LogReader, SharedLog

_CONNECTIONS: Final = 6
"""To Postgres, of replays beside each other: besides the one by which each keeps others from its read model."""


async def replay_together(
    addresses: Addresses, requests: Sequence[ReplayRequest], tell: Callable[[str, ReplayProgress], None]
) -> list[ReplayResult | BaseException]:
    """Rebuild several read models beside each other from one reading of the log; what one of them cannot do keeps none from going on.

    Return for each request its result, or what it ended with.
    """
    topics = {topic for each in requests for topic in PROJECTIONS[each.projection].topics}
    ends = await end_offsets(addresses.kafka_bootstrap, topics, addresses.topic_prefix)
    log = SharedLog(addresses.kafka_bootstrap, addresses.topic_prefix, ends)

    engine = async_engine(addresses.postgres_dsn, "tillstream-replay", pool_size=len(requests) + _CONNECTIONS)

    async def one(request: ReplayRequest, reader: LogReader) -> ReplayResult:
        try:
            return await replay(addresses, request, partial(tell, request.projection), beside=Beside(reader, engine))
        finally:
            log.leave(reader)

    readers = [log.join(PROJECTIONS[each.projection].topics) for each in requests]
    try:
        async with log.reading():
            return await asyncio.gather(*map(one, requests, readers), return_exceptions=True)
    finally:
        await engine.dispose()
