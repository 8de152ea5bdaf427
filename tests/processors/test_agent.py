"""What the agent knows once states are in the table, whatever becomes of the rest of a batch."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import TP

from processors.fold import Fold
from processors.safeguards import NoCrashPoints, Safeguards
from processors.shell.consumer import BYTES_PER_BATCH, RECORDS_PER_BATCH, Batch
from processors.shell.refresh import refresh
from processors.shell.run import RuleAgent, next_work
from processors.shell.table import StateTable
from processors.shell.writer import Writer
from tests.processors.events import at, log_of, no_show_policy, shift, tick


class _Table:
    """Keeps values as the worker's table does."""

    changelog_topic_name = "states"

    def __init__(self) -> None:
        self.data = SimpleNamespace(data=dict[str, bytes](), _key_partition=dict[str, int]())

    def get_state(self, key: str) -> bytes | None:
        value: bytes | None = self.data.data.get(key)
        return value

    def record(self, key: str, value: bytes, partition: int) -> tuple[str, bytes, int]:
        return key, value, partition

    def put(self, values: dict[str, bytes], _: int) -> None:
        self.data.data.update(values)


class _Writer:
    """Writes states; the first time, it fails to say how far the rules are."""

    def __init__(self) -> None:
        self.failures = 1

    async def write_in_order(self, _: Any, rows: Any, acknowledged: Any) -> None:
        list(rows)
        await acknowledged()

    async def send(self, records: Any) -> None:
        if any(record.partition is not None for record in records) and self.failures:
            self.failures -= 1
            raise ConnectionError("the broker went away")


async def test_what_is_in_the_table_is_due_though_nothing_more_of_its_batch_was_written() -> None:
    """A batch that is folded again changes no state a second time, so when each is due must be known from the first time."""
    fold, table = Fold(), _Table()
    tp = TP("facts", 0)
    progress = SimpleNamespace(expected={tp: 0}, done={}, take=lambda *_: True, busy=0)
    app = SimpleNamespace(consumer=SimpleNamespace(progress=progress), consumer_generation_id=1)
    log = log_of(no_show_policy(10), shift("s", at(60), at(180)), tick(at(5)))
    message = SimpleNamespace(tp=tp, partition=0, generation_id=1)
    event = SimpleNamespace(message=message, value=log, ack=lambda: None)
    agent = RuleAgent(app, cast("StateTable", table), fold, cast("Writer", _Writer()), Safeguards(), NoCrashPoints())
    await agent._batch(next_work([event]))
    assert progress.done == {tp: 3}
    assert any("|shift" in key or "|attendance" in key for key in fold.index.of(0).due), fold.index.of(0).due


class _Stream:
    """Hands over batches as Faust's stream does, the last one when something has happened, and says when it is taken."""

    def __init__(self, happened: asyncio.Event, over: asyncio.Event, *batches: Any) -> None:
        self._happened, self._over, self._batches = happened, over, batches

    def noack(self) -> "_Stream":
        return self

    async def events(self) -> Any:
        for batch in self._batches[:-1]:
            yield batch
        await asyncio.wait_for(self._happened.wait(), 30)
        yield self._batches[-1]
        self._over.set()


class _SlowIn:
    """Lets writes to partition 0 end when all batches are handed over, those to partition 1 at once; notes the order."""

    def __init__(self) -> None:
        self.course: list[str] = []
        self.other, self.over = asyncio.Event(), asyncio.Event()

    async def write_in_order(self, place: Any, rows: Any, acknowledged: Any) -> None:
        list(rows)
        partition = place[1]
        if partition:
            self.other.set()
        else:
            await asyncio.wait_for(self.over.wait(), 30)
        await acknowledged()
        self.course.append(f"{partition} written")

    async def send(self, _: Any) -> None:
        """Nothing is derived."""


async def test_a_partition_is_folded_while_the_broker_is_waited_for_in_another_and_never_two_batches_of_one() -> None:
    """One wait is not added to the next over all partitions; what belongs to one partition keeps its order."""
    progress = SimpleNamespace(expected=dict.fromkeys((TP("facts", 0), TP("facts", 1)), 0), done={}, take=lambda *_: True, busy=0)
    app = SimpleNamespace(consumer=SimpleNamespace(progress=progress), consumer_generation_id=1)
    log = log_of(no_show_policy(10), shift("s", at(60), at(180)), tick(at(5)), tick(at(10)))

    def batch(partition: int, records: Any) -> Any:
        message = SimpleNamespace(tp=TP("facts", partition), partition=partition, generation_id=1)
        return SimpleNamespace(message=message, value=records, ack=lambda: None)

    writer, fold, folds = _SlowIn(), Fold(), iter((0, 1, 0))

    def noted(*given: Any) -> Any:
        writer.course.append(f"{next(folds)} folded")
        return fold(*given)

    agent = RuleAgent(app, cast("StateTable", _Table()), cast("Fold", noted), cast("Writer", writer), Safeguards(), NoCrashPoints())
    await agent.run(_Stream(writer.other, writer.over, batch(0, log[:3]), batch(1, log[:3]), batch(0, log[3:])))
    assert writer.course == ["0 folded", "1 folded", "1 written", "0 written", "0 folded", "0 written"]
    assert progress.done == {TP("facts", 0): 4, TP("facts", 1): 3}
    assert progress.busy == 0


