"""`tillstream quarantine` as its operator runs it, against real servers."""

import asyncio
import json
import subprocess
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api.edge.documents import JSON
from contracts.errors import Problem
from contracts.identifiers import derived_id
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.clock import utc_now
from infra.postgres.engine import async_engine
from producers.quarantine import PostgresQuarantine, QuarantinedEvent, QuarantinedLine
from tests.api.events import TENANT, event_id, sale
from tests.api.log_reader import events_on
from tests.command_line import environment, run

pytestmark = pytest.mark.stack

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def quarantine(stores: Addresses, tmp_path: Path) -> Command:
    """Run a sub-command of `tillstream quarantine` against the place."""
    place = environment(
        TILLSTREAM_KAFKA_BOOTSTRAP=stores.kafka_bootstrap,
        TILLSTREAM_POSTGRES_DSN=stores.postgres_dsn,
        TILLSTREAM_CLICKHOUSE_URL=stores.clickhouse_url,
        TILLSTREAM_TOPIC_PREFIX=stores.topic_prefix,
        TILLSTREAM_DATA_DIR=str(tmp_path / "data"),
    )

    return lambda *words: run("quarantine", *words, check=False, env=place)


def refused(document: dict[str, Any]) -> QuarantinedEvent:
    """Describe a refused sale."""
    problem = Problem("extra_forbidden", "/colour", "an attribute of the envelope")
    return QuarantinedEvent(TENANT, document["storeid"], "till-1", document["source"], JSON, (problem,), json.dumps(document).encode())


def keep(place: Addresses, *events: QuarantinedEvent, days_ago: int = 0) -> None:
    """Keep refused events and a refused line."""
    asyncio.run(_keep(place, events, days_ago))


async def _keep(place: Addresses, events: Sequence[QuarantinedEvent], days_ago: int) -> None:
    engine = async_engine(place.postgres_dsn, "tests")
    keeper = PostgresQuarantine(engine, TENANT, now=lambda: utc_now() - timedelta(days=days_ago))
    await keeper.add_events(events)
    await keeper.add([QuarantinedLine(derived_id("line"), "load/retail", 7, "wrong_columns", "", "8 columns", b"a,b")])
    await engine.dispose()


def listed(quarantine: Command, *words: str) -> list[dict[str, Any]]:
    """Return the entries that a list shows to machines."""
    return [json.loads(line) for line in quarantine("list", "--json", *words).stdout.splitlines()]


def test_an_operator_finds_corrects_and_resubmits(stores, quarantine, tmp_path):
    """List, show, a refused correction (status 1, with its problems), a right one; the event is on the log as the device's own."""
    document = sale("A", 1, colour="red")
    keep(stores, refused(document))
    (entry,) = listed(quarantine, "--source", "till/A", "--code", "extra_forbidden", "--store", "A", "--since", "2026-01-01")
    assert "extra_forbidden at /colour: expected an attribute of the envelope" in quarantine("show", entry["id"]).stdout
    assert json.dumps(document) in quarantine("show", entry["id"]).stdout

    again = quarantine("resubmit", entry["id"])
    assert (again.returncode, "refused again: extra_forbidden at /colour" in again.stderr) == (1, True)
    (file := tmp_path / "corrected.json").write_text(json.dumps(sale("A", 1)), "utf-8")
    right = quarantine("resubmit", entry["id"], "--file", str(file), "--by", "kim")

    assert (right.returncode, right.stdout.split(" at ")[0]) == (0, f"accepted: event {event_id('A', 1)}")
    event = next(event for event in events_on(stores, STORE_FACTS).values() if event.id == event_id("A", 1))
    assert (event.envelope.device_id, event.envelope.tenant_id) == ("till-1", TENANT)
    (after,) = listed(quarantine, "--status", "resubmitted")
    assert (after["resolved_by"], after["attempts"], UUID(after["resubmitted_event_id"])) == ("kim", 2, event.id)
    assert quarantine("resubmit", entry["id"]).returncode == 1


@pytest.mark.long
def test_an_operator_discards_with_a_reason_and_counts(stores, quarantine):
    """A line is not sent alone, and the command says what to do instead; without a reason nothing is discarded."""
    keep(stores, refused(sale("A", 1)))
    (line,) = listed(quarantine, "--source", "load/retail")
    advice = quarantine("resubmit", line["id"])
    assert (advice.returncode, "tillstream load" in advice.stderr) == (1, True)
    assert quarantine("discard", line["id"]).returncode == 64
    assert quarantine("discard", line["id"], "--reason", " ").returncode == 1
    assert quarantine("discard", str(derived_id("nobody")), "--reason", "x").returncode == 1

    done = quarantine("discard", line["id"], "--reason", "corrected in file")

    assert done.returncode == 0
    assert [row["source"] for row in listed(quarantine)] == ["till/A/1"]
    rows = [line.split() for line in quarantine("counts").stdout.splitlines()]
    assert rows[1:] == [["load/retail", "wrong_columns", "discarded", "1"], ["till/A/1", "extra_forbidden", "open", "1"]]
    assert "by operator" in quarantine("show", line["id"]).stdout
    assert quarantine("list", "--since", "yesterday").returncode == 64


@pytest.mark.long
def test_expiry_is_shown_before_it_is_done(stores, quarantine):
    """A dry run deletes nothing."""
    keep(stores, refused(sale("A", 1)), days_ago=91)
    keep(stores, refused(sale("A", 2)))

    assert quarantine("expire", "--dry-run").stdout.splitlines() == ["load/retail: 1", "till/A: 1", "2 entries would be deleted"]
    assert len(listed(quarantine)) == 3
    assert quarantine("expire").stdout.splitlines()[-1] == "2 entries were deleted"
    assert len(listed(quarantine)) == 1
