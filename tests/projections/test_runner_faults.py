"""Runners that are killed, frozen and woken at named points: the numbers are the same, and without the safeguards they are not."""

import asyncio
import os
import signal

import pytest

from infra.postgres.engine import async_engine
from projections.accounting import AccountingRow, check_accounting
from projections.options import Safeguards
from tests.projections.folding import rows_of
from tests.projections.running import RunnerProcess, Scene
from tests.projections.story import at, counted, outbound, sold
from tests.waiting import patience, until

pytestmark = pytest.mark.stack

QUICK = {"consumer_settings": [["session_timeout_ms", 6000], ["heartbeat_interval_ms", 500]], "max_records": 5}


def _accounts(scene: Scene) -> list[AccountingRow]:
    async def work() -> list[AccountingRow]:
        engine = async_engine(scene.place.postgres_dsn, "tests")
        try:
            return await check_accounting(engine)
        finally:
            await engine.dispose()

    return asyncio.run(work())


def _tell(scene: Scene, begin: int, end: int) -> None:
    """Publish events of one shelf: a count of 100 first, then sales of one each."""
    story = [counted("count", at(0), 100) if number == 0 else sold(str(number), at(number)) for number in range(begin, end)]
    scene.publish([outbound(each) for each in story])


def _assert_told_once(scene: Scene, events: int) -> None:
    assert rows_of(scene.place, "SELECT on_hand FROM read_g1.stock_on_hand") == [{"on_hand": 100 - (events - 1)}]
    assert rows_of(scene.place, "SELECT count(*) AS n FROM read_g1.stock_on_hand_events") == [{"n": events}]
    accounts = [row for row in _accounts(scene) if row.part == 0]
    assert [(row.problem, row.tally.applied, row.tally.repeats) for row in accounts] == [(None, events, 0)]


@pytest.mark.parametrize("point", ["batch_received", "effects_written", pytest.param("committed", marks=pytest.mark.long)])
def test_a_runner_killed_at(scene: Scene, point: str) -> None:
    """Killed with -9 in the second batch, before and after its commit: its successor's tables and accounts are as if nothing had been."""
    _tell(scene, 0, 12)
    first = scene.start("stock_on_hand", trap=(point, 2, "kill"), **QUICK)
    assert first.process.wait(patience(40)) == -signal.SIGKILL
    assert first.told.read_text("utf-8") == point
    scene.start("stock_on_hand", **QUICK)
    scene.await_position("stock_on_hand", 12)

    _assert_told_once(scene, 12)


def _is_frozen(runner: RunnerProcess) -> bool:
    with open(f"/proc/{runner.process.pid}/stat", encoding="ascii") as stat:  # noqa: PTH123
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"


def _freeze_and_replace(scene: Scene, point: str, safeguards: Safeguards | None = None) -> RunnerProcess:
    """Freeze a runner in its first batch until its successor has passed everything, then wake it."""
    _tell(scene, 0, 12)
    frozen = scene.start("stock_on_hand", trap=(point, 1, "freeze"), safeguards=safeguards, **QUICK)
    until(lambda: frozen.told.exists() and _is_frozen(frozen), 40, "the first runner is frozen")
    scene.start("stock_on_hand", safeguards=safeguards, **QUICK)
    scene.await_position("stock_on_hand", 12)
    os.kill(frozen.process.pid, signal.SIGCONT)
    return frozen


@pytest.mark.parametrize("point", [pytest.param("batch_received", marks=pytest.mark.long), "effects_written"])
def test_a_frozen_runner_woken_beside_its_successor_changes_nothing(scene: Scene, point: str) -> None:
    """Frozen past its session, with or without an open transaction: its batch is refused, it rejoins, and both go on."""
    frozen = _freeze_and_replace(scene, point)
    until(lambda: frozen.says("batch_abandoned") or frozen.says("step_failed"), 40, "the late batch was refused")
    _tell(scene, 12, 20)
    scene.await_position("stock_on_hand", 20)

    _assert_told_once(scene, 20)


def test_without_epoch_and_position_a_frozen_runner_does_damage(scene: Scene) -> None:
    """Negative control: both safeguards off, the woken runner writes its batch a second time and accounting shows it."""
    _freeze_and_replace(scene, "batch_received", Safeguards(epoch=False, expected_position=False))

    def damage() -> bool:
        return any("more than one account of the offsets 0 to" in (row.problem or "") for row in _accounts(scene) if row.part == 0)

    until(damage, 40, "the damage is seen")


def test_two_runners_share_the_partitions_and_each_record_is_told_once(scene: Scene) -> None:
    """A second member joins while the first works, and one of them leaves gently: no record is lost or told twice."""
    scene.publish([outbound(sold(f"{part}/{number}", at(number), store=f"P{part}"), part) for part in range(3) for number in range(30)])
    first = scene.start("stock_on_hand", **QUICK)
    until(first.is_ready, 40, "the first runner owns its partitions")
    second = scene.start("stock_on_hand", **QUICK)
    until(second.is_ready, 40, "the second runner has joined")
    scene.publish([outbound(sold(f"{part}/{number}", at(number), store=f"P{part}"), part) for part in range(3) for number in range(30, 60)])
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(patience(20)) == 0
    until(lambda: all(scene.position("stock_on_hand", part) == 60 for part in range(3)), 40, "everything is read")

    assert {row["on_hand"] for row in rows_of(scene.place, "SELECT on_hand FROM read_g1.stock_on_hand")} == {-60}
    assert [(row.problem, row.tally.applied, row.tally.repeats) for row in _accounts(scene)] == [(None, 60, 0)] * 3
