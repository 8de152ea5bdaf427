"""Create topics as they are declared, wait until they have leaders, and read what a log is called and who reads it."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from contracts.topics import TOPICS, Topic
from infra.kafka.names import qualified


class TopicsUnusable(RuntimeError):
    """A topic exists with another shape than declared, or gets no leader in time."""


def _configuration(topic: Topic, replication: int) -> dict[str, str]:
    return {
        "cleanup.policy": "delete",
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": str(topic.retention_days * 86_400_000) if topic.retention_days else "-1",
        "retention.bytes": "-1",
        "min.insync.replicas": str(max(1, replication - 1)),
    }


async def ensure_topics(
    bootstrap: str,
    partitions: int,
    replication: int = 1,
    prefix: str = "",
    declared: Mapping[str, Topic] = TOPICS,
    timeout_seconds: float = 30.0,
) -> None:
    """Create missing topics and wait for their leaders; TopicsUnusable when partition counts differ from the declaration."""
    topics = {qualified(prefix, topic.name): topic for topic in declared.values()}
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        known = set(await admin.list_topics())
        new = [
            NewTopic(name, topic.partitions(partitions), replication, topic_configs=_configuration(topic, replication))
            for name, topic in topics.items()
            if name not in known
        ]
        if new:
            with suppress(TopicAlreadyExistsError):  # another process was faster; the check below judges what it made
                await admin.create_topics(new)
        await _wait_for_leaders(admin, topics, partitions, timeout_seconds)
    finally:
        await admin.close()


async def _wait_for_leaders(admin: AIOKafkaAdminClient, topics: Mapping[str, Topic], partitions: int, timeout_seconds: float) -> None:
    async with asyncio.timeout(timeout_seconds):
        while True:
            described = {row["topic"]: row["partitions"] for row in await admin.describe_topics(list(topics))}
            if all(described.get(name) and all(p["leader"] >= 0 for p in described[name]) for name in topics):
                break
            await asyncio.sleep(0.1)
    for name, topic in topics.items():
        if len(described[name]) != topic.partitions(partitions):
            raise TopicsUnusable(f"{name} has {len(described[name])} partitions, {topic.partitions(partitions)} are declared")


async def log_id(bootstrap: str) -> str:
    """Return the cluster id: positions are valid in this log only."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described = await admin.describe_cluster()
        return str(described["cluster_id"])
    finally:
        await admin.close()


async def group_members(bootstrap: str, group: str) -> int | None:
    """Return how many processes are members of a consumer group; None where the broker does not say."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (response,) = await admin.describe_consumer_groups([group])
        ((error, _, _, _, _, members, *_),) = response.groups
        return None if error else len(members)
    except KafkaError:
        return None
    finally:
        await admin.close()


async def delete_topics(bootstrap: str, prefix: str) -> None:
    """Delete every topic whose name begins with a prefix that is not empty."""
    if not prefix:
        raise ValueError("a prefix is needed: without one every topic would go")
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        doomed = [name for name in await admin.list_topics() if name.startswith(prefix)]
        if doomed:
            await admin.delete_topics(doomed)
    finally:
        await admin.close()
