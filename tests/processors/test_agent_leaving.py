"""What becomes of a batch whose partition goes away while it is written, and of one that fails."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import TP

from processors.fold import Fold, Folded
from processors.safeguards import Safeguards
from processors.shell.consumer import Batch
from processors.shell.run import RuleAgent, Work
from processors.shell.table import StateTable
from processors.shell.writer import Writer

PLACE = TP("facts", 0)


class Scene:
    """An agent with one batch of two fetches at hand, whose partition is taken away at a point; notes what is done with it."""

    def __init__(self, leaves_at: str | None = None, failures: int = 0) -> None:
        self.leaves_at, self.failures = leaves_at, failures
        self.written, self.kept, self.acknowledged = list[bytes](), dict[str, bytes](), list[int]()
        self.settled = list[bool]()
        self.locked = list[bool]()
        self.progress = SimpleNamespace(expected={PLACE: 0}, done={}, take=lambda *_: True, busy=0)
        app = SimpleNamespace(consumer=SimpleNamespace(progress=self.progress), consumer_generation_id=1)
        table = SimpleNamespace(
            changelog_topic_name="states", data=SimpleNamespace(data=self.kept), put=lambda stage, _: self.kept.update(stage)
        )
        self.agent = RuleAgent(
            app, cast("StateTable", table), cast("Fold", self._fold), cast("Writer", self), Safeguards(), cast("Any", self)
        )

    async def run(self) -> None:
        """Work the batch off."""
        message = SimpleNamespace(tp=PLACE, partition=0, generation_id=1)
        fetches = [SimpleNamespace(message=message, ack=lambda number=number: self.acknowledged.append(number)) for number in (1, 2)]
        await self.agent._batch(Work(fetches, Batch([SimpleNamespace(offset=0), SimpleNamespace(offset=1)])))

    def _fold(self, *_: Any) -> Folded:
        return Folded((), ({"k": b"v"},), (), 0, self.settled.append)

    def reach(self, name: str) -> None:
        """Take the partition away at the point."""
        if name == self.leaves_at:
            self.progress.expected.clear()

    async def write_in_order(self, _: Any, rows: Any, __: Any) -> None:
        """Write states, or fail."""
        self.locked.append(self.agent.writing[0].locked())
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the broker went away")
        self.written += [value for _, value in rows]


@pytest.mark.parametrize("point", ["batch_received", "derived_acknowledged"])
async def test_no_state_is_written_of_a_partition_that_went_away(point: str) -> None:
    """Its successor writes them; nothing of the batch counts here, and its offset is not committed."""
    scene = Scene(leaves_at=point)
    await scene.run()
    assert (scene.written, scene.kept, scene.settled, scene.acknowledged, scene.progress.done) == ([], {}, [False], [], {})


async def test_no_offset_is_committed_of_a_partition_that_went_away_after_its_states_were_written() -> None:
    """What is in the table is known to be there all the same."""
    scene = Scene(leaves_at="states_acknowledged")
    await scene.run()
    assert (scene.written, scene.settled, scene.acknowledged, scene.progress.done) == ([b"v"], [True], [], {})


async def test_a_batch_that_fails_is_settled_as_such_and_comes_again_with_every_fetch_of_it_acknowledged() -> None:
    """States are written by one at a time in a partition."""
    scene = Scene(failures=1)
    await scene.run()
    assert (scene.written, scene.settled, scene.locked) == ([b"v"], [False, True], [True, True])
    assert (scene.acknowledged, scene.progress.done) == ([1, 2], {PLACE: 2})
