"""`tillstream reconcile` as its operator runs it: a verdict, what was kept of it, and the plan of its repair."""

import asyncio
import csv
import json
from pathlib import Path

import pytest

from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections import reconciliations
from projections.reconcile.compare import Cell, Difference, Key
from projections.reconcile.keeping import kept_findings, kept_report
from projections.reconcile.report import Conflict, Report
from projections.reconciliations import Result
from tests.command_line import environment, run

pytestmark = pytest.mark.stack


async def _keep(place: Addresses) -> int:
    report = Report(conflicts=[Conflict("A", "e9", "store-facts-v1/0/1", "store-facts-v1/0/9", is_settled=False)])
    report.add(Difference("sales", Key("A", "2026-03-02", "sale.completed.v1"), "missing", "e1", "the log has it at store-facts-v1/0/3"))
    cell = Cell("stock_on_hand", {"store_id": "B", "sku": "MILK"}, "on_hand", "=5", "6")
    report.add(Difference("stock_on_hand", Key("B", "", "stock_on_hand"), "row_differs", "", "on_hand is =5, the log gives 6", cell=cell))
    engine = async_engine(place.postgres_dsn, "tests")
    try:
        result = Result(report.verdict, None, kept_report(report), kept_findings(report), 1.0)
        return await reconciliations.keep(engine, "tests", {}, result)
    finally:
        await engine.dispose()


def test_without_a_stack_nothing_was_compared_and_nothing_differs(tmp_path: Path) -> None:
    """A timer that only sees the status must not take a stack that is down for a mismatch; a repair that cannot begin has failed."""
    ended = {words: run(*words, "--data-dir", str(tmp_path), check=False) for words in (("reconcile",), ("reconcile", "repair"))}

    assert {words: each.returncode for words, each in ended.items()} == {("reconcile",): 2, ("reconcile", "repair"): 1}
    assert all(each.stderr.startswith("no stack is running on") for each in ended.values())


@pytest.mark.parametrize("words", ["reconcile", "replay sales"])
def test_dates_that_end_before_they_begin_are_a_slip_of_the_pen(words: str, tmp_path: Path) -> None:
    """Nothing lies between them, so nothing would differ."""
    days = ("--from", "2026-03-05", "--until", "2026-03-02", "--data-dir", str(tmp_path))
    ended = run(*words.split(), *days, check=False, env=environment(TILLSTREAM_KAFKA_BOOTSTRAP="127.0.0.1:1"))

    assert (ended.returncode, "2026-03-02 comes before 2026-03-05" in ended.stderr) == (64, True)


def test_letters_of_a_consumer_that_is_not_there_are_a_slip_of_the_pen(tmp_path: Path) -> None:
    """That it has none would be taken for good news."""
    ended = run("dead-letters", "list", "--projection", "sotck", "--data-dir", str(tmp_path), check=False)

    assert (ended.returncode, "there is no 'sotck'; there are alert_history" in ended.stderr) == (64, True)


def test_results_are_kept_shown_narrowed_exported_and_planned_for(place: Addresses, tmp_path: Path) -> None:
    """Without a number the last run is meant; a formula in a table stays text; a dry run changes nothing."""
    env = environment(
        TILLSTREAM_KAFKA_BOOTSTRAP=place.kafka_bootstrap,
        TILLSTREAM_POSTGRES_DSN=place.postgres_dsn,
        TILLSTREAM_CLICKHOUSE_URL=place.clickhouse_url,
        TILLSTREAM_TOPIC_PREFIX=place.topic_prefix,
        TILLSTREAM_DATA_DIR=str(tmp_path / "data"),
    )
    assert run("reconcile", "show", check=False, env=env).stdout.startswith("no result is kept yet")
    report, table = tmp_path / "report.json", tmp_path / "findings.csv"
    passed = run("reconcile", "--wait", "0", "--store-days", "0", "--json", str(report), env=env)
    assert "reconcile: PASS" in passed.stdout
    assert "kept as run 1: tillstream reconcile show 1" in passed.stdout
    assert (json.loads(report.read_text("utf-8"))["run"], json.loads(report.read_text("utf-8"))["verdict"]) == (1, "PASS")

    number = asyncio.run(_keep(place))
    shown = run("reconcile", "show", "--csv", str(table), "--json", str(report), env=env).stdout
    assert f"run {number}: MISMATCH" in shown
    assert "sales A 2026-03-02 sale.completed.v1 missing: e1" in shown
    assert [row.get("kind") for row in json.loads(report.read_text("utf-8"))["findings"]][:2] == ["missing", "row_differs"]
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert [(row["section"], row["model"], row["column"], row["stored"], row["expected"]) for row in rows] == [
        ("difference", "sales", "", "", ""),
        ("difference", "stock_on_hand", "on_hand", "'=5", "6"),
        ("conflict", "", "", "", ""),
    ]
    narrowed = run("reconcile", "show", str(number), "--store", "A", "--date", "2026-03-02", "--type", "sale.completed.v1", env=env).stdout
    assert ("e1" in narrowed, "on_hand is" in narrowed) == (True, False)
    assert "MISMATCH" in run("reconcile", "runs", env=env).stdout

    plan = run("reconcile", "repair", "--dry-run", env=env).stdout
    assert "tillstream replay sales --store A --from 2026-03-02 --until 2026-03-02" in plan
    assert "for a person" in plan
    repaired = run("reconcile", "repair", "--wait", "0", check=False, env=env)
    assert "not done: no generation of sales serves yet" in repaired.stdout
    assert run("reconcile", "show", "99", check=False, env=env).returncode == 1
    assert run("reconcile", "--every", "soon", check=False, env=env).returncode == 64
