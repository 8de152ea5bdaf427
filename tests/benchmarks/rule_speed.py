"""How fast rules are folded on one core: the product's worker, stock Faust, Quix Streams 3 and a bare aiokafka loop.

Every contender runs the same rule objects over the same log (receipts of four lines, 200 stores of 1,000 SKUs), keeps the same
states and writes the same changelog, and acknowledges what it did. It has one core to itself; broker and measurement have the
other. The worker and Quix Streams take turns, since the speed of a machine changes within minutes. Two stretches of the log are timed
by what is committed, each sent when the one before it is folded: a day as it is loaded, with a tick every five minutes, in which a store
sells less than three receipts; and a rush of 15,000 lines a second by the clocks of the tills with a tick every ten seconds, which is
what a live stack at that speed reads.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from threading import Thread
from typing import Any

from aiokafka.errors import KafkaError

from contracts.codec import peek_type
from contracts.events.registry import REORDER_RECOMMENDED, SALE_COMPLETED
from contracts.records import OutboundRecord
from contracts.topics import REORDER_RECOMMENDATIONS, STORE_FACTS, TOPICS, Topic
from infra.embedded.stack import running_stack
from infra.kafka.admin import delete_topics, ensure_topics
from infra.kafka.consumer import committed_offsets, end_offsets, read_range
from infra.kafka.publisher import Publisher
from processors.app import GROUPS, TABLE
from processors.readiness import is_ready
from processors.shell.changelog import make_changelog
from processors.shell.table import written_key
from tests.benchmarks.results import ROOT, Metric
from tests.benchmarks.rivals.in_memory import in_memory
from tests.benchmarks.rivals.load import LINES, OPENS, Load, Log, receipt
from tests.benchmarks.rivals.pacing import CoreTime, Point, Speed, figures, pace
from tests.benchmarks.yardstick import Yardstick

LOAD = Load(receipts=80_000, rush=200_000, counted=180, day_tick=timedelta(minutes=5))
"""Twice as many receipts from shelves with twice as much above the reorder point would sell them down as far as half as many."""
STEADY = Load(stores=20, skus=200, receipts=2_000)
LARGE = Load(stores=1, skus=5_000, receipts=2_000, partitions=1)
PARTITION = Load(stores=33, receipts=0, rush=33_400, partitions=1, counted=180)
"""One of the six partitions of `LOAD` in the rush."""
FULL = (
    Load(stores=4, receipts=30_000, rush=10_000, partitions=1, counted=10_000),
    Load(stores=2, skus=5_000, receipts=30_000, rush=10_000, partitions=1, counted=10_000),
)
"""Stores that sell 30,000 and 60,000 lines before the rush: several times what their journals keep."""
FIRST_SALES_SECONDS, SALES_SECONDS, RESTART_SECONDS = 420.0, 120.0, 120.0
"""For what comes before the sales (every SKU of every store is counted and looked at), for the sales, and for a start with states."""
_POLL_SECONDS = 0.1
TURNS = 3
QUIX_PYTHON = ROOT / ".venv-quix" / "bin" / "python"
CHANGELOG = f"tillstream-{GROUPS['stores']}-{TABLE}-changelog"
RATE, SECONDS = 500, 30
CORES = frozenset(os.sched_getaffinity(0))
"""Before any of them is left to a contender."""


_TOPICS = {**TOPICS, **{name: Topic(name, "of a contender", "key", "per_store", None, (), ()) for name in ("changelog", "derived")}}


@dataclass(frozen=True, slots=True)
class Course:
    """A place with its topics, and the log on it."""

    bootstrap: str
    prefix: str
    directory: Path
    log: Log


@contextmanager
def _course(bootstrap: str, name: str, log: Log) -> Iterator[Course]:
    prefix = f"speed-{name}-"
    asyncio.run(ensure_topics(bootstrap, log.load.partitions, prefix=prefix, declared=_TOPICS))
    with tempfile.TemporaryDirectory() as folder:
        try:
            yield Course(bootstrap, prefix, Path(folder), log)
        finally:
            asyncio.run(delete_topics(bootstrap, prefix))


def _send(course: Course, records: Sequence[OutboundRecord]) -> None:
    async def work() -> None:
        async with Publisher(course.bootstrap, "speed", course.prefix) as publisher:
            for start in range(0, len(records), 2_000):
                await publisher.publish_all(records[start : start + 2_000])

    asyncio.run(work())


@contextmanager
def _running(argv: Sequence[str], options: dict[str, Any], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a contender on the last core."""
    command = ["taskset", "-c", str(max(CORES)), *argv, json.dumps(options)]
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _speed_of(course: Course, group: str, process: subprocess.Popen[bytes], log: Path) -> Speed:
    """Send one stretch after the other, and watch what a contender commits, until it has everything or its time is over."""
    watch, records = _Watch(course, group, process, log), course.log
    watch.fold(records.warm, FIRST_SALES_SECONDS)
    if not watch.has_all:
        raise RuntimeError(f"not ready for sales after {FIRST_SALES_SECONDS:.0f} s: {_last_words(log)}")
    of_day = pace(watch.fold(records.sold, SALES_SECONDS), LINES)
    if of_day is None:
        raise RuntimeError(f"no progress: {_last_words(log)}")
    return Speed(of_day, pace(watch.fold(records.rushed, SALES_SECONDS), LINES) if watch.has_all else None)


