"""The life of an alert on real servers: raised by the rules at night, acknowledged by a person, retracted by a late punch."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from contracts.codec import build_event, encode
from contracts.envelope import CHAIN_WIDE, Envelope
from contracts.events.registry import CLOCKED_IN, POLICY_SET, SHIFT_PUBLISHED, TICK
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.clock import new_event_id, utc_now
from projections.reconcile.run import ReconcileOptions, reconcile
from tests.api.alerts import Heard, listening, publish
from tests.api.events import TENANT
from tests.api.running import ServedApi, config, served
from tests.api.world import define_stores, projected
from tests.places import PARTITIONS
from tests.waiting import patience, until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

MODELS = (
    *("stores", "event_index", "stock_on_hand", "incoming_goods", "attendance_day", "till_periods", "open_alerts"),
    *("reference_data", "reorder_recommendations", "sales", "stock_ledger", "clock_events", "alert_history", "event_log"),
)
NOW = utc_now().replace(microsecond=0)
LOCAL = NOW.astimezone(ZoneInfo("Asia/Seoul"))


def tell(place: Addresses, type_: str, data: dict[str, Any], when: datetime = NOW, store: str = "A", partition: int | None = None) -> None:
    """Write one event to the log, as whoever is its writer."""
    envelope = Envelope(
        id=new_event_id(), source="story", type=type_, occurred_at=when, tenant_id=TENANT, store_id=store,
        business_date=None if store == CHAIN_WIDE else LOCAL.date(),
    )  # fmt: skip
    asyncio.run(publish(place, [encode(build_event(envelope, data), STORE_FACTS, partition)]))


def tick(place: Addresses, when: datetime) -> None:
    """Move every partition's clock."""
    for partition in range(PARTITIONS):
        tell(place, TICK, {"at": when, "partition": partition}, when, CHAIN_WIDE, partition)


def quiet_now(place: Addresses) -> datetime:
    """Let the store be quiet from two hours ago until two hours from now, whatever happens; return the end."""
    end = (LOCAL + timedelta(hours=2)).replace(second=0)
    hours = {"quiet_from": (LOCAL - timedelta(hours=2)).strftime("%H:%M:00"), "quiet_until": end.strftime("%H:%M:00")}
    parameters = {"policy": "alerting", "breaks_quiet": "never", **hours}
    data = {"version": 1, "effective_from": NOW - timedelta(days=1), "scope_store_id": "A", "parameters": parameters}
    tell(place, POLICY_SET, data, NOW - timedelta(days=1))
    return end


@pytest.fixture
def rules(place: Addresses, tmp_path: Path) -> Iterator[None]:
    """Run a rule worker in a process of its own."""
    options = {
        "bootstrap": place.kafka_bootstrap, "data_dir": str(tmp_path / "worker"), "prefix": place.topic_prefix, "slot": "0",
        "partitions": PARTITIONS, "still_seconds": 30.0,
    }  # fmt: skip
    with (tmp_path / "worker.log").open("wb") as log:
        command = [sys.executable, "-m", "tests.processors.worker_entry", json.dumps(options)]
        worker = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        yield
        worker.terminate()
        worker.wait(patience(30))


@pytest.fixture
def api(place: Addresses) -> Iterator[ServedApi]:
    """Serve an API beside the projections, on stores that are defined."""
    define_stores(place)
    with projected(place, *MODELS), served(config(place)) as running:
        yield running


def alerts(client: httpx.Client, **asked: Any) -> list[dict[str, Any]]:
    """Return the no-shows that the list shows."""
    return list(client.get("/v1/alerts", params={"rule": "no_show", **asked}).json()["rows"])


def statuses(heard: Heard) -> list[str]:
    """Return what was heard of no-shows."""
    return [row["status"] for row in heard.alerts if row["rule"] == "no_show"]


@pytest.mark.usefixtures("rules")
def test_a_no_show_is_raised_acknowledged_and_retracted_and_everything_reconciles(place: Addresses, api: ServedApi) -> None:
    """Seen in list and stream with the end of the quiet hours; who asks for what is due hears nothing of it, and need not."""
    manager = api.client("manager", "A")
    morning = quiet_now(place)
    shift = {"shift_id": "s1", "revision": 1, "employee_id": "E-1", "status": "planned"}
    shift |= {"starts_at": NOW - timedelta(minutes=30), "ends_at": NOW + timedelta(hours=4)}
    with listening(manager) as heard, listening(manager, due="true") as due:
        until(lambda: heard.last_id and due.last_id, 30)
        tell(place, SHIFT_PUBLISHED, shift, NOW - timedelta(hours=3))
        tick(place, NOW)
        (raised,) = until(lambda: alerts(manager, status="open"), 90, "the no-show is raised")
        assert (raised["subject"], raised["status"], datetime.fromisoformat(raised["notify_at"])) == ("E-1", "raised", morning)
        assert alerts(manager, due=True) == []

        answer = manager.post(f"/v1/alerts/{raised['alert_id']}/answers", json={"answer": "acknowledged", "note": "I call"})
        assert answer.status_code == 200, answer.text
        at = answer.json()["position"]
        (seen,) = alerts(manager, min_position=f"{at['topic']}/{at['partition']}/{at['offset']}", wait_ms=10_000)
        assert (seen["status"], seen["rule_status"], seen["handled"]) == ("acknowledged", "raised", "acknowledged")

        punch = {"specversion": "1.0", "id": str(new_event_id()), "source": "clock/A/1", "type": CLOCKED_IN, "storeid": "A"}
        punch |= {"time": (NOW - timedelta(minutes=31)).isoformat(), "data": {"employee_id": "E-1"}}
        assert manager.post("/v1/events", json=punch).status_code == 200
        (retracted,) = until(lambda: alerts(manager, status="retracted"), 60, "the late punch retracts it")
        assert (retracted["transition"], alerts(manager, status="open")) == (2, [])
        until(lambda: statuses(heard) == ["raised", "retracted"], 30, "both transitions are heard")
        assert statuses(due) == []
    course = manager.get(f"/v1/alerts/{raised['alert_id']}").json()
    assert [row["status"] for row in course["transitions"]] == ["raised", "retracted"]
    assert [(row["answer"], row["note"], row["counts"]) for row in course["answers"]] == [("acknowledged", "I call", True)]
    report = asyncio.run(reconcile(place, ReconcileOptions(wait_seconds=90)))
    assert (report.verdict, report.differences, report.unverified) == ("PASS", [], [])
