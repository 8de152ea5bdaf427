"""The changelog topic of the states, made before a worker starts: compacted only, and not for hours.

On a topic that creates itself Faust fails; compacted early, a stale record behind a newer one would be all that is left.
"""

import asyncio
from contextlib import suppress
from typing import Any

from faust.transport.drivers import aiokafka as driver

_HOUR_MILLISECONDS = 3_600_000
CONFIGURATION = {
    "cleanup.policy": "compact",
    "min.compaction.lag.ms": str(2 * _HOUR_MILLISECONDS),
    "max.message.bytes": "1048588",
}
_LEADER_SECONDS = 30.0


class ChangelogUnusable(RuntimeError):
    """The topic exists with another number of partitions than the facts have, or gets no leader."""


async def ensure_changelog(bootstrap: str, name: str, partitions: int, replication: int) -> None:
    """Create the topic where it is missing, and wait until each partition has a leader."""
    client = driver.aiokafka.AIOKafkaClient(bootstrap_servers=bootstrap, client_id="tillstream-changelog")
    await client.bootstrap()
    try:
        async with asyncio.timeout(_LEADER_SECONDS):
            if not await _leaders(client, name):
                await _create(client, name, partitions, replication)
            while not (found := await _leaders(client, name)):  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise ChangelogUnusable(f"{name} has no leader") from error
    finally:
        await client.close()
    if found != partitions:
        raise ChangelogUnusable(f"{name} has {found} partitions, the facts have {partitions}")


async def _leaders(client: Any, name: str) -> int:
    """Return the number of partitions, 0 while one of them has no leader."""
    client.add_topic(name)
    await client.force_metadata_update()
    known = client.cluster.partitions_for_topic(name) or set()
    ready = client.cluster.available_partitions_for_topic(name) or set()
    return len(known) if known == ready else 0


async def _create(client: Any, name: str, partitions: int, replication: int) -> None:
    request = driver.CreateTopicsRequest([(name, partitions, replication, [], list(CONFIGURATION.items()))], 10_000, False)
    response = await client.send(client.get_random_node(), request)
    for row in response.topic_errors:
        if row[1] and row[1] != driver.TopicExistsError.errno:
            raise driver.for_code(row[1])(row[2] if len(row) > 2 else name)


def make_changelog(bootstrap: str, name: str, partitions: int, replication: int) -> None:
    """Do it from code that runs no event loop."""
    with suppress(driver.TopicExistsError):
        asyncio.run(ensure_changelog(bootstrap, name, partitions, replication))
