"""Where a worker reads on after partitions were dealt anew: nothing that was fetched and dropped meanwhile is passed over."""

import asyncio
from typing import Any, cast

import pytest
from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from processors.safeguards import NoCrashPoints, Safeguards
from processors.shell.consumer import Batch, Consumer, Progress, Sources
from processors.shell.heartbeat import Heartbeat

NEW, OLD, STATES = TP("facts", 0), TP("facts", 1), TP("changelog", 0)
COMMITTED = {OLD: 7}


class _Client(Consumer):
    """The consumer over a client that has read on to somewhere, and goes back only to what is committed, as aiokafka does."""

    sources = Sources(frozenset({"facts"}), Heartbeat(), Safeguards(), NoCrashPoints())

    def __init__(self) -> None:
        self.progress, self._seeking, self._held_back = Progress(), asyncio.Lock(), set()
        self._committed_offset = cast("Any", {NEW: None, OLD: None, STATES: None})
        self.gone = set[TP]()
        """Partitions that are taken away while a seek is under way."""
        self.positions = {NEW: 9, OLD: 12, STATES: 40}
        self.active, self.flow_active = {NEW, OLD}, True

    def assignment(self) -> set[TP]:
        return set(self.positions)

    def _get_active_partitions(self) -> set[TP]:
        return self.active

    async def seek_wait(self, partitions: Any) -> None:
        self.positions = {tp: offset for tp, offset in self.positions.items() if tp not in self.gone}
        self.positions.update({tp: offset for tp, offset in partitions.items() if tp in self.positions})
        if self.gone & set(partitions):
            raise IllegalStateError("not assigned")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> _Client:
    """Give a client below Faust's own part, which asks for what is committed and seeks to that."""

    async def sought(self: _Client) -> None:
        self.positions.update(COMMITTED)
        self._committed_offset.update(cast("Any", COMMITTED))

    async def fetched(self: _Client, active: set[TP], _: float) -> dict[TP, list[Any]]:
        self.positions.update({tp: self.positions[tp] + 3 for tp in active})
        return {tp: ["a", "b", "c"] for tp in active}

    monkeypatch.setattr(driver.Consumer, "perform_seek", sought)
    monkeypatch.setattr(driver.Consumer, "_getmany", fetched)
    monkeypatch.setattr("processors.shell.consumer.cut", lambda records: [Batch(records)])
    return _Client()


async def test_a_partition_of_which_nothing_is_committed_is_read_from_its_beginning(client: _Client) -> None:
    """What it read of it before is not known any more; changelogs are sought by the recovery alone."""
    await client.perform_seek()
    assert client.positions == {NEW: 0, OLD: 7, STATES: 40}
    assert client.progress.expected == {NEW: 0, OLD: 7}


async def _answered(client: _Client, still_active: set[TP]) -> set[TP]:
    """Fetch from both sources, of which only some are active when the answer is there."""
    fetching = client._getmany({NEW, OLD}, 1.0)
    client.active = still_active
    return set(await fetching)


async def test_what_answers_when_its_partition_is_paused_is_read_again(client: _Client) -> None:
    """The fetch began before; Faust drops what is paused, so that the next one must begin where this one did."""
    await client.perform_seek()
    assert await _answered(client, {OLD}) == {NEW, OLD}
    assert client.positions == {NEW: 0, OLD: 10, STATES: 40}
    client.flow_active = False
    assert await _answered(client, set()) == {NEW, OLD}
    assert client.positions == {NEW: 3, OLD: 13, STATES: 40}, "Faust itself seeks when the flow is stopped"


async def test_where_the_seek_is_still_to_come_it_decides(client: _Client) -> None:
    """Nothing is expected yet of partitions that were just dealt."""
    await _answered(client, set())
    assert client.positions[NEW] == 12
    await client.perform_seek()
    assert client.positions[NEW] == 0


async def test_a_partition_that_went_away_meanwhile_is_left_to_who_has_it(client: _Client) -> None:
    """A seek that comes too late is none."""
    await client.perform_seek()
    client.gone = {NEW}
    assert await _answered(client, set()) == {NEW, OLD}
    assert client.positions == {OLD: 7, STATES: 40}
