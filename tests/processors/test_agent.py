"""What the agent knows once states are in the table, whatever becomes of the rest of a batch."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from processors.fold import Fold
from processors.safeguards import NoCrashPoints, Safeguards
from processors.shell.run import RuleAgent
from processors.shell.table import StateTable
from processors.shell.writer import Writer
from tests.processors.events import at, log_of, no_show_policy, shift, tick


class _Table:
    """Keeps values as the worker's table does."""

    changelog_topic_name = "states"

    def __init__(self) -> None:
        self.data = SimpleNamespace(data=dict[str, bytes]())

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
    tp = SimpleNamespace(topic="facts", partition=0)
    progress = SimpleNamespace(expected={tp.partition: 0}, done={}, take=lambda *_: True, busy=False)
    app = SimpleNamespace(consumer=SimpleNamespace(progress=progress), consumer_generation_id=1)
    log = log_of(no_show_policy(10), shift("s", at(60), at(180)), tick(at(5)))
    message = SimpleNamespace(tp=tp.partition, partition=0, generation_id=1)
    event = SimpleNamespace(message=message, value=log, ack=lambda: None)
    agent = RuleAgent(app, cast("StateTable", table), fold, cast("Writer", _Writer()), Safeguards(), NoCrashPoints(), asyncio.Lock())
    await agent._batch(event)
    assert progress.done == {0: 3}
    assert any("|shift" in key or "|attendance" in key for key in fold.index.of(0).due), fold.index.of(0).due
