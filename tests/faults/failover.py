"""How long partitions are without their rules when one of two workers ends: from its end until events sent after it have their alerts."""

import asyncio
import json
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aiokafka.structs import TopicPartition

from contracts.codec import decode
from contracts.events.alerts import AlertChanged
from contracts.topics import ALERTS
from infra.kafka.consumer import consumer
from infra.processes import BackOff
from tests.processors.events import at, no_show_policy, shift, tick
from tests.processors.scene import Scene, Worker
from tests.waiting import patience, until

Fault = Literal["killed", "killed and started again", "stopped", "frozen", "standing still"]
FAULTS: tuple[Fault, ...] = ("killed", "killed and started again", "stopped", "frozen", "standing still")
_STARTED_AGAIN = {"killed and started again", "standing still"}
_SIGNALS = {
    "killed": signal.SIGKILL,
    "killed and started again": signal.SIGKILL,
    "stopped": signal.SIGTERM,
    "frozen": signal.SIGSTOP,
}
_PATIENCE_SECONDS = 90.0
_MINUTES_A_ROUND = 100


@dataclass
class Pair:
    """Two workers that share the partitions of a scene. In each round every partition gets a shift that nobody comes to.

    `still_seconds` None leaves the watchdog as the product has it.
    """

    scene: Scene
    still_seconds: float | None = None
    workers: dict[str, Worker] = field(default_factory=dict)
    round: int = 0

    def start(self) -> None:
        """Begin with both."""
        for partition in range(self.scene.partitions):
            self.scene.tell(no_show_policy(10), tick(at(0), partition), partition=partition)
        self._start("b")
        self._start("a")

    def _start(self, slot: str) -> None:
        """Start a worker; the first one stands still for ever in its next batch once its trap is armed."""
        self._armed.unlink(missing_ok=True)
        trap = {"point": "derived_acknowledged", "action": "linger", "seconds": 1_000.0, "armed": str(self._armed)}
        self.workers[slot] = self.scene.start(slot, trap if slot == "a" else None, self.still_seconds)

    @property
    def _armed(self) -> Path:
        return self.scene.directory / "armed"

    def seconds_without_rules(self, fault: Fault) -> float:
        """Let the first worker end; return when every partition has told of what was sent after that."""
        until(self._is_shared, _PATIENCE_SECONDS, "each worker has partitions")
        self.round += 1
        begin = self.round * _MINUTES_A_ROUND
        for partition in range(self.scene.partitions):
            nobody = shift(f"s{self.round}", at(begin + 10), at(begin + 70), self._person, published=at(begin), store=f"S{partition}")
            self.scene.tell(nobody, tick(at(begin), partition), partition=partition)
        self.scene.caught_up()
        began = self._befall(fault)
        again = threading.Thread(target=self._start_again)
        if fault in _STARTED_AGAIN:
            again.start()
        for partition in range(self.scene.partitions):
            self.scene.tell(tick(at(begin + 30), partition), partition=partition)
        told_at = asyncio.run(self._told())
        if fault == "frozen":
            self.workers["a"].signal(signal.SIGKILL)
        if fault not in _STARTED_AGAIN:
            again.start()
        again.join()
        return told_at - began

    def _is_shared(self) -> bool:
        """Tell whether both have recovered partitions, and none is left over."""
        owned = [_partitions_of(worker) for worker in self.workers.values()]
        return all(owned) and sum(owned) == self.scene.partitions

    def _befall(self, fault: Fault) -> float:
        """Let it happen, and return when it had."""
        worker = self.workers["a"]
        if fault == "standing still":
            self._armed.touch()
            for partition in range(self.scene.partitions):
                self.scene.tell(tick(at(self.round * _MINUTES_A_ROUND + 1), partition), partition=partition)
            until(worker.sprang, _PATIENCE_SECONDS, "the worker stands still")
        else:
            worker.signal(_SIGNALS[fault])
        return time.monotonic()

    def _start_again(self) -> None:
        """Do what a supervisor does: wait for the end, pause, start."""
        self.workers["a"].ended(_PATIENCE_SECONDS)
        time.sleep(BackOff().delay_seconds(1))
        self._start("a")

    @property
    def _person(self) -> str:
        return f"E{self.round}"

    async def _told(self) -> float:
        """Return when the alert of this round's shift was on the log, for every partition."""
        missing = {f"S{partition}" for partition in range(self.scene.partitions)}
        client = consumer(self.scene.bootstrap, "failover-follower")
        await client.start()
        try:
            client.assign([TopicPartition(self.scene.prefix + ALERTS, number) for number in range(self.scene.partitions)])
            await client.seek_to_beginning()
            async with asyncio.timeout(patience(_PATIENCE_SECONDS)):
                while missing:
                    for records in (await client.getmany(timeout_ms=50)).values():
                        events = [decode(record) for record in records]
                        missing -= {e.store_id for e in events if isinstance(e.data, AlertChanged) and e.data.subject == self._person}
            return time.monotonic()
        finally:
            await client.stop()


def _partitions_of(worker: Worker) -> int:
    """Return how many partitions a worker has recovered last, by its own words."""
    said = [json.loads(line) for line in worker.said().splitlines() if "states_recovered" in line]
    return int(said[-1]["partitions"]) if said and worker.process.poll() is None else 0
