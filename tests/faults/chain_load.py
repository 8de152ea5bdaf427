"""A simulated chain as load: its records with broken ones among them, sent at a rate by a thread of its own."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle

import msgspec

from contracts.codec import encode
from contracts.events.control import Tick
from contracts.records import OutboundRecord
from contracts.topics import STORE_FACTS
from infra.kafka.publisher import Publisher
from producers.publisher import tick_record
from producers.simulator.generate import generate
from producers.simulator.options import SimulationOptions
from producers.simulator.world import SimulatedRecord
from producers.ticks import tick_events
from tests.waiting import patience

BROKEN_EVERY = 50
_STEP_SECONDS = 0.05


@dataclass(frozen=True)
class Records:
    """What a simulated chain sends to the stores' topic, one fact in fifty followed by a broken copy; `last` moves every clock."""

    body: Sequence[OutboundRecord]
    last: Sequence[OutboundRecord]


def records_of(options: SimulationOptions) -> Records:
    """Simulate a chain."""
    kinds, facts, written, clock = cycle(("cut", "empty", "unheard")), 0, list[OutboundRecord](), None
    for record in generate(options):
        written += _written(record, options.partitions)
        if isinstance(record.event.data, Tick):
            clock = record.event.data.at
        elif record.route == "facts":
            facts += 1
            if facts % BROKEN_EVERY == 0:
                written.append(broken(written[-1], next(kinds)))
    assert clock is not None
    last = tick_events("load", clock + timedelta(days=1), options.partitions, "simulated")
    return Records(written, [tick_record(tick) for tick in last])


def _written(record: SimulatedRecord, partitions: int) -> Iterator[OutboundRecord]:
    if record.route == "tick":
        yield tick_record(record.event)
    elif record.route == "chain_wide":
        yield from (encode(record.event, STORE_FACTS, partition) for partition in range(partitions))
    else:
        yield encode(record.event, STORE_FACTS)


def broken(record: OutboundRecord, kind: str) -> OutboundRecord:
    """Break a record: half of its bytes, nothing of what it must say, or a type that nobody knows."""
    if kind == "cut":
        return msgspec.structs.replace(record, value=record.value[: len(record.value) // 2])
    if kind == "empty":
        return msgspec.structs.replace(record, value=b"{}")
    headers = [(name, b"unheard.of.v1" if name == "ce_type" else value) for name, value in record.headers]
    return msgspec.structs.replace(record, headers=headers)


class Load:
    """Sends the records of a chain in their order, so many a second, until it is told that it is enough.

    It stands still when it has sent what was asked for, until more is asked for: so it outlasts those who come to rest late.
    """

    def __init__(self, bootstrap: str, prefix: str, records: Records, rate: float) -> None:
        self._bootstrap = bootstrap
        self._prefix = prefix
        self._records = records
        self._rate = rate
        self._asked = 0
        self._enough = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0

    def start(self) -> None:
        """Begin; nothing is sent before it is asked for."""
        self._thread.start()

    def ask(self, seconds: float) -> None:
        """Let so much be sent as is due in this time, from what is sent now."""
        self._asked = self.sent + int(self._rate * seconds)

    def is_running(self) -> bool:
        """Tell whether there is still more to ask for; fails when it could not be sent."""
        if self._failed is not None:
            raise self._failed
        return self._thread.is_alive()

    def end(self) -> None:
        """Send the last ticks, and wait until all is acknowledged."""
        self._enough.set()
        self._thread.join(patience(60))
        assert not self.is_running()

    def _run(self) -> None:
        try:
            asyncio.run(self._send())
        except BaseException as error:  # noqa: BLE001 - told to who waits
            self._failed = error

    async def _send(self) -> None:
        body, due_by_time, before = self._records.body, 0.0, time.monotonic()
        async with Publisher(self._bootstrap, "load", self._prefix) as publisher:
            while self.sent < len(body) and not self._enough.is_set():
                now = time.monotonic()
                due_by_time, before = min(due_by_time + (now - before) * self._rate, self._asked), now
                due = min(len(body), int(due_by_time))
                if due > self.sent:
                    await publisher.publish_all(body[self.sent : due])
                    self.sent = due
                await asyncio.sleep(_STEP_SECONDS)
            await publisher.publish_all(self._records.last)
