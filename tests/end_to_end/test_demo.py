"""The main job, run as its user runs it, and its result compared with what is known otherwise."""

import gzip
import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from producers.simulator.generate import generate
from producers.simulator.injected import Injected
from producers.simulator.options import SimulationOptions
from producers.simulator.truth import GroundTruth, TruthTally
from tests.command_line import run_process
from tests.end_to_end.independent_sql import classes_and_totals

pytestmark = [pytest.mark.stack, pytest.mark.timeout(700)]


def demo(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    """Run the demo in a fresh directory and return its result for machines."""
    result = tmp_path / "result.json"
    run_process("demo", "--data-dir", str(tmp_path / "demo"), "--json", str(result), *arguments, timeout=600.0)
    content: dict[str, Any] = json.loads(result.read_text("utf-8"))
    return content


def truth_of(options: SimulationOptions) -> GroundTruth:
    """Tally what a simulation must lead to, without any of the code under test."""
    injected = Injected()
    tally = TruthTally(injected)
    for record in generate(options, injected):
        tally.observe(record)
    return tally.result()


@pytest.mark.long
def test_demo_of_a_simulated_chain_gives_what_the_simulator_put_in(tmp_path: Path) -> None:
    """Sales, confirmed no-shows and reorder recommendations equal the ground truth, and everything reconciles."""
    truth = truth_of(SimulationOptions(seed=1))

    result = demo(tmp_path)

    assert result["status"] == "ok"
    assert result["reconcile"]["verdict"] == "PASS"
    assert result["reconcile"]["differences"] == []
    assert sorted((finding["check"], finding["event_ids"][0]) for finding in result["reconcile"]["business_findings"]) == sorted(
        ("orphan_refunds", place["event_ids"][0]) for place in truth.faults["returns_over_remaining"]["places"]
    )
    compared = result["reconcile"]["compared"]
    assert compared["open_alerts"]["events"] == compared["alert_history"]["events"] >= len(result["alerts"])
    assert {row["store_id"]: row["net_sales"]["minor"] for row in result["kpis"]["by_store"]} == {
        store: sales.net for store, sales in truth.sales.items()
    }
    assert [row["net_sales"]["minor"] for row in result["kpis"]["totals"]] == [truth.net_sales]
    confirmed = [
        alert
        for alert in result["alerts"]
        if alert["rule"] == "no_show" and alert["stage"] == "confirmed" and alert["status"] != "retracted"
    ]
    assert len(confirmed) == len(truth.no_shows_confirmed) > 0
    retracted = [alert for alert in result["alerts"] if alert["rule"] == "no_show" and alert["status"] == "retracted"]
    assert len(retracted) == len(truth.no_shows_retracted) > 0
    assert sorted(f"{row['store_id']}/{row['sku']}" for row in result["recommendations"]) == truth.below_reorder_point != []


def part_of(file: Path, lines: int, folder: Path) -> Path:
    """Cut the first lines of a gzipped CSV, behind its heading."""
    part = folder / "part.csv.gz"
    with gzip.open(file, "rt", encoding="utf-8", newline="") as whole, gzip.open(part, "wt", encoding="utf-8", newline="") as cut:
        cut.writelines(islice(whole, lines + 1))
    return part


@pytest.mark.real_data
@pytest.mark.long
@pytest.mark.parametrize("lines", [10_000, 541_909])
def test_demo_of_the_real_file_gives_what_sql_over_the_file_gives(tmp_path: Path, real_data: Path, lines: int) -> None:
    """Each line is in one class, and classes and totals equal an independent query over the CSV."""
    file = real_data / "online_retail.csv.gz"
    if lines < 541_909:
        file = part_of(file, lines, tmp_path)
    expected = classes_and_totals(file)

    result = demo(tmp_path, "--data", str(file), "--mapping", "producers/mappings/online_retail.yaml")

    assert result["status"] == "ok"
    assert result["reconcile"]["verdict"] == "PASS"
    assert {name: count for name, count in result["lines"].items() if count} == expected.lines
    assert sum(result["lines"].values()) == lines
    (total,) = result["kpis"]["totals"]
    assert total["currency"] == "GBP"
    assert total["gross_sales"]["minor"] == expected.gross
    assert total["returns"]["minor"] == expected.returns
    assert total["net_sales"]["minor"] == expected.gross - expected.returns
    assert total["transactions"] == expected.transactions
    assert len(result["kpis"]["by_store"]) == expected.stores
