"""`tillstream up`, `demo`, `doctor` and `status`: run everything, show it, and say what is there and what is not."""

import signal
import threading
from pathlib import Path
from typing import Annotated, Literal

import typer

from tillstream.console import console
from tillstream.options import DataDir, settings_for


def up(
    data_dir: DataDir = None,
    time: Annotated[
        Literal["live", "simulated"] | None, typer.Option(help="live: ticks by the wall clock; simulated: load and simulate send them.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the API (default: a free one, the same at the next start).", show_default=False)
    ] = None,
) -> None:
    """Run the whole stack until Ctrl-C; started again on the same directory, it goes on."""
    from infra.embedded.stack_error import StackError
    from infra.logs import configure_logging
    from tillstream.running import whole_stack
    from tillstream.timemode import remembered_time

    configure_logging("supervisor", "warning")
    settings = settings_for(data_dir, api_port=port)
    settings = settings_for(data_dir, api_port=port, time=remembered_time(settings, time))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with whole_stack(settings, lambda step: console.print(f"  {step}")) as stack:
            console.print(f"[bold]Tillstream is up[/bold] ({settings.time} time): {stack.api_url}  (OpenAPI: {stack.api_url}/openapi.json)")
            console.print(f"addresses, process ids and log files: {settings.data_dir / 'stack.json'}; Ctrl-C stops it")
            stack.supervisor.run_forever(stop)
            console.print("stopping")
    except StackError as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from error


def demo(
    data: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="A file to load; simulated store-days without it.")] = None,
    mapping: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="How the file is to be read.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Also write the result for machines.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated chain.")] = 1,
    data_dir: DataDir = None,
) -> None:
    """Run the main job in a fresh directory: load or simulate, process, project, show KPIs and alerts, reconcile; then end."""
    from infra.logs import configure_logging
    from tillstream.demo.run import run_demo

    configure_logging("demo", "warning")

    if (data is None) != (mapping is None):
        raise typer.BadParameter("--data and --mapping go together")
    raise typer.Exit(run_demo(console, data=data, mapping=mapping, json_file=json, seed=seed, data_dir=data_dir))


def doctor(data_dir: DataDir = None) -> None:
    """Say what is there, what is not, and why; exit status 1 when something needed is missing."""
    from tillstream.doctor import examine

    findings = examine(settings_for(data_dir))
    for finding in findings:
        mark = "[green]ok[/green]     " if finding.is_ok else "[red]missing[/red]"
        console.print(f"{mark} {finding.what}: {finding.detail}", soft_wrap=True)
    if not all(finding.is_ok for finding in findings if finding.is_needed):
        raise typer.Exit(1)


def status(data_dir: DataDir = None) -> None:
    """Show for every consumer how far it is, how fast it goes, what it could not apply, and why it stands still when it does.

    `oldest` is the age of the first event that it has not applied, on the broker's clock. Of rule workers on this machine that read
    their states back it shows how far they are.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from infra.kafka.group import LogError
    from tillstream.composition import recoveries
    from tillstream.progress import WORKERS
    from tillstream.reaching import addresses_of, run_async
    from tillstream.standing import print_standing, read_standing

    settings = settings_for(data_dir)
    found = {name: recoveries(settings, stage) for stage, name in WORKERS.items()}
    try:
        rows = run_async(read_standing(addresses_of(settings), found))
    except (SQLAlchemyError, LogError, OSError) as error:
        where = "Postgres" if isinstance(error, SQLAlchemyError) else "the log"
        console.print(
            f"[red]{where} does not answer, so nothing is known of any consumer:[/red] {str(error).splitlines()[0]}", soft_wrap=True
        )
        raise typer.Exit(1) from error
    print_standing(console, rows)
