"""How fast receipts become rows in ClickHouse on one core: the limit of its inserts, a hand-written loop, Quix Streams 3, and ours.

Every contender writes the same rows of the same events into a database of its own, in this run; that they are the same is checked.
It has one core to itself; the servers have the other. What is compared with a limit takes turns with it, and the ratio is the
median of the turns: the speed of a machine changes within minutes.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

import psycopg
from clickhouse_connect import get_client
from sqlalchemy import make_url

from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.embedded.stack import running_stack
from infra.kafka.admin import ensure_topics
from infra.kafka.publisher import Publisher
from projections.catalogue import PROJECTIONS
from projections.migrations.run import migrate_clickhouse, migrate_postgres
from projections.sinks.clickhouse_sales import SalesModel
from tests.benchmarks.results import ROOT, Metric
from tests.benchmarks.rivals_projections import kafka_engine
from tests.benchmarks.rivals_projections.load import Load, receipts
from tests.benchmarks.rivals_projections.without import OTHERWISE, PARTS
from tests.benchmarks.yardstick import Yardstick

LOAD: Final = Load(receipts=int(os.environ.get("TILLSTREAM_BENCH_RECEIPTS", "240000")))
RECORDS_AT_ONCE: Final = PROJECTIONS["sales"].max_records
QUIX_PYTHON: Final = ROOT / ".venv-quix" / "bin" / "python"
TURNS: Final = 3
CORES: Final = frozenset(os.sched_getaffinity(0))
"""Before any of them is left to a contender."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a contender took."""

    seconds: float
    core_seconds: float
    store_seconds: float = 0.0
    """Core seconds of ClickHouse meanwhile."""


def fill(place: Addresses, load: Load) -> None:
    """Put the receipts on the log."""

    async def work() -> None:
        async with Publisher(place.kafka_bootstrap, "speed", place.topic_prefix) as publisher:
            batch = []
            for record in receipts(load):
                batch.append(record)
                if len(batch) == 5_000:
                    await publisher.publish_all(batch)
                    batch = []
            await publisher.publish_all(batch)

    asyncio.run(work())


