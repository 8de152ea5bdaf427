"""How fast `tillstream load` brings the public file onto the log, and when every read model has it."""

import json
import os
import tempfile
import time
from pathlib import Path

from tests.benchmarks.results import Metric
from tests.command_line import run_process
from tests.waiting import until
from tests.whole_stack import WholeStack, whole_stack


def _file() -> Path | None:
    named = os.environ.get("TILLSTREAM_REAL_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[3] / "shared" / "data"
    file = folder / "online_retail.csv.gz"
    return file if file.exists() else None


def _is_caught_up(stack: WholeStack) -> bool:
    with stack.client() as client:
        status = client.get("/v1/status").json()
    return all(row["behind"]["events"] == 0 for row in status["projections"])


def measure() -> list[Metric]:
    """Load the file into an empty stack with simulated time, then wait for the read models."""
    file = _file()
    if file is None:
        print("  online_retail.csv.gz is not here: name its folder in TILLSTREAM_REAL_DATA")
        return []
    with tempfile.TemporaryDirectory() as folder, whole_stack(Path(folder) / "stack") as stack:
        summary_file = Path(folder) / "summary.json"
        began = time.monotonic()
        run_process(
            "load", str(file), "--mapping", "online_retail", "--json", str(summary_file), "--data-dir", str(stack.data_dir), timeout=600
        )
        loaded = time.monotonic() - began
        until(lambda: _is_caught_up(stack), 600, "every read model has the file")
        everywhere = time.monotonic() - began
        summary = json.loads(summary_file.read_text("utf-8"))
        lines, records = summary["total_lines"], summary["sent"] + summary["ticks"]
        return [
            Metric("load to durable acknowledgement, read models running beside", round(lines / summary["seconds"]), "lines/s"),
            Metric("load command, start to end", round(loaded, 1), "s"),
            Metric("from the start of the load until every read model has every line", round(everywhere, 1), "s"),
            Metric("lines through the whole line of processing", round(lines / everywhere), "lines/s"),
            Metric("records sent", records, "records"),
        ]
