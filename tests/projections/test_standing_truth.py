"""What `tillstream status` says of consumers that were really stopped, frozen, held, or left without their store."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from infra.clock import utc_now
from tests.projections.folding import rows_of
from tests.projections.running import Scene, scene_on
from tests.projections.story import at, counted, outbound, sold
from tests.waiting import patience, until
from tillstream.standing import Standing, read_standing

pytestmark = pytest.mark.stack

NAME = "stock_on_hand"


def _standing(scene: Scene, name: str = NAME) -> Standing:
    (found,) = [row for row in asyncio.run(read_standing(scene.place)) if row.progress.name == name]
    return found


def _why(scene: Scene, name: str = NAME) -> str:
    return _standing(scene, name).why_still() or ""


def test_status_tells_idle_from_held_frozen_stopped_and_never_begun(scene: Scene) -> None:
    """Each has another reason, goes away with its cause, and what was not applied has an age."""
    assert "start one with `tillstream project`" in _why(scene)
    assert "start one with `tillstream worker`" in _why(scene, "worker")
    assert "`tillstream worker --stage chains`" in _why(scene, "chain-worker")
    scene.publish([outbound(counted("count", at(0), 100))])
    runner = scene.start(NAME)
    scene.await_position(NAME, 1, timeout=90)
    idle = _standing(scene)
    assert (idle.why_still(), idle.oldest_at, idle.progress.behind) == (None, None, 0)

    rows_of(scene.place, _HOLD)
    before = utc_now().replace(microsecond=0)
    scene.publish([outbound(sold("held", at(1)))])
    until(lambda: "a replay holds it" in _why(scene), 30, "the hold is told")
    held = _standing(scene)
    assert held.progress.behind == 1
    assert held.oldest_at is not None
    assert held.oldest_at >= before, "of the record that waits, not of one before it"
    rows_of(scene.place, "DELETE FROM delivery.holds RETURNING id")
    scene.await_position(NAME, 2)
    assert _standing(scene).why_still() is None

    os.kill(runner.process.pid, signal.SIGSTOP)
    rows_of(scene.place, "UPDATE delivery.consumers SET beat_at = now() - interval '30 seconds' RETURNING instance")
    assert "it was killed, or hangs" in _why(scene)
    os.kill(runner.process.pid, signal.SIGCONT)
    until(lambda: _why(scene) == "", 30, "it beats again")
    runner.process.terminate()
    assert runner.process.wait(patience(20)) == 0
    assert "start one with `tillstream project`" in _why(scene)


_HOLD = """
    INSERT INTO delivery.holds (projection, ends, expires_at)
    VALUES ('stock_on_hand', '{"store-facts-v1/0": 1}', now() + interval '1 minute') RETURNING id
"""
"""What a replay asks for: partition 0 ends at offset 1 for now."""


def test_status_says_what_a_consumer_waits_for(scene: Scene, tmp_path: Path) -> None:
    """A store that is away: it tries again, says what it waits for, and the event that waits has an age."""
    away = replace(scene.place, clickhouse_url="http://tillstream:x@127.0.0.1:9/none")
    scene.publish([outbound(counted("count", at(0), 100))])
    with scene_on(away, tmp_path) as elsewhere:
        elsewhere.start("stock_ledger")
        until(lambda: rows_of(scene.place, "SELECT FROM delivery.consumers WHERE state = 'waiting'"), 90, "it says that it waits")
    assert "it waits and tries again: connection" in _why(scene, "stock_ledger")
    standing = _standing(scene, "stock_ledger")
    assert standing.fare is not None
    assert standing.progress.behind == 1