def run_contender(argv: Sequence[str], given: dict[str, Any], timeout_seconds: float = 600) -> Ran:
    """Run a contender on the last core, to its end."""
    command = ["taskset", "-c", str(max(CORES)), *argv, json.dumps(given)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=timeout_seconds, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{argv[-1]}: {done.stdout[-1000:]}{done.stderr[-3000:]}")
    return Ran(**json.loads(done.stdout.splitlines()[-1]))


def ours(module: str) -> list[str]:
    """Return the command of a contender in this environment."""
    return [sys.executable, "-m", f"tests.benchmarks.rivals_projections.{module}"]


def given_of(place: Addresses, folder: str, load: Load = LOAD) -> dict[str, Any]:
    """Return what every contender is told."""
    return {
        "bootstrap": place.kafka_bootstrap, "prefix": place.topic_prefix, "clickhouse": place.clickhouse_url, "directory": folder,
        "postgres": place.postgres_dsn, "log_id": place.log_id, "records": load.receipts, "records_at_once": RECORDS_AT_ONCE,
    }  # fmt: skip


@contextmanager
def databases(log: Addresses, name: str) -> Iterator[Addresses]:
    """Give a contender databases of its own beside a log that all of them read."""
    dsn, url = (make_url(each).set(database=name).render_as_string(hide_password=False) for each in (log.postgres_dsn, log.clickhouse_url))
    with psycopg.connect(log.postgres_dsn, autocommit=True) as connection, get_client(dsn=log.clickhouse_url) as clickhouse:
        connection.execute(f'CREATE DATABASE "{name}"')
        clickhouse.command(f"CREATE DATABASE {name} ENGINE = Atomic")
        migrate_postgres(dsn)
        migrate_clickhouse(url)
        yield replace(log, postgres_dsn=dsn, clickhouse_url=url)
        clickhouse.command(f"DROP DATABASE {name} SYNC")
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _rows_in_postgres(place: Addresses) -> list[tuple[Any, ...]]:
    """Return the number of rows and their sums, for each table of stock."""
    with psycopg.connect(place.postgres_dsn, options="-c search_path=read_g1") as connection:
        events = connection.execute("SELECT count(*), sum(event_hash), sum(position) FROM stock_on_hand_events").fetchall()
        moved = connection.execute("SELECT count(*), sum(quantity) FROM stock_movements").fetchall()
        return events + moved + connection.execute("SELECT count(*), sum(on_hand), sum(moved_since_count) FROM stock_on_hand").fetchall()


def _rows_in_clickhouse(place: Addresses) -> list[tuple[Any, ...]]:
    """Return the number of rows and the sum of their hashes, for each table of facts."""
    found = []
    with get_client(dsn=place.clickhouse_url) as client:
        for table in ("sales_lines_g1", "receipt_tenders_g1"):
            names = ", ".join(row[0] for row in client.query(f"DESCRIBE TABLE {table}").result_rows)
            found.append(client.query(f"SELECT count(), sum(cityHash64({names})) FROM {table} FINAL").result_rows[0])
    return found


@dataclass(slots=True)
class Contest:
    """Runs contenders one after another on one log, and checks that they wrote the same."""

    log: Addresses
    folder: str
    load: Load = LOAD
    expected: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def run(
        self,
        name: str,
        argv: Sequence[str],
        rows_in: Callable[[Addresses], list[tuple[Any, ...]]] = _rows_in_clickhouse,
        is_unsynced: bool = False,
        **more: Any,
    ) -> Ran:
        """Run one; RuntimeError when its rows are not those of the first."""
        with databases(self.log, f"speed_{name}") as place:
            if is_unsynced:
                _leave_unsynced(place)
            before = _clickhouse_seconds()
            ran = run_contender(argv, {**given_of(place, f"{self.folder}/{name}", self.load), **more})
            ran = replace(ran, store_seconds=_clickhouse_seconds() - before)
            said = rows_in(place)
        expected = self.expected.setdefault(rows_in.__name__, said)
        if said != expected and not more.get("without"):
            raise RuntimeError(f"{name} wrote {said}, not {expected}")
        print(
            f"  {name}: {self.load.lines / ran.seconds:,.0f} lines/s; "
            f"core seconds {ran.core_seconds:.1f}, of the store {ran.store_seconds:.1f}",
            flush=True,
        )
        return ran

    def in_turns(self, limit: Callable[[], Ran], mine: Callable[[], Ran]) -> "Turns":
        """Run both, one after the other, several times."""
        return Turns(tuple((limit(), mine()) for _ in range(TURNS)))


@dataclass(frozen=True, slots=True)
class Turns:
    """A limit and what is compared with it, turn by turn."""

    ran: tuple[tuple[Ran, Ran], ...]

    @property
    def limit(self) -> Ran:
        """Return the limit's middle turn."""
        return _middle([limit for limit, _ in self.ran])

    @property
    def mine(self) -> Ran:
        """Return the middle turn of what is compared."""
        return _middle([mine for _, mine in self.ran])

    def metrics(self, limit: str, mine: str, against: str) -> list[Metric]:
        """Return both, how they compare in the middle, and in the worst and the best turn."""
        ratios = sorted(limit.seconds / mine.seconds for limit, mine in self.ran)
        return [
            _metric(limit, self.limit),
            replace(_metric(mine, self.mine), against=against, ratio=round(median(ratios), 2)),
            Metric(f"{mine}: the worst of {TURNS} turns", round(ratios[0], 2), f"× {against}"),
            Metric(f"{mine}: the best of {TURNS} turns", round(ratios[-1], 2), f"× {against}"),
        ]


def _middle(ran: Sequence[Ran]) -> Ran:
    return sorted(ran, key=lambda each: each.seconds)[len(ran) // 2]


def _leave_unsynced(place: Addresses) -> None:
    with get_client(dsn=place.clickhouse_url) as client:
        for table in SalesModel.tables:
            client.command(f"ALTER TABLE {table.name(1)} MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0")


def _clickhouse_seconds() -> float:
    """Return the processor time that the embedded ClickHouse has taken."""
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and b"infra.embedded.clickhouse" in _read(process / "cmdline") and _is_ours(process):
            ticks = (process / "stat").read_text("ascii").rpartition(")")[2].split()[11:13]
            return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _is_ours(process: Path) -> bool:
    """Tell whether a process was started by this one, or by what it started."""
    parent = _read(process / "stat").rpartition(b")")[2].split()[1:2]
    return bool(parent) and (int(parent[0]) == os.getpid() or (int(parent[0]) > 1 and _is_ours(process.parent / parent[0].decode())))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def measure() -> list[Metric]:
    """Measure every contender in one run."""
    try:
        os.sched_setaffinity(0, CORES - {max(CORES)} or CORES)
        with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "stack") as stack:
            log = replace(stack, topic_prefix="speed-")
            asyncio.run(ensure_topics(log.kafka_bootstrap, LOAD.partitions, prefix=log.topic_prefix))
            fill(log, LOAD)
            return _contest(Contest(log, folder))
    finally:
        os.sched_setaffinity(0, CORES)


def _contest(contest: Contest) -> list[Metric]:
    """Let them run one after another; ours by turns with the limit, and at last what it leaves out."""
    machine = Yardstick()
    turns = contest.in_turns(
        lambda: contest.run("limit", ours("limit"), ready=False), lambda: contest.run("ours", ours("ours"), models=["sales"])
    )
    mine = turns.mine
    machine.look()
    rivals = {
        "the same inserts from tables that are ready": contest.run("ready", ours("limit"), ready=True),
        "hand-written loop: consume, insert, commit": contest.run("loop", ours("loop")),
    }
    if QUIX_PYTHON.exists():
        rivals["Quix Streams 3 with a batching sink"] = contest.run("quix", [str(QUIX_PYTHON), *ours("quix_sink")[1:]])
    else:
        print(f"  Quix Streams is not measured: make {QUIX_PYTHON.parent.parent.name} from tests/benchmarks/rivals/quix.txt first")
    varied = {name: contest.run("varied", ours("ours"), models=["sales"], without=[name]) for name in (*PARTS, *OTHERWISE)}
    unsynced = contest.run("unsynced", ours("ours"), models=["sales"], is_unsynced=True)
    found = [
        *turns.metrics("limit: Arrow inserts of the same rows, no log", "ours, with its whole guarantee", "the limit"),
        *(_metric(name, ran, "ours", mine) for name, ran in rivals.items()),
        *(_metric(f"ours, without {name}" if name in PARTS else f"ours, {name}", ran, "ours", mine) for name, ran in varied.items()),
        _metric("ours, without fsync after inserts", unsynced, "ours", mine),
        *_core_seconds({"limit": turns.limit, "ours": mine, **rivals}),
    ]
    machine.look()
    return [*found, *_postgres(contest), *_engine(contest, mine), *machine.metrics()]


def _core_seconds(ran: Mapping[str, Ran]) -> Iterator[Metric]:
    for name, each in ran.items():
        yield Metric(f"core seconds of the process, {name}", round(each.core_seconds * 1e6 / LOAD.lines, 1), "µs/line")
        yield Metric(f"core seconds of ClickHouse meanwhile, {name}", round(each.store_seconds * 1e6 / LOAD.lines, 1), "µs/line")


def _metric(name: str, ran: Ran, against: str | None = None, other: Ran | None = None) -> Metric:
    ratio = None if other is None else round(other.seconds / ran.seconds, 2)
    return Metric(name, round(LOAD.lines / ran.seconds), "lines/s", against, ratio)


def _postgres(contest: Contest) -> list[Metric]:
    """Fold the stock of the same receipts, and write the same rows by COPY and upsert."""
    turns = contest.in_turns(
        lambda: contest.run("upsert", ours("copy_upsert"), _rows_in_postgres),
        lambda: contest.run("stock", ours("ours"), _rows_in_postgres, models=["stock_on_hand"]),
    )
    limit, mine = "Postgres, limit: COPY and upsert of the rows of stock_on_hand, no log", "Postgres, ours: stock_on_hand"
    return turns.metrics(limit, mine, "COPY and upsert")


def _engine(contest: Contest, mine: Ran) -> list[Metric]:
    """Let ClickHouse consume the log itself: only a server can."""
    if not os.environ.get("TILLSTREAM_CLICKHOUSE_URL"):
        print("  ClickHouse's own Kafka engine is not measured: name a server in TILLSTREAM_CLICKHOUSE_URL that reaches the broker")
        return []
    with databases(contest.log, "speed_engine") as place:
        ran = Ran(*kafka_engine.consume(place, f"{place.topic_prefix}{STORE_FACTS}", LOAD.lines, RECORDS_AT_ONCE))
        said, expected = _rows_in_clickhouse(place), contest.expected[_rows_in_clickhouse.__name__]
    if [rows for rows, _ in said] != [rows for rows, _ in expected]:
        raise RuntimeError(f"the Kafka engine wrote {said}, not {expected}")
    return [_metric("ClickHouse's own Kafka engine with materialized views, on the server's cores", ran, "ours", mine)]
