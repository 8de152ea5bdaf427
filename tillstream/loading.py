"""Loading and simulating as a whole: wait for the index of known events, publish, quarantine, show progress."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.topics import REFERENCE_DATA, STORE_FACTS
from infra.addresses import Addresses
from infra.clock import monotonic_seconds
from infra.garbage import collect_rarely
from infra.kafka.consumer import end_offsets
from infra.kafka.publisher import Publisher
from infra.postgres.engine import async_engine
from producers.load_summary import LoadProgress, LoadSummary
from producers.loader import LoadOptions, load
from producers.mappings.schema import CsvMapping
from producers.quarantine import PostgresQuarantine
from producers.simulate import SimulationProgress, SimulationSummary, simulate
from producers.simulator.options import SimulationOptions
from projections.freshness import read_freshness
from projections.read_models.event_index.reader import known_hashes

INDEX_WAIT_SECONDS = 60.0


class IndexBehind(RuntimeError):
    """What the log already has is not known: the event index does not reach the end of the log."""


class IndexedEvents:
    """`KnownEvents` of the loader, read from the event index."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def hashes(self, store_id: str, event_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """Return the content hash of those events that the log has."""
        return await known_hashes(self._engine, store_id, event_ids)


async def await_index(addresses: Addresses, engine: AsyncEngine, timeout_seconds: float = INDEX_WAIT_SECONDS) -> None:
    """Wait until the event index has read all that is on the log now; IndexBehind says how far it is."""
    ends = await end_offsets(addresses.kafka_bootstrap, [STORE_FACTS, REFERENCE_DATA], addresses.topic_prefix)
    deadline = monotonic_seconds() + timeout_seconds
    while True:
        positions = (await read_freshness(engine, "event_index")).positions
        behind = sum(max(0, end - positions.get((tp.topic, tp.partition), 0)) for tp, end in ends.items() if tp.topic == STORE_FACTS)
        if behind == 0:
            return
        if monotonic_seconds() > deadline:
            raise IndexBehind(
                f"the event index is {behind} records behind the log, so it is not known what was loaded already; "
                "is the stack running? (tillstream status)"
            )
        await asyncio.sleep(0.2)


async def load_file(
    addresses: Addresses, file: Path, mapping: CsvMapping, simulated: bool, progress: Callable[[LoadProgress], None]
) -> LoadSummary:
    """Load one file onto the log of a running stack."""
    collect_rarely()
    engine = async_engine(addresses.postgres_dsn, "tillstream-load")
    try:
        await await_index(addresses, engine)
        async with Publisher(addresses.kafka_bootstrap, "tillstream-load", addresses.topic_prefix, linger_ms=5) as publisher:
            options = LoadOptions(file=file, mapping=mapping, ticks=simulated)
            return await load(options, publisher, IndexedEvents(engine), PostgresQuarantine(engine, mapping.tenant), progress)
    finally:
        await engine.dispose()


async def simulate_chain(
    addresses: Addresses, options: SimulationOptions, progress: Callable[[SimulationProgress], None], speed: float | None = None
) -> SimulationSummary:
    """Send a simulated chain to the log of a running stack; the options' partitions become those of the log."""
    collect_rarely()
    async with Publisher(addresses.kafka_bootstrap, "tillstream-simulate", addresses.topic_prefix, linger_ms=5) as publisher:
        here = replace(options, partitions=await publisher.partitions_for(STORE_FACTS))
        return await simulate(here, publisher, progress, speed=speed)


class Reporter:
    """Turns the loader's news into a bar."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("counting lines", total=None, sent=0)

    def __call__(self, news: LoadProgress) -> None:
        """Show where the load stands."""
        self._bar.update(self._task, description=news.phase, completed=news.lines, total=news.total_lines or None, sent=news.events_sent)


@contextmanager
def progress_bar(console: Console) -> Iterator[Reporter]:
    """Show a bar of lines while the body runs."""
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[sent]} events sent"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=not console.is_terminal) as bar:
        yield Reporter(bar)


def print_summary(console: Console, summary: LoadSummary) -> None:
    """Say what a load did, in a few lines."""
    classes = ", ".join(f"{count:,} {name}" for name, count in summary.lines.items() if count)
    console.print(f"  {summary.total_lines:,} lines: {classes}")
    console.print(
        f"  {summary.sent:,} events sent, {summary.already_loaded:,} were loaded already, {summary.refused:,} lines refused; "
        f"{summary.seconds:.1f} s, {summary.lines_per_second:,.0f} lines/s",
        highlight=False,
    )
    for row in summary.differs[:20]:
        lines = f" (lines {row.first_line} to {row.last_line})" if row.first_line else ""
        console.print(
            f"  [yellow]differs from what is on the log:[/yellow] {row.event_type} {row.subject} of {row.store_id}{lines}, not sent",
            highlight=False,
        )
    if len(summary.differs) > 20:
        console.print(f"  … and {len(summary.differs) - 20} more that differ")
