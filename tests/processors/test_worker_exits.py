"""A worker that finds something wrong ends itself with the code that says what."""

import asyncio
import json
import signal

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.structs import TopicPartition

from contracts.records import OutboundRecord
from contracts.topics import STORE_FACTS
from infra.kafka.publisher import Publisher
from processors.shell.changelog import make_changelog
from processors.shell.exits import Exit
from processors.shell.names import missing_names
from processors.state import read_held
from tests.processors.events import at, log_of, sold
from tests.processors.oracle import replica_of
from tests.processors.scene import CHANGELOG, PARTITIONS, Scene
from tests.processors.test_worker_faults import chapters, opening

pytestmark = pytest.mark.stack


async def _append(scene: Scene, key: bytes, value: bytes, partition: int) -> None:
    async with Publisher(scene.bootstrap, "intruder", scene.prefix) as publisher:
        await publisher.publish_all([OutboundRecord(CHANGELOG, key, value, [], partition)])


async def _forget_facts(scene: Scene, before: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=scene.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(scene.prefix + STORE_FACTS, 0): RecordsToDelete(before_offset=before)})
    finally:
        await admin.close()


async def _configuration(scene: Scene) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=scene.bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, scene.prefix + CHANGELOG)])
        (resource,) = answer.resources
        return {row[0]: row[1] for row in resource[4]}
    finally:
        await admin.close()


def _run_once(scene: Scene) -> None:
    worker = scene.start()
    scene.caught_up()
    worker.signal(signal.SIGTERM)
    assert worker.ended() == 0, worker.said()


def test_a_stale_changelog_record_behind_a_newer_one_is_healed(scene: Scene) -> None:
    """Recovery keeps the value with the highest applied offset, and writes it again behind the stale one."""
    story, milk = chapters(), "S1|reorder_point|MILK"
    stale = replica_of(log_of(*opening())).held[milk]
    scene.tell(*opening(), *next(story))
    _run_once(scene)
    asyncio.run(_append(scene, json.dumps(milk).encode(), stale, 0))
    scene.tell(*next(story))
    _run_once(scene)
    assert "states_healed" in scene.workers[-1].said()
    assert scene.differences() == []
    applied = [read_held(r.value).applied for r in scene.changelog() if r.key == json.dumps(milk).encode()]
    assert applied[-1] == max(applied)
    assert asyncio.run(_configuration(scene))["min.compaction.lag.ms"] == "7200000"
    assert asyncio.run(_configuration(scene))["cleanup.policy"] == "compact"


def test_an_unreadable_changelog_record_ends_the_worker(scene: Scene) -> None:
    """Going on without a state would be a silent loss."""
    scene.tell(*opening())
    make_changelog(scene.bootstrap, scene.prefix + CHANGELOG, PARTITIONS, 1)
    asyncio.run(_append(scene, json.dumps("S1|reorder_point|MILK").encode(), b"\xc1 nonsense", 0))
    assert scene.start().ended() == Exit.UNREADABLE_STATE


def test_missing_facts_end_the_worker(scene: Scene) -> None:
    """Records that went away behind the committed offset are a hole, and nothing is acknowledged over it."""
    scene.tell(*opening())
    _run_once(scene)
    scene.tell(*next(chapters()))
    asyncio.run(_forget_facts(scene, len(opening()) + 2))
    assert scene.start().ended() == Exit.OFFSETS_JUMPED


def test_a_worker_that_stands_still_ends_itself(scene: Scene) -> None:
    """A batch that never ends while the log is ahead is found by the watchdog."""
    scene.tell(*opening(), sold("more", at(40)))
    worker = scene.start(trap={"point": "derived_acknowledged", "action": "linger", "seconds": 100.0}, still_seconds=1.5)
    assert worker.ended() == Exit.NO_PROGRESS


def test_the_engine_has_every_name_that_the_shell_uses() -> None:
    """The pinned versions are installed, and nothing that the shell overrides is gone."""
    assert missing_names() == []
