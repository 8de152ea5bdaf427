"""One running stack: the tour of the README as it stands, then what an operator does.

The tour comes first, in one shell: its numbers are those of a fresh stack.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.records import OutboundRecord
from contracts.topics import STORE_FACTS
from infra.kafka.publisher import Publisher
from tests.architecture.committed import ROOT
from tests.command_line import environment, run
from tests.docs.documented import tour
from tests.producers.twin import write_twin
from tests.waiting import until
from tests.whole_stack import WholeStack, whole_stack
from tillstream.progress import read_progress

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeStack]:
    """Run one stack for this module."""
    with whole_stack(tmp_path_factory.mktemp("operations") / "stack") as stack:
        yield stack


SHOWN_ADDRESS = "http://127.0.0.1:8080"
MARK = "::command::"


def is_caught_up(stack: WholeStack) -> bool:
    """Tell whether nobody is behind the log, the rules included."""
    return not any(row.behind for row in asyncio.run(read_progress(stack.addresses())))


def everything(stack: WholeStack, tenant: str) -> dict[str, Any]:
    """Return all that the chain's HQ can see, without the times at which it was asked."""
    until(lambda: is_caught_up(stack), 60, "everyone has read the log")
    with stack.client("hq", tenant=tenant) as client:
        sales = client.get(
            "/v1/kpis/sales", params={"from": "2009-01-01", "until": "2030-01-01", "group_by": ["store", "day"], "limit": 500}
        ).json()
        seen: dict[str, Any] = {"sales": sales["rows"], "totals": sales["totals"]}
        for name in ("stock", "alerts", "reorder-recommendations"):
            rows, cursor = [], None
            while True:
                page = client.get(f"/v1/{name}", params={"cursor": cursor} if cursor else {}).json()
                rows += page["rows"]
                cursor = page.get("next_cursor")
                if not cursor:
                    break
            seen[name] = rows
    return seen


def test_the_tour_of_the_readme_goes_as_it_says(running: WholeStack) -> None:
    """Every command succeeds, the numbers reconcile, and the receipt that is sent twice counts once."""
    if shutil.which("curl") is None:
        pytest.skip("the tour uses curl, which is not installed here")
    lines = ["set -euo pipefail"]
    for text in tour():
        lines += [f"echo {MARK}", text.replace(SHOWN_ADDRESS, running.api_url).replace("curl ", "curl --fail-with-body ", 1)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = environment(TILLSTREAM_DATA_DIR=str(running.data_dir), PATH=path)
    done = subprocess.run(["bash", "-c", "\n".join(lines)], cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)
    with running.client() as client:
        day = client.get("/v1/kpis/sales", params={"from": "2026-03-05", "until": "2026-03-05"}).json()["totals"]

    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr}"
    said = list(zip(tour(), done.stdout.split(f"{MARK}\n")[1:], strict=True))
    posts = [json.loads(answer)["results"][0]["outcome"] for text, answer in said if "/v1/events" in text]
    stores = [{row["store_id"] for row in json.loads(answer)["rows"]} for text, answer in said if text.endswith("sales?group_by=store'")]
    assert stores == [{"demo-001", "demo-002", "demo-003"}, {"demo-001"}]
    assert posts[0] == "accepted"
    assert posts[1] in {"accepted", "duplicate"}  # known at once only where the index has it already; it counts once either way
    assert [(row["transactions"], row["net_sales"]["minor"]) for row in day] == [(1, 5960)]
    assert re.search(r"\bPASS\b", dict(said)["tillstream reconcile"])


def test_a_chain_sent_twice_looks_as_if_sent_once(running: WholeStack) -> None:
    """Every event again at a later position: KPIs, stock, alerts and recommendations stay to the last field."""
    command = (
        "simulate",
        "--stores",
        "2",
        "--days",
        "1",
        "--start",
        "2026-03-09",
        "--seed",
        "11",
        "--tenant",
        "twice",
        "--data-dir",
        str(running.data_dir),
    )
    run(*command)
    once = everything(running, "twice")
    assert once["alerts"]
    assert once["reorder-recommendations"]

    run(*command)

    assert everything(running, "twice") == once
    assert run("reconcile", "--data-dir", str(running.data_dir), check=False).returncode == 0


def test_a_file_loaded_twice_changes_nothing(running: WholeStack, tmp_path: Path) -> None:
    """The second load sends no event and says so."""
    file, first, second = write_twin(tmp_path / "twin.csv"), tmp_path / "first.json", tmp_path / "second.json"
    command = ("load", str(file), "--mapping", "online_retail", "--data-dir", str(running.data_dir))
    run(*command, "--json", str(first))
    once = everything(running, "online-retail")

    run(*command, "--json", str(second))

    assert everything(running, "online-retail") == once
    sent, again = json.loads(first.read_text("utf-8")), json.loads(second.read_text("utf-8"))
    assert sent["sent"] > 0
    assert (again["sent"], again["already_loaded"], again["differs"]) == (0, sent["sent"], [])


def test_a_record_that_nobody_can_read_is_listed_shown_and_sent_again(running: WholeStack) -> None:
    """Its bytes are kept, its reason is said, and a retry puts the same bytes on the log."""

    async def poison() -> int:
        headers = [("ce_type", b"sale.completed.v1"), ("ce_storeid", b"twice-001")]
        async with Publisher(running.record()["facts"]["kafka_bootstrap"], "test") as publisher:
            (position,) = await publisher.publish_all([OutboundRecord(STORE_FACTS, b"twice-001", b"{not json", headers)])
        return position.offset

    offset = asyncio.run(poison())
    data_dir = ("--data-dir", str(running.data_dir))

    def letters() -> list[str]:
        words = run("dead-letters", "list", "--all", *data_dir).stdout.split()
        return [word for word in words if word.endswith(f"/{offset}") and STORE_FACTS in word]

    until(lambda: is_caught_up(running), 30, "everyone has seen it")
    name = next(name for name in letters() if name.startswith("stock_on_hand/"))
    shown = run("dead-letters", "show", name, *data_dir).stdout
    assert "{not json" in shown
    assert "reason" in shown

    assert "sent again" in run("dead-letters", "retry", name, *data_dir).stdout
    until(lambda: is_caught_up(running), 30, "everyone has seen it again")
    chosen = ("--all", "--store", "twice-001", "--reason", "nonsense of a test", *data_dir)
    assert "would be discarded" in run("dead-letters", "discard", "--dry-run", *chosen).stdout
    assert "would" not in run("dead-letters", "discard", *chosen).stdout
    assert run("dead-letters", "list", "--store", "twice-001", *data_dir).stdout.strip() == "no dead letters"
    assert "by operator: nonsense of a test" in run("dead-letters", "show", name, *data_dir).stdout
    assert "it is discarded by operator" in run("dead-letters", "retry", name, *data_dir, check=False).stdout
    assert "stock_on_hand" in run("status", *data_dir).stdout

    assert run("dead-letters", "show", "stock_on_hand/store-facts-v1/0/999999999", *data_dir, check=False).returncode == 1
    assert run("dead-letters", "show", "nonsense", *data_dir, check=False).returncode == 64
    assert run("reconcile", *data_dir, check=False).returncode == 0
    assert run("accounting", *data_dir, check=False).returncode == 0
