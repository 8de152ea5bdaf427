"""Read partitions from their first record, each only while the caller has room for more."""

from collections.abc import Awaitable, Callable, Iterable

from aiokafka.errors import OffsetOutOfRangeError

from infra.kafka.consumer import Partition, Record, consumer
from infra.kafka.group import OutOfRange
from infra.kafka.names import plain, qualified

_FETCH_MILLISECONDS = 250


async def read_wanted(
    bootstrap: str,
    partitions: Iterable[Partition],
    wanted: Callable[[], Awaitable[list[Partition]]],
    take: Callable[[Partition, list[Record]], None],
    prefix: str = "",
    max_records: int = 2_000,
) -> None:
    """Read of what `wanted` returns, plain topic names, until it returns nothing; OutOfRange where the log has no first record any more."""
    there = {tp: Partition(qualified(prefix, tp.topic), tp.partition) for tp in partitions}
    client = consumer(bootstrap, "tillstream-reader")
    await client.start()
    try:
        client.assign(list(there.values()))
        for tp in there.values():
            client.seek(tp, 0)
        while now := await wanted():
            found = await client.getmany(*(there[tp] for tp in now), timeout_ms=_FETCH_MILLISECONDS, max_records=max_records)
            for tp, records in found.items():
                take(Partition(plain(prefix, tp.topic), tp.partition), records)
    except OffsetOutOfRangeError as error:
        raise OutOfRange(str(error)) from error
    finally:
        await client.stop()
