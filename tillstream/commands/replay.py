"""`tillstream replay` and `generations`: build read models anew beside those that serve, compare, switch, go back, drop."""

import json as json_format
from collections.abc import Coroutine
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Table

from tillstream.console import console
from tillstream.options import DataDir, settings_for, span_of

Answer = TypeVar("Answer")

app = typer.Typer(no_args_is_help=True, help="Generations of read models: which serve, which wait, which can be gone back to.")


class Source(StrEnum):
    """Where a replay reads."""

    LOG = "log"
    ARCHIVE = "archive"


def _run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run to the end, or say in one sentence why not."""
    from projections.errors import Halted
    from projections.generations import NoSuchGeneration
    from projections.holds import NotHeld
    from projections.replay.archive import ArchiveUnproven
    from projections.replay.run import CannotReplay
    from tillstream.reaching import run_async

    try:
        return run_async(work)
    except (ArchiveUnproven, CannotReplay, NoSuchGeneration, NotHeld, Halted) as error:
        console.print(f"[red]{error}[/red]", soft_wrap=True)
        raise typer.Exit(1) from error


Model = Annotated[str | None, typer.Argument(help="Which read model; see `tillstream generations list`.", show_default=False)]
Store = Annotated[str | None, typer.Option(help="Repair only the rows of this store.", show_default=False)]
First = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Repair only rows from this business date on.", show_default=False)
]
Last = Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="… until this one, inclusive.", show_default=False)]


def replay(
    read_model: Model = None,
    every: Annotated[bool, typer.Option("--all", help="All of them, those of a store from one reading of the log.")] = False,
    store: Store = None,
    first: First = None,
    last: Last = None,
    rate: Annotated[float | None, typer.Option(min=1, help="At most so many records a second.", show_default=False)] = None,
    source: Annotated[Source, typer.Option(help="Read the log, or the archive as far as it is proven to be the log.")] = Source.LOG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Build, compare and report; change nothing.")] = False,
    accept_differences: Annotated[bool, typer.Option("--accept-differences", help="Switch although the new one differs.")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Go back to the generation that served before.")] = False,
    json: Annotated[Path | None, typer.Option("--json", help="Also write the comparisons for machines.", show_default=False)] = None,
    data_dir: DataDir = None,
) -> None:
    """Build a read model anew from the log, beside the one that serves; compare both at one position; switch if they are the same.

    Live traffic goes on, nothing is sent anywhere. Killed in the middle, the same command goes on. Exit status 1 when the new
    generation differs and was not switched to, or when there is nothing of the store and the dates.
    """
    from infra.logs import configure_logging
    from infra.settings import archive_root
    from projections.catalogue import PROJECTIONS
    from projections.generation_tables import REBUILDABLE
    from projections.replay.postgres_tables import StoreDays
    from projections.replay.run import ReplayRequest
    from tillstream.reaching import addresses_of
    from tillstream.replaying import go_back, is_well, run_all, run_each

    if (read_model is None) == (not every) or (rollback and every):
        raise typer.BadParameter("name one read model, or say --all (which cannot go back)")
    if not every and read_model not in REBUILDABLE:
        raise typer.BadParameter(f"there is no read model {read_model!r}; there are {', '.join(REBUILDABLE)}")
    days = StoreDays(store, *span_of(first, last))
    settings = settings_for(data_dir)
    configure_logging("replay", "warning", settings.log_format)
    addresses = addresses_of(settings)
    if rollback:
        former, present = _run(go_back(addresses, str(read_model)))
        console.print(f"{read_model}: generation {present} serves again, instead of {former}")
        return
    names = list(PROJECTIONS) if every else [str(read_model)]
    root = archive_root(settings)
    requests = [ReplayRequest(name, days, dry_run, accept_differences, rate, source.value, root) for name in names]
    results = _run((run_all if every else run_each)(addresses, requests, console))
    if json:
        reports = [result.comparison.as_json() for result in results if result.comparison is not None]
        json.write_text(json_format.dumps(reports, indent=2) + "\n", "utf-8")
    if not is_well(results):
        raise typer.Exit(1)


@app.command("list")
def list_all(data_dir: DataDir = None) -> None:
    """List the generations of every read model, and what each is for."""
    from tillstream.reaching import addresses_of, run_async
    from tillstream.replaying import generations_of

    table = Table("read model", "generation", "state", "mapping", "since", "served until", box=None)
    for each in run_async(generations_of(addresses_of(settings_for(data_dir)))):
        waits = "waiting" if each.state == "running" else each.state
        state = "serving" if each.serving else "retired" if each.retired_at else waits
        until = each.retired_at.isoformat(timespec="seconds") if each.retired_at else ""
        since = each.created_at.isoformat(timespec="seconds")
        table.add_row(each.projection, str(each.number), state, str(each.mapping_version), since, until)
    console.print(table)


@app.command("drop")
def drop(
    read_model: Annotated[str, typer.Argument(help="Which read model.")],
    generation: Annotated[int, typer.Argument(help="Which of its generations; not the one that serves.")],
    data_dir: DataDir = None,
) -> None:
    """Drop one generation now: there is no way back to it."""
    from tillstream.reaching import addresses_of
    from tillstream.replaying import drop_one

    _run(drop_one(addresses_of(settings_for(data_dir)), read_model, generation))
    console.print(f"{read_model}: generation {generation} is dropped")


@app.command("prune")
def prune(
    hours: Annotated[float, typer.Option(min=0, help="Keep those that served within so many hours.")] = 48.0,
    data_dir: DataDir = None,
) -> None:
    """Drop the generations that have not served for a while: for those a rollback is no longer possible."""
    from tillstream.reaching import addresses_of, run_async
    from tillstream.replaying import prune as prune_all

    doomed = run_async(prune_all(addresses_of(settings_for(data_dir)), timedelta(hours=hours)))
    for each in doomed:
        console.print(f"{each.projection}: generation {each.number} is dropped")
    if not doomed:
        console.print("nothing to drop")
