"""Reconciliations over HTTP: asked for, made by the schedule, listed, and shown down to the event within the caller's chain."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from api.consumer_watch import ConsumerWatch
from api.log_connection import LogConnection
from api.metrics import Metrics
from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections import reconciliations
from projections.reconcile.compare import Cell, Difference, Key
from projections.reconcile.keeping import kept_findings, kept_report
from projections.reconcile.report import Conflict, Report
from projections.reconcile.run import ReconcileOptions
from projections.reconcile.service import ScheduledReconciler
from projections.reconciliation_schedule import Schedule, keep_schedule
from projections.reconciliations import Result
from tests.api.running import ServedApi, config
from tests.waiting import until

pytestmark = pytest.mark.stack


def found() -> Report:
    """Return a report of differences in stores of two chains, and in no store's."""
    report = Report(conflicts=[Conflict("A", "e9", "store-facts-v1/0/1", "store-facts-v1/0/9", is_settled=False)])
    for store in ("A", "B", "X"):
        report.add(Difference("sales", Key(store, "2026-03-02", "sale.completed.v1"), "missing", f"e-{store}", "the log has it"))
    cell = Cell("stock_on_hand", {"store_id": "A", "sku": "MILK"}, "on_hand", "5", "6")
    report.add(Difference("stock_on_hand", Key("A", "", "stock_on_hand"), "row_differs", "", "on_hand is 5", cell=cell))
    report.add(Difference("sales", Key("", "", "store-facts-v1/0"), "unaccounted", "", "no account of the offsets 1 to 2"))
    return report


async def _keep(place: Addresses, report: Report) -> int:
    engine = async_engine(place.postgres_dsn, "tests")
    try:
        result = Result(report.verdict, report.business_verdict, kept_report(report), kept_findings(report), 1.0)
        return await reconciliations.keep(engine, "tests", {}, result)
    finally:
        await engine.dispose()


def test_what_was_found_is_shown_in_pages_and_only_of_the_callers_chain(api: ServedApi, stores: Addresses) -> None:
    """By store, date and type; HQ of another chain sees its own store's and no store's; nobody else sees any."""
    number = asyncio.run(_keep(stores, found()))
    hq, rival = api.client(), api.client("hq", tenant="rival")
    place = f"/v1/reconciliation/runs/{number}"

    (run,) = hq.get("/v1/reconciliation/runs").json()["rows"]
    assert (run["id"], run["state"], run["verdict"], run["difference_count"]) == (number, "done", "MISMATCH", 5)
    detail = hq.get(place).json()
    assert {(step["action"], step["store_id"]) for step in detail["repairs"]} == {
        ("replay_all", None),
        ("replay_store_days", "A"),
        ("settle_conflict", "A"),
    }
    assert {step["store_id"] for step in rival.get(place).json()["repairs"]} == {None}

    def rows(client: Any, **asked: Any) -> list[tuple[Any, ...]]:
        answer = client.get(f"{place}/differences", params=asked)
        assert answer.status_code == 200, answer.text
        return [(row["section"], row["store_id"], row["kind"], row["event_ids"]) for row in answer.json()["rows"]]

    assert rows(hq) == [
        ("difference", "A", "missing", ["e-A"]),
        ("difference", "B", "missing", ["e-B"]),
        ("difference", "A", "row_differs", []),
        ("difference", None, "unaccounted", []),
        ("conflict", "A", None, ["e9"]),
    ]
    assert rows(rival) == [("difference", "X", "missing", ["e-X"]), ("difference", None, "unaccounted", [])]
    assert rows(hq, store="B", date="2026-03-02", type="sale.completed.v1", section="difference") == [
        ("difference", "B", "missing", ["e-B"])
    ]
    assert rows(hq, date="2026-03-03") == rows(hq, type="tick.v1") == []
    first = hq.get(f"{place}/differences", params={"limit": 4}).json()
    rest = hq.get(f"{place}/differences", params={"limit": 4, "cursor": first["next_cursor"]}).json()
    assert ([len(page["rows"]) for page in (first, rest)], rest["next_cursor"]) == ([4, 1], None)
    (cell,) = (row for row in first["rows"] if row["kind"] == "row_differs")
    assert (cell["subject"], cell["column"], cell["stored"], cell["expected"]) == ("sku=MILK, store_id=A", "on_hand", "5", "6")

    assert hq.get(f"{place}/differences", params={"store": "X"}).json()["code"] == "store_out_of_scope"
    assert hq.get("/v1/reconciliation/runs/999").json()["code"] == "not_found"
    assert hq.get("/v1/reconciliation/runs", params={"verdict": "PASS"}).json()["rows"] == []
    assert api.client("manager", "A").get(place).json()["code"] == "role_not_allowed"


def test_a_run_that_was_asked_for_is_made_by_the_schedule(api: ServedApi, stores: Addresses) -> None:
    """Asked twice it is one run; its verdict and its age are metrics; when nobody answers, there is an end to asking."""
    hq = api.client()
    asked = hq.post("/v1/reconciliation/runs", json={"store": "A", "from": "2026-03-01"})
    assert (asked.status_code, asked.json()["state"], asked.json()["verdict"]) == (202, "asked", None)
    number = asked.json()["id"]
    assert hq.post("/v1/reconciliation/runs", json={"store": "A", "from": "2026-03-01"}).json()["id"] == number
    assert hq.post("/v1/reconciliation/runs", json={"store": "X"}).json()["code"] == "store_out_of_scope"

    asyncio.run(_serve_until_done(stores, hq, number))
    done = hq.get(f"/v1/reconciliation/runs/{number}").json()
    assert (done["verdict"], done["asked_by"]) == ("UNVERIFIED", "demo/test")
    assert done["unverified"]
    told = asyncio.run(_metrics(stores))
    assert 'tillstream_reconciliation_verdict{about="read_models",verdict="UNVERIFIED"} 1.0' in told
    assert "tillstream_reconciliation_age_seconds" in told

    for count in range(10):
        assert hq.post("/v1/reconciliation/runs", json={"store": "A", "until": f"2026-03-{count + 1:02}"}).status_code == 202
    assert hq.post("/v1/reconciliation/runs", json={"fresh": True}).json()["code"] == "not_decidable"


async def _serve_until_done(place: Addresses, hq: Any, number: int) -> None:
    stop = asyncio.Event()
    schedule = Schedule(timedelta(hours=1))
    reconciler = ScheduledReconciler(place, schedule, ReconcileOptions(wait_seconds=0))
    serving = asyncio.create_task(keep_schedule(place.postgres_dsn, schedule, lambda: reconciler, stop))
    try:
        await asyncio.to_thread(until, lambda: hq.get(f"/v1/reconciliation/runs/{number}").json()["state"] == "done", 30, "the run is done")
    finally:
        stop.set()
        await serving


async def _metrics(place: Addresses) -> str:
    engine, metrics = async_engine(place.postgres_dsn, "tests"), Metrics()
    try:
        await ConsumerWatch(engine, LogConnection(config(place)), metrics).turn()
    finally:
        await engine.dispose()
    return metrics.text().decode()
