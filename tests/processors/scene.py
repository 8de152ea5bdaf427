"""A scene on the real broker: a story on the log, workers that live and die, and what came of it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import TopicPartition

from contracts.codec import decode, encode, header, peek_type
from contracts.envelope import Event
from contracts.events.alerts import AlertChanged
from contracts.events.registry import RULE_PROGRESSED
from contracts.records import LogRecord, OutboundRecord, RawRecord
from contracts.topics import ALERTS, CHAIN_OBSERVATIONS, DEAD_LETTERS, REORDER_RECOMMENDATIONS
from infra.clock import monotonic_seconds
from infra.kafka.consumer import Partition, Record, consumer, end_offsets, read_range
from infra.kafka.publisher import Publisher
from processors.app import GROUPS, TABLE
from processors.fold import Fold
from processors.outgoing import Outgoing
from processors.stages import TOPIC_OF_STAGE, StageName, stage_with
from processors.state import Held, read_held
from tests.processors import oracle
from tests.processors.odd_rules import rules_of
from tests.waiting import patience, until

PARTITIONS = 2
CHANGELOG = "tillstream-rules-rule-state-changelog"
_ENTRY = (sys.executable, "-m", "tests.processors.worker_entry")


@dataclass
class Worker:
    """A worker process and its log file."""

    process: subprocess.Popen[bytes]
    log: Path
    told: Path

    def sprang(self) -> bool:
        """Return whether the trap has sprung."""
        return self.told.exists()

    def is_over(self) -> bool:
        """Return whether it has lingered long enough."""
        return self.sprang() and self.told.read_text("utf-8") == "over"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def ended(self, timeout: float = 60.0) -> int:
        """Wait for the end and return the status."""
        return self.process.wait(patience(timeout))

    def said(self) -> str:
        """Return what it logged."""
        return self.log.read_text("utf-8", "replace")


@dataclass
class Scene:
    """Topics of their own, and everything that happens on them; `rules` names rules that only tests have, beside the product's.

    Where `is_watched`, somebody starts again who ends: nobody at work is no reason to stop waiting.
    """

    bootstrap: str
    prefix: str
    directory: Path
    partitions: int = PARTITIONS
    stage: StageName = "stores"
    rules: tuple[str, ...] = ()
    workers: list[Worker] = field(default_factory=list)
    is_watched: bool = False

    @property
    def topic(self) -> str:
        """What the workers of this stage read."""
        return TOPIC_OF_STAGE[self.stage]

    @property
    def group(self) -> str:
        """The workers' consumer group, without the prefix."""
        return f"tillstream-{GROUPS[self.stage]}"

    def tell(self, *story: Event[Any], partition: int = 0) -> None:
        """Write events to one partition, in this order."""
        records = [encode(each, self.topic, partition) for each in story]
        asyncio.run(self._publish(records))

    async def _publish(self, records: list[Any]) -> None:
        async with Publisher(self.bootstrap, "story", self.prefix) as publisher:
            await publisher.publish_all(records)

    def tell_raw(self, key: bytes, value: bytes, headers: list[tuple[str, bytes]], partition: int = 0) -> None:
        """Write something that is no event."""
        asyncio.run(self._publish([OutboundRecord(self.topic, key, value, headers, partition)]))

    def start(self, slot: str = "0", trap: dict[str, Any] | None = None, still_seconds: float | None = 15.0, **safeguards: bool) -> Worker:
        """Start a worker; `trap` is point, visit, action and seconds; `still_seconds` None leaves the product's setting."""
        number = len(self.workers)
        told = self.directory / f"trap-{number}"
        options: dict[str, Any] = {
            "bootstrap": self.bootstrap,
            "data_dir": str(self.directory / f"worker-{slot}"),
            "prefix": self.prefix,
            "slot": slot,
            "partitions": self.partitions,
            "stage": self.stage,
            "rules": self.rules,
            "safeguards": safeguards,
            **({} if still_seconds is None else {"still_seconds": still_seconds}),
        }
        if trap:
            options["trap"] = {"visit": 1, "action": "kill", "seconds": 0.0, "told": str(told), **trap}
        log = self.directory / f"worker-{number}.log"
        with log.open("wb") as output:
            process = subprocess.Popen([*_ENTRY, json.dumps(options)], stdout=output, stderr=subprocess.STDOUT, env={**os.environ})
        worker = Worker(process, log, told)
        self.workers.append(worker)
        return worker

    def read(self, topic: str) -> list[RawRecord]:
        """Read a topic from its beginning, partition by partition."""
        return asyncio.run(self._read(topic))

    async def _read(self, topic: str) -> list[RawRecord]:
        ends = await end_offsets(self.bootstrap, [topic], self.prefix)
        found: list[RawRecord] = []

        def keep(at: Partition, records: list[Record]) -> None:
            found.extend(RawRecord(at.topic, at.partition, r.offset, r.timestamp, r.key, r.value, r.headers) for r in records)

        await read_range(self.bootstrap, dict.fromkeys(ends, 0), ends, keep, self.prefix)
        return sorted(found, key=lambda record: (record.partition, record.offset))

    def caught_up(self, timeout: float = 90.0) -> None:
        """Wait until the workers report that they have applied everything on the log."""
        asyncio.run(self._caught_up(timeout))

    async def _caught_up(self, seconds: float) -> None:
        """Follow the alerts from their beginning; one client for the whole wait, so that it takes nothing from the workers."""
        wanted = {tp.partition: end for tp, end in (await end_offsets(self.bootstrap, [self.topic], self.prefix)).items() if end}
        applied: dict[int, int] = {}
        client = consumer(self.bootstrap, "story-follower")
        await client.start()
        seconds = patience(seconds)
        deadline = monotonic_seconds() + seconds
        try:
            client.assign([TopicPartition(self.prefix + ALERTS, number) for number in range(self.partitions)])
            await client.seek_to_beginning()
            while not all(applied.get(partition, 0) >= end for partition, end in wanted.items()):
                assert monotonic_seconds() < deadline, f"{applied} of {wanted} after {seconds} s; {self._last_words()}"
                assert self.is_watched or any(worker.process.poll() is None for worker in self.workers), self._last_words()
                for records in (await client.getmany(timeout_ms=200)).values():
                    for record in records:
                        if peek_type(record.headers) == RULE_PROGRESSED:
                            data = decode(record).data
                            if data.stage == self.stage:
                                applied[data.partition] = max(applied.get(data.partition, 0), data.next_offset)
        finally:
            await client.stop()

    def acknowledged(self, timeout: float = 60.0) -> None:
        """Wait until the group has committed everything on the log."""
        wanted = {TopicPartition(self.prefix + self.topic, r.partition): r.offset + 1 for r in self.read(self.topic)}
        until(lambda: asyncio.run(self._committed()).items() >= wanted.items(), timeout, f"commits; {self._last_words()}")

    async def _committed(self) -> dict[TopicPartition, int]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            rows = await admin.list_consumer_group_offsets(self.prefix + self.group)
            return {tp: row.offset for tp, row in rows.items()}
        except GroupCoordinatorNotAvailableError:
            return {}  # a young broker makes the topic of the groups when it is first asked
        finally:
            await admin.close()

    def _last_words(self) -> str:
        return " / ".join(worker.said()[-600:] for worker in self.workers[-2:])

    def derived(self) -> list[RawRecord]:
        """Return what the rules of this stage derived, for people or for the next stage."""
        rows = [*self.read(ALERTS), *self.read(REORDER_RECOMMENDATIONS), *self.read(CHAIN_OBSERVATIONS)]
        sources = {f"rules/{rule.name}" for rule in rules_of(self.stage, self.rules)}
        return [record for record in rows if header(record.headers, "ce_source") in sources]

    def changelog(self) -> list[RawRecord]:
        """Return every state as it was ever written."""
        return self.read(f"{self.group}-{TABLE}-changelog")

    def states(self) -> dict[str, tuple[int | None, bytes]]:
        """Return the newest of each state by the offset applied to it, as recovery sees it."""
        newest: dict[str, Held] = {}
        for record in self.changelog():
            key, held = json.loads(record.key or b""), read_held(record.value)
            if key not in newest or held.applied >= newest[key].applied:
                newest[key] = held
        return {key: (held.due_at, held.body) for key, held in newest.items()}

    def dead_letters(self) -> list[RawRecord]:
        """Return what the workers refused."""
        return self.read(DEAD_LETTERS)

    def expected(self, facts: Sequence[RawRecord] | None = None) -> list[oracle.Replica]:
        """Return what must come of the log (or of these records of it), by the fold in one process, partition by partition."""
        facts = self.read(self.topic) if facts is None else facts
        rules, replicas = rules_of(self.stage, self.rules), list[oracle.Replica]()
        for partition in sorted({record.partition for record in facts}):
            replica = oracle.Replica(Fold(rules, stage=stage_with(self.stage, self.partitions)))
            log = [record for record in facts if record.partition == partition]
            for start in range(0, len(log), 1_000):
                replica.apply(log[start : start + 1_000])
            replicas.append(replica)
        return replicas

    def differences(self, facts: Sequence[RawRecord] | None = None) -> list[str]:
        """Compare all that came of the log (or of these records of it) with what it demands; empty when all is right."""
        return self.differences_to(self.expected(facts))

    def differences_to(self, wanted: Sequence[oracle.Replica]) -> list[str]:
        """Compare all that came of the log with this."""
        seen = self.derived()
        due = [each for replica in wanted for each in replica.derived]
        states = {key: value for replica in wanted for key, value in replica.states().items()}
        compared = {
            "recommendations": (oracle.recommendations(seen), oracle.recommendations(due)),
            "alerts": (oracle.alerts(seen), oracle.alerts(due)),
            "transitions": (_transitions(seen), _transitions(due)),
            "refused": (_refused(self.dead_letters(), self.topic), _refused(due, self.topic)),
            "states": (self.states(), states),
        }
        return [line for name, (left, right) in compared.items() for line in _unlike(name, left, right)]

    def stop(self) -> None:
        """End every worker that still lives."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait(patience(10))


def _transitions(derived: Iterable[Outgoing | LogRecord]) -> dict[tuple[UUID, int], AlertChanged]:
    """Return every transition by its number: none may be missing on the way, and none may be more."""
    return {(row.alert_id, row.transition): row for row in oracle.contents(derived, AlertChanged)}


def _refused(letters: Iterable[Outgoing | LogRecord], topic: str) -> dict[tuple[bytes, bytes], bytes]:
    """Return the reasons of dead letters by where the records lie that they are about."""
    told = [dict(letter.headers) for letter in letters if letter.topic == DEAD_LETTERS]
    return {
        (headers["x-source-partition"], headers["x-source-offset"]): headers["x-reason"]
        for headers in told
        if headers["x-source-topic"] == topic.encode()
    }


def _unlike(name: str, left: Mapping[Any, Any], right: Mapping[Any, Any]) -> list[str]:
    """Describe where two tables differ, a few places of many."""
    places = [key for key in [*right, *(key for key in left if key not in right)] if left.get(key) != right.get(key)]
    shown = [f"{name} {key}: {left.get(key)} instead of {right.get(key)}" for key in places[:5]]
    return [*shown, f"{name}: {len(places)} places differ"] if len(places) > 5 else shown
