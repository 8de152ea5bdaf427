"""What is read of a batch ahead of its turn, while it grows; without any server."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.records import LogRecord
from contracts.topics import STORE_FACTS
from projections.batching import Batch, Part, part_batch, sort_records
from projections.sinks.reading import Reading
from tests.projections.test_batching import COVERS, KINDS, _record

PARTS = (Part(STORE_FACTS, 0), Part(STORE_FACTS, 1))


class Reader:
    """Notes what is read, and at which place."""

    def __init__(self) -> None:
        self.read: list[tuple[int, Part, int]] = []

    def __call__(self, first: int, records: Sequence[LogRecord]) -> list[Any]:
        """Read."""
        items = [(place, Part(record.topic, record.partition), record.offset) for place, record in enumerate(records, first)]
        self.read += items
        return items


def batch_of(logs: Sequence[Sequence[LogRecord]], epoch: int = 1) -> Batch:
    """Return a batch of the records of each partition, where it has some."""
    parts = [part_batch(part, epoch, log[0].offset, log) for part, log in zip(PARTS, logs, strict=True) if log]
    return Batch("sales", 1, tuple(parts))


def log_of(part: Part, kinds: Sequence[str]) -> list[LogRecord]:
    """Return records of these kinds, from offset 5 on."""
    return [replace_part(_record(kind, 5 + number), part.number) for number, kind in enumerate(kinds)]


def replace_part(record: LogRecord, number: int) -> LogRecord:
    """Return the same record in another partition."""
    return type(record)(record.topic, number, record.offset, record.timestamp, record.key, record.value, record.headers)  # type: ignore[call-arg]


kinds = st.lists(st.sampled_from(KINDS), max_size=12)


@given(first=kinds, second=kinds, cuts=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=3), portion=st.integers(1, 5))
def test_each_record_of_a_batch_that_grows_is_read_once(
    first: list[str], second: list[str], cuts: list[tuple[int, int]], portion: int
) -> None:
    """Whatever was there when it was looked at: in the end it is read as if all had been there at once, but for the order of partitions."""
    logs = [log_of(part, told) for part, told in zip(PARTS, (first, second), strict=True)]
    if not any(logs):
        return
    reader = Reader()
    reading = Reading(COVERS, reader, portion)

    async def look() -> Any:
        for ends in sorted(cuts):
            if any(part := [log[:end] for log, end in zip(logs, ends, strict=True)]):
                await reading.look_at(batch_of(part))
        whole = batch_of(logs)
        await reading.look_at(whole)
        return whole, await reading.take(whole)

    ends = [*sorted(cuts), (12, 12)]
    grown = all(before[1] <= after[1] for before, after in pairwise(ends))
    whole, looked = asyncio.run(look())

    assert looked.in_order() == [sort_records(part, COVERS) for part in whole.parts]
    assert [(Part(each.topic, each.partition), each.offset) for each in looked.taken] == [item[1:] for item in looked.items]
    assert [place for place, *_ in looked.items] == list(range(len(looked.items)))
    assert sorted(item[1:] for item in looked.items) == sorted(
        (part.part, record.offset) for part, split in zip(whole.parts, looked.in_order(), strict=True) for record in split.taken
    )
    assert not grown or len(reader.read) == len(looked.items)


async def test_what_does_not_go_on_from_what_was_read_is_read_anew() -> None:
    """Another owner's batch, one that begins elsewhere, and one that was not looked at."""
    log = log_of(PARTS[0], ["sale"] * 4)
    reader = Reader()
    reading = Reading(COVERS, reader, 10)
    await reading.look_at(batch_of([log[:2], []]))
    await reading.look_at(batch_of([log, []], epoch=2))
    assert len(reader.read) == 2 + 4
    await reading.look_at(batch_of([log[1:], []], epoch=2))
    assert len(reader.read) == 2 + 4 + 3

    other = batch_of([log, []])
    assert [item[2] for item in (await reading.take(other)).items] == [5, 6, 7, 8]
    assert len(reader.read) == 2 + 4 + 3 + 4


async def test_a_retry_of_a_batch_leaves_what_was_read_of_the_next_one() -> None:
    """The batch before may be tried again while the next one is read."""
    log = log_of(PARTS[0], ["sale"] * 4)
    reader = Reader()
    reading = Reading(COVERS, reader, 10)
    ahead = batch_of([log[2:], []])
    await reading.look_at(ahead)
    await reading.take(batch_of([log[:2], []]))
    assert len(reader.read) == 2 + 2

    await reading.take(ahead)
    assert len(reader.read) == 2 + 2