@dataclass(slots=True)
class _Watch:
    """Sends records to a contender and looks at what it commits."""

    course: Course
    group: str
    process: subprocess.Popen[bytes]
    log: Path
    sent: int = 0
    has_all: bool = True

    def fold(self, records: Sequence[OutboundRecord], seconds: float) -> list[Point]:
        """Return what was committed and when, from before the records were sent until all are folded, or for so long."""
        points, core = [Point(time.perf_counter(), 0, self.sent)], CoreTime(self.process.pid)
        sending = Thread(target=_send, args=(self.course, records))
        sending.start()
        self.sent += len(records)
        deadline = time.monotonic() + seconds
        while points[-1].committed < self.sent and time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(_last_words(self.log))
            time.sleep(_POLL_SECONDS)
            points.append(Point(time.perf_counter(), core.read(), sum(_committed(self.course, self.group).values())))
        sending.join()
        self.has_all = points[-1].committed >= self.sent
        return points


def _await_ready(options: dict[str, Any], process: subprocess.Popen[bytes], log: Path, patience: float = FIRST_SALES_SECONDS) -> None:
    """Wait until the worker has its states again."""
    deadline = time.monotonic() + patience
    while not is_ready(Path(options["directory"]), process.pid):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"not ready: {_last_words(log)}")
        time.sleep(0.05)


def _committed(course: Course, group: str) -> dict[int, int]:
    """Return what is committed of each partition."""
    try:
        found = asyncio.run(committed_offsets(course.bootstrap, group, course.prefix))
    except KafkaError:  # the broker has no time, or the group is not there yet
        return {}
    return {place.partition: offset for place, offset in found.items()}


def _last_words(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-2_000:]


def _speed(bootstrap: str, records: Log, name: str, argv: Sequence[str], group: str | None = None) -> Speed:
    """Return how fast one contender is with the reorder point alone."""
    with _course(bootstrap, name, records) as course:
        log = course.directory / f"{name}.log"
        with _running(argv, _options(course, name, ("reorder_point",)), log) as process:
            found = _speed_of(course, group or f"{course.prefix}tillstream-rules", process, log)
    print(f"  {name}: {found}", flush=True)
    return found


def _options(course: Course, name: str, rules: Sequence[str]) -> dict[str, Any]:
    return {
        "bootstrap": course.bootstrap, "prefix": course.prefix, "directory": str(course.directory / name), "rules": list(rules),
        "partitions": course.log.load.partitions, "group": f"speed-{name}", "changelog": f"{course.prefix}changelog",
        "derived": f"{course.prefix}derived",
    }  # fmt: skip


def _ours(module: str) -> list[str]:
    return [sys.executable, "-m", f"tests.benchmarks.rivals.{module}"]


def _every_rule(bootstrap: str, records: Log, machine: Yardstick) -> list[Metric]:
    """Let the worker fold everything, turn by turn; kill the last one, and see how long the next takes to have its states again."""
    turns = list[Speed]()
    for number in range(1, TURNS + 1):
        machine.look()
        with _course(bootstrap, "every", records) as course:
            log, options = course.directory / "log", _options(course, "every", ())
            with _running(_ours("ours"), options, log) as process:
                turns.append(_speed_of(course, f"{course.prefix}tillstream-rules", process, log))
            print(f"  every rule: {turns[-1]}", flush=True)
            started = _started_again(course, options, log) if number == TURNS else None
    return [*figures("every rule, the product's worker", turns), *(started.metrics(LOAD) if started else ())]


