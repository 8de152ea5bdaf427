"""Read records at positions that the caller owns: nothing is committed for effect, nothing begins by itself."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import OffsetAndMetadata

from infra.kafka.names import plain, qualified

Partition: TypeAlias = TopicPartition
Record: TypeAlias = ConsumerRecord


def consumer(bootstrap: str, client_id: str, group: str | None = None, **options: object) -> AIOKafkaConsumer:
    """Make an unsubscribed consumer with auto-commit off and no automatic offset reset."""
    settings: dict[str, object] = {
        "bootstrap_servers": bootstrap,
        "client_id": client_id,
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "fetch_max_wait_ms": 50,
        "max_partition_fetch_bytes": 4 * 1024 * 1024,
        "session_timeout_ms": 6_000,
        "heartbeat_interval_ms": 1_500,
        "rebalance_timeout_ms": 6_000,
        "check_crcs": False,
    }
    settings.update(options)
    return AIOKafkaConsumer(**settings)


async def end_offsets(bootstrap: str, topics: Iterable[str], prefix: str = "") -> dict[Partition, int]:
    """Return the next offset to be written of every partition of the topics (plain names in, plain names out)."""
    wanted = [qualified(prefix, topic) for topic in topics]
    if not wanted:
        return {}
    client = consumer(bootstrap, "tillstream-ends")
    await client.start()
    try:
        partitions = await _partitions(client, wanted)
        ends = await client.end_offsets(partitions) if partitions else {}
        return {Partition(plain(prefix, tp.topic), tp.partition): end for tp, end in ends.items()}
    finally:
        await client.stop()


async def first_offsets(bootstrap: str, partitions: Iterable[Partition], prefix: str = "") -> dict[Partition, int]:
    """Return the first offset that is still there of each partition (plain names in, plain names out)."""
    wanted = [_on_cluster(tp, prefix) for tp in partitions]
    if not wanted:
        return {}
    client = consumer(bootstrap, "tillstream-ends")
    await client.start()
    try:
        found = await client.beginning_offsets(wanted)
    finally:
        await client.stop()
    return {Partition(plain(prefix, tp.topic), tp.partition): offset for tp, offset in found.items()}


async def _partitions(client: AIOKafkaConsumer, topics: Iterable[str]) -> list[Partition]:
    found = []
    for topic in topics:
        numbers = client.partitions_for_topic(topic)
        if numbers is None:
            await client._client.force_metadata_update()  # a topic younger than this client's metadata
            client._client.add_topic(topic)
            await client._client.force_metadata_update()
            numbers = client.partitions_for_topic(topic)
        found += [TopicPartition(topic, number) for number in sorted(numbers or ())]
    return found


def _on_cluster(tp: Partition, prefix: str) -> Partition:
    return Partition(qualified(prefix, tp.topic), tp.partition)


async def read_range(
    bootstrap: str,
    begin: Mapping[Partition, int],
    until: Mapping[Partition, int],
    on_records: Callable[[Partition, list[Record]], None],
    prefix: str = "",
    max_records: int = 5_000,
) -> None:
    """Read `[begin, until)` of each partition once, in order per partition; topics are plain names in `begin` and `until`."""
    start = {_on_cluster(tp, prefix): offset for tp, offset in begin.items()}
    unread = {_on_cluster(tp, prefix): end for tp, end in until.items() if begin.get(tp, 0) < end}
    if not unread:
        return
    client = consumer(bootstrap, "tillstream-reader")
    await client.start()
    try:
        client.assign(list(unread))
        for tp in unread:
            client.seek(tp, start.get(tp, 0))
        while unread:
            for tp, records in (await client.getmany(*unread, timeout_ms=500, max_records=max_records)).items():
                wanted = [r for r in records if r.offset < unread[tp]]
                if wanted:
                    on_records(Partition(plain(prefix, tp.topic), tp.partition), wanted)
            for tp in [tp for tp in unread if await client.position(tp) >= unread[tp]]:
                del unread[tp]
                client.pause(tp)
    finally:
        await client.stop()


async def committed_offsets(bootstrap: str, group: str, prefix: str = "") -> dict[Partition, int]:
    """Return what a consumer group has committed; plain topic names."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    return {Partition(plain(prefix, tp.topic), tp.partition): meta.offset for tp, meta in offsets.items() if meta.offset >= 0}


def committed(offset: int) -> OffsetAndMetadata:
    """Wrap an offset for a commit that only lag tools read."""
    return OffsetAndMetadata(offset, "")
