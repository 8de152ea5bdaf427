"""Negative controls: with a guard switched off the same faults do damage, and the comparison sees it."""

import asyncio
import signal

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from processors.shell.exits import Exit
from processors.state import read_held
from tests.processors.scene import CHANGELOG, Scene, Worker
from tests.processors.test_worker_faults import chapters, opening
from tests.waiting import until

pytestmark = pytest.mark.stack


def test_without_the_guard_a_redelivery_counts_twice(scene: Scene) -> None:
    """Killed when its states are on the log and its offset is not committed yet, it sells twice."""
    scene.tell(*opening())
    assert scene.start(trap={"point": "states_acknowledged"}).ended() == -signal.SIGKILL
    scene.start(guard_offsets=False)
    scene.caught_up()
    assert scene.differences() != []


@pytest.mark.long
def test_without_late_reading_and_contiguity_a_backlog_is_lost(scene: Scene) -> None:
    """What is read before recovery is over is gone: contiguity ends the worker, without it the hole is committed over."""
    story = chapters()
    scene.tell(*opening())
    past = scene.start()
    scene.acknowledged()
    past.signal(signal.SIGTERM)
    assert past.ended() == 0
    scene.tell(*next(story))
    trap = {"point": "sources_sought", "action": "linger", "seconds": 1.0}
    for contiguity in (True, False):
        early = scene.start(trap=trap, late_reading=False, contiguity=contiguity)
        until(early.is_over, 60.0, "the end of recovery")
        scene.tell(*next(story))
        if contiguity:
            assert early.ended() == Exit.OFFSETS_JUMPED
    scene.acknowledged()
    assert scene.differences() != []


def _woken_beside_its_successor(scene: Scene, **guards: bool) -> Worker:
    """Freeze a worker in a batch, let its successor go on, wake it, and wait until it has written its old states."""
    story = chapters()
    scene.tell(*opening())
    frozen = scene.start("a", trap={"point": "derived_acknowledged", "action": "freeze"}, heartbeat=False, **guards)
    until(frozen.sprang, 60.0, "the worker to freeze")
    successor = scene.start("b", heartbeat=False, **guards)
    scene.caught_up()
    scene.tell(*next(story))
    scene.acknowledged()
    frozen.signal(signal.SIGCONT)
    until(lambda: _ends_with_an_old_state(scene), 60.0, "the old state behind the newer one")
    frozen.process.kill()
    successor.process.kill()
    scene.tell(*next(story))
    return scene.start("b", heartbeat=False, **guards)


def _ends_with_an_old_state(scene: Scene) -> bool:
    applied = [read_held(r.value).applied for r in scene.changelog() if b"MILK" in (r.key or b"")]
    return applied[-1] < max(applied)


@pytest.mark.long
def test_without_highest_offset_recovery_and_heartbeat_a_woken_worker_wins(scene: Scene) -> None:
    """Its old states lie behind the newer ones, and whoever recovers takes them."""
    _woken_beside_its_successor(scene, highest_offset_recovery=False)
    scene.caught_up()
    assert scene.differences() != []


@pytest.mark.long
def test_highest_offset_recovery_alone_heals_a_woken_worker(scene: Scene) -> None:
    """The second line of defence holds without the first."""
    _woken_beside_its_successor(scene)
    scene.caught_up()
    assert scene.differences() == []


async def _changelog_takes(scene: Scene, most_bytes: int) -> None:
    """Let the broker refuse states that are larger."""
    admin = AIOKafkaAdminClient(bootstrap_servers=scene.bootstrap)
    await admin.start()
    try:
        takes = {"cleanup.policy": "compact", "max.message.bytes": str(most_bytes)}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, scene.prefix + CHANGELOG, takes)])
    finally:
        await admin.close()


@pytest.mark.long
@pytest.mark.parametrize("await_changelog", [True, False])
def test_without_awaiting_the_changelog_states_that_the_broker_refused_are_lost(scene: Scene, await_changelog: bool) -> None:
    """Killed while the broker takes offsets but no states: offsets wait for states with the guard, and are ahead of them without it."""
    story = chapters()
    scene.tell(*opening())
    past = scene.start()
    scene.caught_up()
    scene.acknowledged()
    past.signal(signal.SIGTERM)
    assert past.ended() == 0

    asyncio.run(_changelog_takes(scene, 10))
    trap = {"point": "derived_acknowledged", "action": "linger", "seconds": 0.0}
    doomed = scene.start(trap=trap, await_changelog=await_changelog)
    scene.tell(*next(story))
    until(doomed.is_over, 60.0, "a batch whose states are next")
    if await_changelog:
        with pytest.raises(AssertionError, match="commits"):
            scene.acknowledged(5.0)
    else:
        scene.acknowledged()
    doomed.signal(signal.SIGKILL)
    assert doomed.ended() == -signal.SIGKILL
    asyncio.run(_changelog_takes(scene, 2**20))

    scene.start()
    scene.tell(*next(story))
    scene.caught_up()
    assert (scene.differences() == []) is await_changelog
