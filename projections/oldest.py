"""How old the first record is that a consumer has not read: asked of the log, a single record for each place."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from infra.addresses import Addresses
from infra.kafka.consumer import Partition, Record, read_range

_READ_SECONDS: Final = 10.0
Place = tuple[Partition, int]
"""A partition and an offset."""


async def recorded_times(addresses: Addresses, places: Iterable[Place], seconds: float = _READ_SECONDS) -> dict[Place, datetime]:
    """Return the broker's time of the record at each place; consumers at several places of a partition cost a read each.

    What the log lost, or does not tell within so many seconds, is left out.
    """
    found: dict[Place, datetime] = {}

    def note(tp: Partition, records: list[Record]) -> None:
        found[tp, records[0].offset] = datetime.fromtimestamp(records[0].timestamp / 1000, UTC)

    waiting = set(places)
    while waiting:
        begin: dict[Partition, int] = dict(sorted(waiting))
        until = {tp: offset + 1 for tp, offset in begin.items()}
        with suppress(RuntimeError, TimeoutError):
            async with asyncio.timeout(seconds):
                await read_range(addresses.kafka_bootstrap, begin, until, note, addresses.topic_prefix, max_records=1)
        waiting -= set(begin.items())
    return found


def oldest(unread: Mapping[Partition, int], times: Mapping[Place, datetime]) -> datetime | None:
    """Return the earliest time among the first unread records of a consumer; None where there are none, or nobody knows."""
    return min((times[at] for at in unread.items() if at in times), default=None)
