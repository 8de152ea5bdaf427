"""Each process of a running stack is killed, and stopped gently, in the middle of its work; the numbers stay the same."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.command_line import TILLSTREAM, environment, run_process
from tests.waiting import patience, until
from tests.whole_stack import WholeStack, await_ready, start_stack, whole_stack

pytestmark = [pytest.mark.stack, pytest.mark.long, pytest.mark.timeout(600)]

PARTS = ("kafka", "postgres", "clickhouse", "worker", "chain-worker", "projections-postgres", "projections-clickhouse", "api")
WINDOW = {"from": "2026-01-01", "until": "2026-12-31", "group_by": "store"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeStack]:
    """Run one stack for the tests that leave it running."""
    with whole_stack(tmp_path_factory.mktemp("faults") / "stack") as stack:
        yield stack


def simulation(stack: WholeStack, tenant: str, truth: Path) -> list[str]:
    """Return the command that sends a small chain of its own."""
    size = ("--stores", "2", "--days", "1", "--seed", "7", "--tenant", tenant)
    return [*TILLSTREAM, "simulate", *size, "--truth", str(truth), "--data-dir", str(stack.data_dir)]


def kpi_of(stack: WholeStack, tenant: str) -> dict[str, int]:
    """Return net sales by store as the chain's HQ sees them."""
    with stack.client("hq", tenant=tenant) as client:
        answer = client.get("/v1/kpis/sales", params=WINDOW)
    answer.raise_for_status()
    return {row["store_id"]: row["net_sales"]["minor"] for row in answer.json()["rows"]}


def reconciled(stack: WholeStack, folder: Path) -> dict[str, Any]:
    """Reconcile everything and return the report."""
    report = folder / "report.json"
    words = ("reconcile", "--wait", str(patience(240)), "--json", str(report), "--data-dir", str(stack.data_dir))
    run_process(*words, check=False, timeout=300)
    content: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return content


def expected_sales(truth: Path) -> dict[str, int]:
    """Return net sales by store as the simulator tallied them."""
    sales = json.loads(truth.read_text("utf-8"))["sales"]
    return {store: row["gross"] - row["discounts"] - row["returns"] - row["voids"] for store, row in sales.items()}


def send_until_done(command: list[str]) -> None:
    """Run the sender; while a part is away it may end with NotDurable, and is run again as it says."""
    until(
        lambda: subprocess.run(command, env=environment(), capture_output=True, check=False, timeout=patience(90)).returncode == 0,
        90,
        "everything is sent",
    )


def in_the_middle(stack: WholeStack, before: int) -> Callable[[], bool]:
    """Tell when the projections have begun with what is being sent."""
    return lambda: positions(stack) > before + 50


def positions(stack: WholeStack) -> int:
    """Return how many records the event index has read."""
    try:
        with psycopg.connect(stack.dsn(), connect_timeout=2) as connection:
            row = connection.execute(
                "SELECT coalesce(sum(next_offset), 0) FROM delivery.positions WHERE projection = 'event_index'"
            ).fetchone()
    except psycopg.OperationalError:
        return 0
    return int(row[0]) if row else 0


def send_and_end(stack: WholeStack, part: str, number: signal.Signals, folder: Path) -> tuple[str, dict[str, int]]:
    """End a part while a chain of its own is being sent; return the chain and what it must have sold."""
    tenant, truth = f"{part}-{number.name.lower()}", folder / f"{number.name}.json"
    until(stack.is_ready, 60, "everything is at work")  # a sender that finds no broker ends, and nothing would ever be in the middle
    begun = positions(stack)
    command = simulation(stack, tenant, truth)
    sender = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(in_the_middle(stack, begun), 30, "the projections have begun")
    old = stack.pid(part)
    os.kill(old, number)
    if sender.wait(patience(90)) != 0:
        send_until_done(command)
    until(lambda: stack.pids().get(part, old) != old, 60, f"{part} is back")
    return tenant, expected_sales(truth)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_ends_in_the_middle_changes_no_number(running: WholeStack, part: str, tmp_path: Path) -> None:
    """Killed, and then stopped gently while events flow: sales equal the ground truth afterwards, the read models the log."""
    gently = signal.SIGINT if part == "postgres" else signal.SIGTERM  # to Postgres, SIGTERM means: when the last client has left

    sold = dict(send_and_end(running, part, number, tmp_path) for number in (signal.SIGKILL, gently))

    until(running.is_ready, 60, "everything is back")
    report = reconciled(running, tmp_path)
    assert report["verdict"] == "PASS", report
    assert {tenant: kpi_of(running, tenant) for tenant in sold} == sold


def test_a_sender_killed_in_the_middle_is_run_again_and_sends_nothing_twice(running: WholeStack, tmp_path: Path) -> None:
    """A second run of the same simulation completes the first; every event counts once."""
    tenant, truth = "sender-killed", tmp_path / "truth.json"
    begun = positions(running)
    command = simulation(running, tenant, truth)
    sender = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(in_the_middle(running, begun), 30, "the projections have begun")

    sender.kill()
    sender.wait()
    send_until_done(command)

    assert reconciled(running, tmp_path)["verdict"] == "PASS"
    assert kpi_of(running, tenant) == expected_sales(truth)


def await_nothing_left(pids: dict[str, int]) -> None:
    """Wait until no process of a stack runs any more."""
    until(lambda: not [name for name, pid in pids.items() if Path(f"/proc/{pid}").exists()], 30, "nothing is left running")


def kill_while_starting(stack: WholeStack, step: str) -> None:
    """Start the stack again, and kill its supervisor when it says that it is at a step."""
    said = stack.output.stat().st_size
    starting = start_stack(stack.data_dir)
    until(lambda: step in stack.output.read_bytes()[said:].decode(), 60, f"the start is at {step!r}")
    pids = starting.pids()
    starting.process.kill()
    starting.process.wait(patience(10))
    await_nothing_left(pids)


def test_a_supervisor_that_ends_takes_everything_along_and_the_next_goes_on(running: WholeStack, tmp_path: Path) -> None:
    """Killed at work, killed while it starts, stopped: nothing is left running, and the next one has the right numbers."""
    sold = {}
    for number in (signal.SIGKILL, signal.SIGTERM):
        truth, tenant = tmp_path / f"{number.name}.json", f"supervisor-{number.name.lower()}"
        command = simulation(running, tenant, truth)
        begun = positions(running)
        sender = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(in_the_middle(running, begun), 30, "the projections have begun")
        pids = running.pids()

        running.process.send_signal(number)
        running.process.wait(patience(60))

        await_nothing_left(pids)
        sender.kill()
        sender.wait()
        if number == signal.SIGKILL:
            kill_while_starting(running, "kafka: creating topics")
        running.process = start_stack(running.data_dir).process
        await_ready(running)
        send_until_done(command)
        sold[tenant] = expected_sales(truth)

    assert reconciled(running, tmp_path)["verdict"] == "PASS"
    assert {tenant: kpi_of(running, tenant) for tenant in sold} == sold
