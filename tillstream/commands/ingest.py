"""`tillstream load` and `tillstream simulate`: bring events onto the log, from a file or from a seeded chain."""

import asyncio
import json as json_format
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from tillstream.console import console
from tillstream.options import DataDir, settings_for

if TYPE_CHECKING:
    from rich.status import Status

    from producers.simulate import SimulationProgress

Read = TypeVar("Read")


def load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV export, also .gz, or an Excel workbook (.xlsx).")],
    mapping: Annotated[Path, typer.Option("--mapping", "-m", help="How it is to be read: a mapping file, or the name of a shipped one.")],
    json: Annotated[Path | None, typer.Option("--json", help="Also write the summary for machines.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Load a file of any POS. Run it again after a crash: it goes on; a file loaded twice changes nothing.

    Refused lines are quarantined with line number and reason, and their neighbours pass. Exit status 1
    when the file differs from what was loaded under the same ids before.
    """
    from infra.kafka.publisher import NotDurable
    from producers.mappings.reader import MappingInvalid, read_mapping
    from producers.sources.mapped_csv import FileChanged, MappingDoesNotFit
    from producers.tables.unreadable import FileUnreadable
    from tillstream.loading import IndexBehind, load_file, print_summary, progress_bar
    from tillstream.reaching import addresses_of
    from tillstream.timemode import remembered_time

    settings = settings_for(data_dir)
    addresses = addresses_of(settings)
    try:
        how = read_mapping(mapping)
        with progress_bar(console) as report:
            summary = asyncio.run(
                load_file(addresses, file, how, simulated=remembered_time(settings, None) == "simulated", progress=report)
            )
    except (MappingInvalid, MappingDoesNotFit, FileUnreadable, FileChanged, IndexBehind) as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from error
    except NotDurable as error:
        console.print(f"[red]the log did not acknowledge: {error}[/red]\nWhat was sent is safe. Run the same command again to go on.")
        raise typer.Exit(1) from error
    print_summary(console, summary)
    if json:
        json.write_text(json_format.dumps(summary.as_json(), indent=2) + "\n", "utf-8")
    if summary.differs:
        raise typer.Exit(1)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"a date such as 2026-03-02, not {text!r}") from error


def _tell(shown: "Status", news: "SimulationProgress") -> None:
    shown.update(f"{news.records:,} records sent, simulated time {news.at}")


def _read(option: str, reader: Callable[[str], Read], text: str) -> Read:
    """Read an option; what it may be is said by the reader."""
    try:
        return reader(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def simulate(
    stores: Annotated[int, typer.Option(min=1, max=5000, help="How many stores.")] = 6,
    days: Annotated[int, typer.Option(min=1, max=2000, help="How many days.")] = 3,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    start: Annotated[str, typer.Option(help="First business date (YYYY-MM-DD).")] = "2026-03-02",
    tenant: Annotated[str, typer.Option(help="The chain that the stores belong to.")] = "demo",
    faults: Annotated[str, typer.Option(help="What goes wrong: usual, all, none, or names such as no_shows,sales_drops.")] = "usual",
    speed: Annotated[str, typer.Option(help="max, realtime, or a factor of event time such as 60.")] = "max",
    truth: Annotated[Path | None, typer.Option(help="Also write what was put in on purpose (duplicates, no-shows …).")] = None,
    data_dir: DataDir = None,
) -> None:
    """Send the events of a seeded chain of stores: sales, returns, shifts, punches, counts, some of them twice or late."""
    from infra.kafka.publisher import NotDurable
    from producers.simulator.faults import chosen_faults
    from producers.simulator.options import SimulationOptions
    from producers.simulator.pace import speed_of
    from tillstream.loading import simulate_chain
    from tillstream.reaching import addresses_of
    from tillstream.timemode import remembered_time

    first, kinds, factor = _read("--start", _day, start), _read("--faults", chosen_faults, faults), _read("--speed", speed_of, speed)
    settings = settings_for(data_dir)
    addresses = addresses_of(settings)
    ticks = remembered_time(settings, None) == "simulated"
    options = SimulationOptions(seed=seed, stores=stores, days=days, start=first, tenant=tenant, faults=kinds, ticks=ticks)
    try:
        with console.status("simulating") as shown:
            progress = partial(_tell, shown)
            summary = asyncio.run(simulate_chain(addresses, options, progress, factor))
    except NotDurable as error:
        console.print(f"[red]the log did not acknowledge: {error}[/red]\nRun the same command again: the same seed sends the same events.")
        raise typer.Exit(1) from error
    console.print(f"  {summary.records:,} records of {stores} stores and {days} days sent in {summary.seconds:.1f} s")
    if truth:
        truth.write_text(json_format.dumps(summary.truth.as_json(), indent=1) + "\n", "utf-8")