@dataclass(frozen=True, slots=True)
class Started:
    """A worker that had states to read back: seconds from its start until it was ready, how many records it read, and its memory."""

    seconds: float
    records: int
    mib: float

    def metrics(self, load: Load) -> list[Metric]:
        """Return what there is to say of it, and in proportion of 1,000 such stores."""
        where, per = f"{load.stores} x {load.skus:,} SKUs", 1_000 / load.stores
        found = [
            Metric(f"start of a worker with the states of {where}", round(self.seconds, 1), "s"),
            Metric(f"records of states read at that start, {where}", self.records, "records"),
            Metric(f"memory of that worker, {where}", round(self.mib), "MiB"),
        ]
        if load.stores > 1:
            found.append(Metric("start of a worker for 1,000 such stores, in proportion", round(self.seconds * per, 1), "s"))
            found.append(Metric("memory of a worker for 1,000 such stores, in proportion", round(self.mib * per), "MiB"))
        return found


def _started_again(course: Course, options: dict[str, Any], log: Path) -> Started:
    """Start a worker where another one has left its states."""
    ends = asyncio.run(end_offsets(course.bootstrap, [CHANGELOG], course.prefix))
    with _running(_ours("ours"), options, log) as process:
        began = time.perf_counter()
        _await_ready(options, process, log, RESTART_SECONDS)
        return Started(time.perf_counter() - began, sum(ends.values()), _resident_mib(process.pid))


def _large_store(bootstrap: str) -> list[Metric]:
    """Start a worker without states; then write those of one large store to the changelog as a worker does, and start one on them."""
    held = in_memory((), Log.of(LARGE)).held
    with _course(bootstrap, "large", Log(LARGE, [], [], [])) as course:
        make_changelog(bootstrap, f"{course.prefix}{CHANGELOG}", LARGE.partitions, 1)
        log, options = course.directory / "log", _options(course, "large", ())
        empty = _started_again(course, options, log)
        _send(course, [OutboundRecord(CHANGELOG, written_key(key), value, [], 0) for key, value in held.items()])
        without = Metric("start of a worker without states", round(empty.seconds, 1), "s")
        return [without, *_started_again(course, options, log).metrics(LARGE)]


