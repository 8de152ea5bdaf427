"""The publisher on a real broker: one by one or in batches, each record is where its position says, and in its order."""

import pytest

from contracts.records import OutboundRecord
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.kafka.publisher import NotDurable, Position, Publisher
from tests.projections.clickhouse.driving import read_all

pytestmark = pytest.mark.stack


def records_of(count: int, value: bytes = b"{}") -> list[OutboundRecord]:
    """Make records of several stores."""
    return [OutboundRecord(STORE_FACTS, f"S{n % 7}".encode(), value, [("ce_id", str(n).encode())]) for n in range(count)]


async def placed(place: Addresses) -> dict[tuple[int, int], tuple[bytes | None, bytes | None]]:
    """Return key and id of every record on the log by its place."""
    found = await read_all(place)
    return {(row.partition, row.offset): (row.key, dict(row.headers)["ce_id"]) for rows in found.values() for row in rows}


def places_of(outcomes: list[Position | NotDurable]) -> list[tuple[int, int]]:
    """Return the places; none of the records may be undecided."""
    assert not [outcome for outcome in outcomes if isinstance(outcome, NotDurable)]
    return [(outcome.partition, outcome.offset) for outcome in outcomes if isinstance(outcome, Position)]


@pytest.mark.parametrize("count", [1, 7, 8, 500])
async def test_each_record_is_where_its_position_says(place: Addresses, count: int) -> None:
    """Few records go one by one, many as batches of their partitions: the answer is the same."""
    records = records_of(count)
    async with Publisher(place.kafka_bootstrap, "tests", place.topic_prefix) as publisher:
        places = places_of(await publisher.publish(records))

    log = await placed(place)
    assert [log[at] for at in places] == [(record.key, record.headers[0][1]) for record in records]
    assert len(log) == count


async def test_a_store_has_one_partition_and_one_order_however_it_is_sent(place: Addresses) -> None:
    """A record of a batch follows the single records that were sent before it."""
    records = records_of(120)
    async with Publisher(place.kafka_bootstrap, "tests", place.topic_prefix) as publisher:
        places = [at for start in (0, 3, 60, 61, 110) for at in places_of(await publisher.publish(records[start : _end(start)]))]

    by_key: dict[bytes, list[tuple[int, int]]] = {}
    for record, at in zip(records, places, strict=True):
        by_key.setdefault(record.key, []).append(at)
    assert all(len({partition for partition, _ in found}) == 1 and found == sorted(found) for found in by_key.values())


def _end(start: int) -> int:
    return {0: 3, 3: 60, 60: 61, 61: 110, 110: 120}[start]


async def test_records_that_fill_many_batches_are_all_placed(place: Addresses) -> None:
    """A batch that is full is followed by another; a record larger than a batch has one of its own."""
    records = [*records_of(40, b"x" * 100_000), *records_of(2, b"y" * 600_000), *records_of(20)]
    async with Publisher(place.kafka_bootstrap, "tests", place.topic_prefix) as publisher:
        places = places_of(await publisher.publish(records))

    log = await placed(place)
    assert [log[at] for at in places] == [(record.key, record.headers[0][1]) for record in records]
