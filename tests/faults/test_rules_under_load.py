"""Rule workers of both stages die and stop every fifteen seconds under load: nothing is missing, wrong or double."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.events.alerts import AlertChanged
from infra.addresses import Addresses
from processors.shell.exits import Exit
from producers.simulator.faults import ALL
from producers.simulator.options import SimulationOptions
from tests.faults.chain_load import Load, records_of
from tests.faults.crew import Crew, Post
from tests.faults.stores_check import MODELS, await_stores, store_differences
from tests.places import PARTITIONS
from tests.processors.oracle import contents
from tests.processors.scene import Scene
from tests.projections import running
from tests.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.long, pytest.mark.timeout(1200)]

EVERY_SECONDS = 15.0
LOAD_SECONDS = 20.0  # between two faults; workers that need longer to be back find it waiting
RATE = 300.0
OPTIONS = SimulationOptions(seed=9, stores=6, days=9, partitions=PARTITIONS, duplicate_share=0.05, faults=ALL)
PATIENCE_SECONDS = 300.0
WITHDRAWALS = {Exit.HEARTBEAT_TOO_OLD, Exit.NO_PROGRESS}
"""How a worker may end that was held up, by a test or by other work of the machine."""


@dataclass
class Operation:
    """Workers of both stages over one log, and the read models behind them."""

    place: Addresses
    stores: Scene
    chains: Scene
    projections: running.Scene

    def crew(self, *more: Post, **safeguards: bool) -> Crew:
        """Name two workers of stores and one of chains."""
        return Crew([Post(self.stores, "a"), Post(self.chains, "a"), Post(self.stores, "b"), *more], safeguards)

    def settle(self, crew: Crew) -> None:
        """Wait until everybody has read everything."""
        with crew.watched():
            self.stores.caught_up(PATIENCE_SECONDS)
            self.stores.acknowledged(PATIENCE_SECONDS)
            self.chains.caught_up(PATIENCE_SECONDS)
        await_stores(self.projections, PATIENCE_SECONDS)

    def differences(self) -> list[str]:
        """Compare the log's own outcome with that of one undisturbed process, and the stores with it too."""
        stores, chains = self.stores.expected(), self.chains.expected()
        due = [made for replica in (*stores, *chains) for made in replica.derived]
        assert len(contents(due, AlertChanged)) > 100
        return [*self.stores.differences_to(stores), *self.chains.differences_to(chains), *store_differences(self.place, due)]


@pytest.fixture
def operation(place: Addresses, tmp_path: Path) -> Iterator[Operation]:
    """Run the read models, and end the workers afterwards."""
    with working(place, tmp_path) as found:
        yield found


@contextmanager
def working(place: Addresses, directory: Path) -> Iterator[Operation]:
    """Give an operation whose processes end with it."""
    for name in ("stores", "chains"):
        (directory / name).mkdir()
    stores = Scene(place.kafka_bootstrap, place.topic_prefix, directory / "stores", PARTITIONS, rules=("tally", "relay"))
    chains = Scene(place.kafka_bootstrap, place.topic_prefix, directory / "chains", PARTITIONS, "chains", ("echo",))
    with running.scene_on(place, directory) as projections:
        try:
            projections.start(*MODELS)
            yield Operation(place, stores, chains, projections)
        finally:
            stores.stop()
            chains.stop()


def await_next(crew: Crew, load: Load) -> None:
    """Let fifteen seconds of load pass, and more until all are at work again."""
    load.ask(LOAD_SECONDS)
    mark = time.monotonic() + EVERY_SECONDS
    until(lambda: crew.is_ready() and time.monotonic() >= mark, EVERY_SECONDS * 4, "the next fault")


def live_through(operation: Operation, crew: Crew, rounds: int) -> None:
    """Under load, every fifteen seconds kill one worker and stop another gently, each in its turn, while all of them work."""
    load = Load(operation.place.kafka_bootstrap, operation.place.topic_prefix, records_of(OPTIONS), RATE)
    crew.start()
    until(crew.is_ready, PATIENCE_SECONDS, "everybody is there")
    load.start()
    for number in range(rounds):
        await_next(crew, load)
        assert load.is_running()
        crew.end((number, signal.SIGKILL), (number + 1, signal.SIGTERM))
    until(crew.is_ready, PATIENCE_SECONDS, "everybody is back")
    load.end()
    operation.settle(crew)


def test_workers_that_die_and_stop_under_load_leave_nothing_out_and_nothing_twice(operation: Operation) -> None:
    """Six kills and six gentle stops, two of each to each worker, with one record in fifty broken."""
    crew = operation.crew()
    live_through(operation, crew, rounds=6)
    assert operation.differences() == []
    assert crew.ends.count(-signal.SIGKILL) == 6
    assert {0} <= set(crew.ends) - {-signal.SIGKILL} <= {0, *WITHDRAWALS}


def test_workers_frozen_past_their_sessions_under_load_change_nothing_when_they_wake(operation: Operation) -> None:
    """One of two workers of each stage sleeps with work in flight, twice, and wakes beside the other, which has its partitions."""
    load = Load(operation.place.kafka_bootstrap, operation.place.topic_prefix, records_of(OPTIONS), RATE)
    crew = operation.crew(Post(operation.chains, "b"))
    crew.start()
    until(crew.is_ready, PATIENCE_SECONDS, "everybody is there")
    load.start()
    await_next(crew, load)
    for _ in range(2):
        for what in (signal.SIGSTOP, signal.SIGCONT):
            crew.tell(what, 0, 1)
            await_next(crew, load)
            assert load.is_running()
    load.end()
    operation.settle(crew)
    assert operation.differences() == []
    assert {Exit.HEARTBEAT_TOO_OLD} <= set(crew.ends) <= WITHDRAWALS


def test_without_the_guard_the_same_load_does_damage(operation: Operation) -> None:
    """A kill of each is enough: what was applied and not committed yet counts again, on the log and in the stores."""
    live_through(operation, operation.crew(guard_offsets=False), rounds=3)
    found = operation.differences()
    assert [line for line in found if line.startswith("states")] != []
    assert [line for line in found if line.startswith("alert_transitions")] != []