def _resident_mib(pid: int) -> float:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    pages = int(Path(f"/proc/{(children or [str(pid)])[0]}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _latency(bootstrap: str) -> list[Metric]:
    """Sell at a steady rate with every rule on; time from the broker's clock of the sale to that of what it led to."""
    with _course(bootstrap, "latency", Log.of(STEADY)) as course:
        log, options = course.directory / "log", _options(course, "latency", ())
        with _running(_ours("ours"), options, log) as process:
            _await_ready(options, process, log)
            _send(course, course.log.warm)
            _send(course, course.log.sold)
            asyncio.run(_steady(course, STEADY))
            time.sleep(2)
            waits = asyncio.run(_waits(course))
    cuts = quantiles(waits, n=100)
    return [
        Metric(f"from acknowledged sale to acknowledged recommendation at {RATE} events/s, p50", round(cuts[49], 1), "ms"),
        Metric(f"from acknowledged sale to acknowledged recommendation at {RATE} events/s, p99", round(cuts[98], 1), "ms"),
    ]


async def _steady(course: Course, load: Load) -> None:
    chance = random.Random(2)
    async with Publisher(course.bootstrap, "speed", course.prefix, linger_ms=0) as publisher, asyncio.TaskGroup() as group:
        began = time.perf_counter()
        for number in range(RATE * SECONDS):
            due = began + number / RATE
            if (delay := due - time.perf_counter()) > 0:
                await asyncio.sleep(delay)
            record = receipt(load, 10_000_000 + number, OPENS + timedelta(hours=12, milliseconds=number), chance)
            group.create_task(publisher.publish_all([record]))


async def _waits(course: Course) -> list[float]:
    """Return milliseconds from each cause to what it led to, by the broker's clock; the first five seconds warm up."""
    sales: dict[str, int] = {}
    waits: list[float] = []
    for topic in (STORE_FACTS, REORDER_RECOMMENDATIONS):
        ends = await end_offsets(course.bootstrap, [topic], course.prefix)

        def keep(_: Any, records: list[Any]) -> None:
            for record in records:
                headers = dict(record.headers)
                if peek_type(record.headers) == SALE_COMPLETED:
                    sales[headers["ce_id"].decode()] = record.timestamp
                elif peek_type(record.headers) == REORDER_RECOMMENDED and headers["ce_causationid"].decode() in sales:
                    waits.append(record.timestamp - sales[headers["ce_causationid"].decode()])

        await read_range(course.bootstrap, dict.fromkeys(ends, 0), ends, keep, course.prefix)
    return waits[-len(waits) * (SECONDS - 5) // SECONDS :]


def measure() -> list[Metric]:
    """Measure every contender in one run."""
    try:
        os.sched_setaffinity(0, CORES - {max(CORES)} or CORES)
        with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder)) as stack:
            bootstrap, log, machine = stack.kafka_bootstrap, Log.of(LOAD), Yardstick()
            found = [*_every_rule(bootstrap, log, machine), *_contest(bootstrap, log, machine)]
            machine.look()
            return [*found, *_large_store(bootstrap), *_latency(bootstrap), *_sizes(), *machine.metrics()]
    finally:
        os.sched_setaffinity(0, CORES)


def _contest(bootstrap: str, log: Log, machine: Yardstick) -> list[Metric]:
    """Let each contender fold the log; one that cannot is left out, and it is said why."""
    ours = "the product's worker"
    contenders = {
        ours: ("ours", _ours("ours"), None),
        "Quix Streams 3": ("quix", [str(QUIX_PYTHON), "-m", "tests.benchmarks.rivals.quix_streams"], "speed-quix"),
        "bare aiokafka loop": ("bare", _ours("bare_loop"), "speed-bare"),
        "stock Faust": ("faust", _ours("stock_faust"), "speed-faust"),
    }
    if not QUIX_PYTHON.exists():
        print(f"  Quix Streams is not measured: make {QUIX_PYTHON.parent.parent.name} from tests/benchmarks/rivals/quix.txt first")
        del contenders["Quix Streams 3"]
    speeds = defaultdict[str, list[Speed]](list)
    often = [title for title in contenders if title in {ours, "Quix Streams 3"}]
    for title in [*often * (TURNS - 1), *contenders]:
        machine.look()
        try:
            speeds[title].append(_speed(bootstrap, log, *contenders[title]))
        except RuntimeError as error:
            print(f"  {title} is not measured: {error}", flush=True)
    name = "reorder point alone, {}"
    compared = [figure for title, found in speeds.items() if title != ours for figure in figures(name.format(title), found, speeds[ours])]
    return [*figures(name.format(ours), speeds[ours]), *compared]


def _sizes() -> list[Metric]:
    """Fold in memory: how much is written of a large store, and how fast one partition of the contest would be without a log."""
    large, partition, found = Log.of(LARGE), Log.of(PARTITION), list[Metric]()
    for name, rules in (("every rule", ()), ("reorder point alone", ("reorder_point",))):
        of_large, speed = in_memory(rules, large), 1 / in_memory(rules, partition).seconds_a_line
        found.append(Metric(f"state written for a sale line, {name}", round(of_large.bytes_a_line), "bytes"))
        found.append(Metric(f"the fold alone, without a log, ticks as they are live, {name}", round(speed), "sale lines a core second"))
        if not rules:
            size = round(sum(map(len, of_large.held.values())) / 1024)
            found.append(Metric("state of a store of 5,000 SKUs after a day, every rule", size, "KiB"))
    for load in FULL:
        full = in_memory(("reorder_point",), Log.of(load), rush_alone=True)
        where = f"{load.skus:,} SKUs, full journals, reorder point alone"
        found.append(Metric(f"state written for a sale line, {where}", round(full.bytes_a_line), "bytes"))
        found.append(Metric(f"the fold alone, without a log, {where}", round(1 / full.seconds_a_line), "sale lines a core second"))
    return found
