"""How fast a read model is built anew beside the one that serves: a million sales (TILLSTREAM_BENCH_EVENTS for more or fewer).

First the runner of sales projects the log as it does every day: the live rate. Then a replay builds a second generation from the
same log while that runner goes on following it. Both rates are those between the first tenth and the last. Ten million take some
8 GB of log and as much again of tables, which are gone at the end.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

import psycopg

from infra.addresses import Addresses
from infra.embedded.stack import running_stack
from infra.kafka.admin import ensure_topics
from tests.benchmarks.projection_speed import databases
from tests.benchmarks.results import ROOT, Metric
from tests.benchmarks.rivals_projections.load import Load

LOAD: Final = Load(receipts=int(os.environ.get("TILLSTREAM_BENCH_EVENTS", "1000000")))
_FILLERS: Final = 2
"""Processes that put the log together; each makes every second receipt."""
_POLL_SECONDS: Final = 0.25
_TELL_SECONDS: Final = 15.0
_REPLAY_SECONDS: Final = 2 * 3_600


def _started(module: str, given: dict[str, Any], output: Path) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", f"tests.benchmarks.rivals_projections.{module}", json.dumps(given)]
    with output.open("wb") as sink:
        return subprocess.Popen(argv, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=sink, stderr=subprocess.STDOUT)


def _telling(what: str) -> Callable[[int], None]:
    """Return what says now and then how many of the events are done."""
    began = told = time.perf_counter()

    def tell(done: int) -> None:
        nonlocal told
        now = time.perf_counter()
        if now - told >= _TELL_SECONDS:
            told = now
            print(f"  {what}: {done:,} of {LOAD.receipts:,} events after {now - began:,.0f} s", flush=True)

    return tell


def _fill(place: Addresses, folder: Path) -> None:
    """Put the receipts on the log."""
    outputs = [folder / f"fill{number}" for number in range(_FILLERS)]
    tell = _telling("log")
    given = {"bootstrap": place.kafka_bootstrap, "prefix": place.topic_prefix, "of": _FILLERS, "receipts": LOAD.receipts}
    processes = [_started("filled", {**given, "number": number}, output) for number, output in enumerate(outputs)]
    while any(process.poll() is None for process in processes):
        time.sleep(_POLL_SECONDS)
        tell(sum(_last_number(output) for output in outputs))
    for process, output in zip(processes, outputs, strict=True):
        if process.returncode:
            raise RuntimeError(output.read_text("utf-8")[-2_000:])


def _last_number(output: Path) -> int:
    found = [line for line in output.read_text("utf-8").splitlines() if line.isdecimal()]
    return int(found[-1]) if found else 0


def _projected(place: Addresses, process: subprocess.Popen[bytes], log: Path) -> list[tuple[float, int]]:
    """Watch the runner to the end of the log; return when it had how many records."""
    points: list[tuple[float, int]] = []
    tell = _telling("live")
    with psycopg.connect(place.postgres_dsn, autocommit=True) as connection:
        while not points or points[-1][1] < LOAD.receipts:
            if process.poll() is not None:
                raise RuntimeError(log.read_text("utf-8")[-2_000:])
            time.sleep(_POLL_SECONDS)
            found = connection.execute("SELECT coalesce(sum(next_offset), 0) FROM delivery.positions WHERE generation = 1").fetchone()
            points.append((time.perf_counter(), int(found[0]) if found else 0))
            tell(points[-1][1])
    return points


def _rate(points: Sequence[tuple[float, int]]) -> float:
    """Return records a second between the first tenth and the end."""
    end = points[-1][1]
    first = next(point for point in points if point[1] >= end // 10)
    last = next(point for point in points if point[1] >= end)
    return (last[1] - first[1]) / max(_POLL_SECONDS, last[0] - first[0])


def _replayed(place: Addresses, folder: Path) -> list[dict[str, Any]]:
    path, tell, until = folder / "replay", _telling("replay"), time.perf_counter() + _REPLAY_SECONDS
    process = _started("replayed", {"addresses": asdict(place), "model": "sales"}, path)
    while process.poll() is None and time.perf_counter() < until:
        time.sleep(_POLL_SECONDS)
        tell(max((each["done"] for each in _told(path)[-1:]), default=0))
    process.kill()
    process.wait()
    lines = _told(path)
    if process.returncode or not lines:
        raise RuntimeError(path.read_text("utf-8")[-2_000:])
    return lines


def _told(path: Path) -> list[dict[str, Any]]:
    lines = path.read_text("utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines if line.startswith('{"phase"')]


def measure() -> list[Metric]:
    """Project the log, replay it beside that, and compare."""
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "stack") as stack:
        log = replace(stack, topic_prefix="speed-")
        asyncio.run(ensure_topics(log.kafka_bootstrap, LOAD.partitions, prefix=log.topic_prefix))
        _fill(log, Path(folder))
        with databases(log, "replay") as place:
            output = Path(folder) / "log"
            given = {"addresses": asdict(place), "models": ["sales"], "ready": str(Path(folder) / "ready")}
            process = _started("kept", given, output)
            try:
                live = _rate(_projected(place, process, output))
                told = _replayed(place, Path(folder))
            finally:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(15)
                process.kill()
    return _metrics(live, told)


def _metrics(live: float, told: Sequence[dict[str, Any]]) -> list[Metric]:
    reading = [each for each in told if each["phase"] == "reading the log" and each["done"]]
    rate = _rate([(each["at"], min(each["done"], LOAD.receipts)) for each in reading])
    third, last = (median(_held(reading, tenth)) for tenth in (3, 10))
    return [
        Metric(f"live: sales of {LOAD.receipts:,} receipts of four lines, two cores for everything", round(live), "events/s"),
        Metric("replay of the same beside the generation that serves", round(rate), "events/s", "live", round(rate / live, 2)),
        Metric("memory of the replay in the third tenth of the log, median", round(third), "MiB"),
        Metric("memory of the replay in the last tenth, median", round(last), "MiB", "in the third", round(last / third, 2)),
        Metric("memory of the replay, most", round(max(each["memory_mib"] for each in reading)), "MiB"),
        Metric(f"the whole replay, comparison included; it ended with '{told[-1]['phase']}'", round(told[-1]["at"] - told[0]["at"]), "s"),
    ]


def _held(reading: Sequence[dict[str, Any]], tenth: int) -> list[float]:
    """Return how much memory a replay held each time it told of that tenth of the log, MiB; when it told of none of it, what came next."""
    begin, end = (LOAD.receipts * number // 10 for number in (tenth - 1, tenth))
    later = [each for each in reading if each["done"] >= begin]
    return [each["memory_mib"] for each in later if each["done"] < end] or [later[0]["memory_mib"]]
