"""A member of a group asks seldom while nothing comes, and at once hears what does."""

from typing import Any

import pytest

from contracts.records import OutboundRecord
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.kafka.group import GroupMember
from infra.kafka.publisher import Publisher

pytestmark = pytest.mark.stack

FETCH_MS = 100


def counted(member: GroupMember) -> list[Any]:
    """Note every question that the client puts to the broker."""
    fetcher, asked = member._client._fetcher, []
    send = fetcher._proc_fetch_request

    async def noted(*question: Any) -> Any:
        asked.append(question)
        return await send(*question)

    fetcher._proc_fetch_request = noted
    return asked


async def heard(member: GroupMember, count: int) -> list[bytes]:
    """Return the first records that come."""
    values: list[bytes] = []
    while len(values) < count:
        for records in (await member.fetch(FETCH_MS, 100)).values():
            values += [record.value for record in records]
    return values


async def test_an_idle_member_asks_seldom_and_a_busy_one_often(place: Addresses) -> None:
    """A tenth of the questions while nothing comes; the record that ends the silence ends the long waits with it."""
    member = GroupMember(place.kafka_bootstrap, "tests", f"{place.topic_prefix}idle", [STORE_FACTS], place.topic_prefix)
    await member.start()
    asked = counted(member)
    while not member.assigned:
        await member.fetch(FETCH_MS, 100)
    member.read_from(dict.fromkeys(member.assigned, 0))
    async with Publisher(place.kafka_bootstrap, "tests", prefix=place.topic_prefix) as publisher:
        await publisher.publish_all([OutboundRecord(STORE_FACTS, b"A", b"first", [])])
        assert await heard(member, 1) == [b"first"]
        for _ in range(10):
            assert await member.fetch(FETCH_MS, 100) == {}
        asked.clear()
        for _ in range(20):
            assert await member.fetch(FETCH_MS, 100) == {}
        assert len(asked) <= 6  # of half a second each; of 50 ms they would be 40

        await publisher.publish_all([OutboundRecord(STORE_FACTS, b"A", b"second", [])])
        assert await heard(member, 1) == [b"second"]
        asked.clear()
        assert await member.fetch(FETCH_MS, 100) == {}
        assert {question[-1]._max_wait_ms for question in asked} == {50}
    await member.stop()
