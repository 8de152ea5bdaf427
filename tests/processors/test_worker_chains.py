"""Workers of the chains' stage under the same faults as those of the stores': one shell, one set of guards."""

import signal
from collections.abc import Callable
from dataclasses import replace

import pytest

from contracts.events.alerts import AlertChanged
from processors.shell.exits import Exit
from tests.processors.observations import observation_chapters
from tests.processors.oracle import contents
from tests.processors.scene import PARTITIONS, Scene
from tests.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.long]


@pytest.fixture
def chains(make_scene: Callable[[], Scene]) -> Scene:
    """A scene of the chains' stage, with a rule that speaks of all it hears."""
    return replace(make_scene(), stage="chains", rules=("echo",))


def test_a_worker_of_chains_frozen_past_its_session_changes_nothing_when_it_wakes(chains: Scene) -> None:
    """With an observation in flight it is woken beside its successor, and ends."""
    story = observation_chapters(PARTITIONS)
    chains.tell(*next(story))
    frozen = chains.start("a", trap={"point": "derived_acknowledged", "action": "freeze"})
    until(frozen.sprang, 30.0, "the worker to freeze")
    chains.start("b")
    chains.caught_up()
    chains.tell(*next(story))
    chains.caught_up()
    frozen.signal(signal.SIGCONT)
    assert frozen.ended() == Exit.HEARTBEAT_TOO_OLD, frozen.said()
    chains.tell(*next(story))
    chains.caught_up()
    assert chains.differences() == []
    assert len(contents(chains.derived(), AlertChanged)) >= 3 * 6


@pytest.mark.parametrize("guard", [True, False])
def test_a_worker_of_chains_counts_a_redelivery_once_and_without_its_guard_twice(chains: Scene, guard: bool) -> None:
    """Killed when its states are on the log and its offset is not committed yet."""
    story = observation_chapters(PARTITIONS)
    chains.tell(*next(story))
    assert chains.start(trap={"point": "states_acknowledged"}).ended() == -signal.SIGKILL
    chains.tell(*next(story))
    chains.start(guard_offsets=guard)
    chains.caught_up()
    assert (chains.differences() == []) is guard