def test_what_waits_of_a_partition_is_one_batch_as_far_as_it_goes_on_in_one_assignment() -> None:
    """A hole, a step back, another assignment and the limits of a batch begin another one; nothing is left out or turned round."""

    def fetch(generation: int, *offsets: int, size: int = 10) -> Any:
        records = Batch(SimpleNamespace(offset=offset, value=bytes(size)) for offset in offsets)
        return SimpleNamespace(message=SimpleNamespace(tp=TP("facts", 0), generation_id=generation), value=records)

    half, full = BYTES_PER_BATCH // 2, 6 + RECORDS_PER_BATCH
    waiting = [
        fetch(1, 0, 1), fetch(1, 2), fetch(1, 4), fetch(1, 4), fetch(2, 5), fetch(2, *range(6, full)),
        fetch(2, full, size=half), fetch(2, full + 1, size=half), fetch(2, full + 2, size=4_000), fetch(2, full + 3, size=3 * half),
    ]  # fmt: skip
    taken = []
    while waiting:
        work = next_work(waiting)
        taken.append((work.generation, work.records[0].offset, work.records[-1].offset, len(work.events)))
    assert taken == [
        (1, 0, 2, 2), (1, 4, 4, 1), (1, 4, 4, 1), (2, 5, 5, 1), (2, 6, full - 1, 1), (2, full, full + 1, 2), (2, full + 2, full + 2, 1),
        (2, full + 3, full + 3, 1),
    ]  # fmt: skip


class _AfterTheFirst:
    """Hands over one fetch, and another one when the first is acknowledged."""

    def __init__(self) -> None:
        self.acknowledged, self.over = asyncio.Event(), asyncio.Event()

    def noack(self) -> "_AfterTheFirst":
        return self

    async def events(self) -> Any:
        message = SimpleNamespace(tp=TP("facts", 0), partition=0, generation_id=1)
        first, second = log_of(tick(at(5)), tick(at(10)))
        yield SimpleNamespace(message=message, value=[first], ack=self.acknowledged.set)
        await asyncio.wait_for(self.acknowledged.wait(), 30)
        yield SimpleNamespace(message=message, value=[second], ack=lambda: None)
        self.over.set()


async def test_what_comes_right_behind_a_batch_of_its_partition_waits_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch costs the broker the same questions with one record as with many, so the next one begins a moment later."""
    monkeypatch.setattr("processors.shell.run._GATHER_SECONDS", 60.0)
    stream, folded, fold = _AfterTheFirst(), list[int](), Fold()

    def noted(records: Any, *given: Any) -> Any:
        folded.append(records[0].offset)
        return fold(records, *given)

    writer = _Writer()
    writer.failures = 0
    progress = SimpleNamespace(expected={TP("facts", 0): 0}, done={}, take=lambda *_: True, busy=0)
    app = SimpleNamespace(consumer=SimpleNamespace(progress=progress), consumer_generation_id=1)
    agent = RuleAgent(app, cast("StateTable", _Table()), cast("Fold", noted), cast("Writer", writer), Safeguards(), NoCrashPoints())
    running = asyncio.create_task(agent.run(stream))
    await asyncio.wait_for(stream.over.wait(), 30)
    await asyncio.wait({running}, timeout=0.1)
    assert folded == [0]
    running.cancel()
    await asyncio.wait({running})


class _States:
    """Collects states that are written again."""

    def __init__(self) -> None:
        self.written: list[Any] = []

    async def write_states(self, records: Any) -> None:
        self.written += records


async def test_a_refresh_waits_for_the_batch_of_its_partition_and_writes_what_is_there_then() -> None:
    """Written beside a batch, an old value could end behind the new one on the changelog; a partition that went away is left alone."""
    table, writer = _Table(), _States()
    table.data.data.update({"a": b"old", "b": b"of one", "c": b"of another worker"})
    table.data._key_partition.update({"a": 0, "b": 1, "c": 2})
    progress = SimpleNamespace(expected=dict.fromkeys((TP("facts", 0), TP("facts", 1)), 0))
    app = SimpleNamespace(consumer=SimpleNamespace(progress=progress))
    agent = RuleAgent(app, cast("StateTable", table), Fold(), cast("Writer", writer), Safeguards(), NoCrashPoints())
    async with agent.writing[0]:
        refreshing = asyncio.create_task(refresh(agent))
        await asyncio.wait({refreshing}, timeout=0.05)
        assert not refreshing.done()
        assert ("a", b"old", 0) not in writer.written
        table.put({"a": b"new"}, 0)
    assert await refreshing == 2
    assert sorted(writer.written) == [("a", b"new", 0), ("b", b"of one", 1)]


class _Fetches:
    """Hands over fetches of one partition, at most so many, and counts those that are taken."""

    def __init__(self, most: int) -> None:
        self.taken, self.most = 0, most

    def noack(self) -> "_Fetches":
        return self

    async def events(self) -> Any:
        record = log_of(tick(at(5)))[0]
        while self.taken < self.most:
            message = SimpleNamespace(tp=TP("facts", 0), partition=0, generation_id=1)
            yield SimpleNamespace(message=message, value=[record], ack=lambda: None)
            self.taken += 1


async def test_what_waits_of_a_partition_is_bounded() -> None:
    """While the broker does not answer, fetches stay where the engine holds them back, and not here."""
    stream, answered = _Fetches(100), asyncio.Event()

    class Writer:
        async def write_in_order(self, *_: Any) -> None:
            await answered.wait()

        async def send(self, *_: Any) -> None:
            """Nothing is derived."""

    progress = SimpleNamespace(expected={TP("facts", 0): 0}, done={}, take=lambda *_: True, busy=0)
    app = SimpleNamespace(consumer=SimpleNamespace(progress=progress), consumer_generation_id=1)
    agent = RuleAgent(app, cast("StateTable", _Table()), Fold(), cast("Any", Writer()), Safeguards(), NoCrashPoints())
    running = asyncio.create_task(agent.run(stream))
    await asyncio.wait({running}, timeout=0.1)
    assert stream.taken < 40
    running.cancel()
    await asyncio.wait({running})
