"""A process that sends a dead letter again and kills itself: before the log has the copy, or before anybody noted that it has."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence

from contracts.records import OutboundRecord
from infra.addresses import Addresses
from infra.kafka.publisher import NotDurable, Position, Publisher
from infra.postgres.engine import async_engine
from projections.dead_letters import LetterKey
from projections.letter_decisions import retry_letter


class Killed:
    """Publishes, or not, and ends without an answer."""

    def __init__(self, publisher: Publisher, appends: bool) -> None:
        self._publisher, self._appends = publisher, appends

    async def publish(self, records: Sequence[OutboundRecord], timeout_seconds: float) -> list[Position | NotDurable]:
        """Die."""
        if self._appends:
            await self._publisher.publish_all(records, timeout_seconds)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody lives here")


async def _retry(addresses: Addresses, key: LetterKey, appends: bool) -> None:
    async with Publisher(addresses.kafka_bootstrap, "tests", addresses.topic_prefix) as publisher:
        await retry_letter(async_engine(addresses.postgres_dsn, "tests"), Killed(publisher, appends), key)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    asyncio.run(_retry(Addresses(**given["addresses"]), LetterKey(**given["key"]), given["appends"]))
