"""How long each part of the embedded stack takes to start, and how much memory it holds when idle."""

import tempfile
import time
from pathlib import Path

from tests.benchmarks.results import Metric
from tests.whole_stack import await_ready, start_stack


def _family_pss_mib(leader: int) -> float:
    """Sum the proportional set size of a process and its descendants: shared pages are counted once."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
    family, grew = {leader}, True
    while grew:
        new = {pid for pid, parent in parents.items() if parent in family} - family
        family |= new
        grew = bool(new)
    return sum(_pss_kib(pid) for pid in family) / 1024


def _pss_kib(pid: int) -> int:
    try:
        for line in (Path("/proc") / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        return 0
    return 0


def _ready_seconds(output: str) -> dict[str, float]:
    """Read the lines `name: ready after 1.2 s` that `tillstream up` prints."""
    found = {}
    for line in output.splitlines():
        name, _, rest = line.strip().partition(": ready after ")
        if rest:
            found[name] = float(rest.split()[0])
    return found


def measure() -> list[Metric]:
    """Start a stack on an empty directory, look at it, stop it, start it again on the same directory."""
    with tempfile.TemporaryDirectory() as folder:
        metrics = []
        for label in ("first start", "second start"):
            began = time.monotonic()
            stack = start_stack(Path(folder) / "stack", "live")
            try:
                await_ready(stack)
                metrics.append(Metric(f"{label}, everything ready", round(time.monotonic() - began, 1), "s"))
                if label == "second start":
                    metrics += [
                        Metric(f"start of {name}", seconds, "s") for name, seconds in _ready_seconds(stack.output.read_text()).items()
                    ]
                    metrics += [Metric(f"memory of {name}, idle", round(_family_pss_mib(pid)), "MiB") for name, pid in stack.pids().items()]
            finally:
                stack.stop()
        return metrics
