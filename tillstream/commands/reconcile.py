"""`tillstream reconcile`: compare the read models with the log, show what was found, repair it, and do so on a schedule."""

import json as json_format
import re
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tillstream.console import Teller, console
from tillstream.options import DataDir, settings_for, span_of

if TYPE_CHECKING:
    from infra.settings import Settings, TimeMode
    from projections.reconcile.run import ReconcileOptions

EXIT_STATUS = {"PASS": 0, "MISMATCH": 1, "UNVERIFIED": 2, "CHECK_ERROR": 3}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

app = typer.Typer()


class Section(StrEnum):
    """Which findings are shown."""

    DIFFERENCE = "difference"
    EXPLAINED = "explained"
    CONFLICT = "conflict"
    BUSINESS = "business"


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None or not int(found[1]):
        raise typer.BadParameter("a number and s, m, h or d, such as 30m or 1h")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _time(data_dir: Path | None) -> "TimeMode":
    from tillstream.timemode import remembered_time

    return remembered_time(settings_for(data_dir), None)


def _quiet(data_dir: Path | None) -> "Settings":
    """Return the settings, with a log of warnings only: what is done is told by the command itself."""
    from infra.logs import configure_logging

    settings = settings_for(data_dir)
    configure_logging("reconcile", "warning", settings.log_format)
    return settings


Json = Annotated[Path | None, typer.Option("--json", help="Also write everything for machines.", show_default=False)]
Csv = Annotated[Path | None, typer.Option("--csv", help="Also write the findings as a table for spreadsheets.", show_default=False)]
Store = Annotated[str | None, typer.Option(help="Only this store.", show_default=False)]
First = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="From this business date on.", show_default=False)]
Last = Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Until this one, inclusive.", show_default=False)]
Run = Annotated[int | None, typer.Argument(help="Number of the run; without it, the last one.", show_default=False)]
Wait = Annotated[float, typer.Option(min=0, help="Seconds to wait for read models that are behind.")]


@app.callback(invoke_without_command=True)
def reconcile(
    context: typer.Context,
    json: Json = None,
    csv: Csv = None,
    wait: Wait = 60.0,
    store: Store = None,
    first: First = None,
    last: Last = None,
    store_days: Annotated[int, typer.Option(min=0, help="Compare the rows of so many store-days; 0 for none.")] = 20,
    fresh: Annotated[bool, typer.Option("--fresh", help="Read the whole log again, not only what it has gained.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Let the checks of the business count in the exit status.")] = False,
    every: Annotated[str | None, typer.Option(help="Do it again and again: 30m, 1h, …", show_default=False)] = None,
    keep_days: Annotated[int, typer.Option(min=1, help="With --every: forget results after so many days.")] = 90,
    data_dir: DataDir = None,
    ready_file: Annotated[Path | None, typer.Option(hidden=True, help="Written when the process is ready.")] = None,
) -> None:
    """Compare the log with every read model: events by store, business date and type; rows of store-days; then the business.

    Rows are compared of the store-days that changed since they were compared last, or of those named by --store, --from and
    --until. Exit status: 0 PASS, 1 MISMATCH, 2 UNVERIFIED (something could not be compared), 3 CHECK_ERROR.
    """
    if context.invoked_subcommand is not None:
        return
    if every is not None:
        _serve(_duration(every), keep_days, store_days, data_dir, ready_file)
        return
    from projections.reconcile.days import RowScope
    from projections.reconcile.run import ReconcileOptions

    is_named = store is not None or first is not None or last is not None
    rows = RowScope(store, *span_of(first, last), store_days) if store_days or is_named else None
    options = ReconcileOptions(wait, fresh=fresh, rows=rows, business=True, time=_time(data_dir))
    _reconcile_and_tell(options, data_dir, json, csv, strict)


def _reconcile_and_tell(
    options: "ReconcileOptions", data_dir: Path | None, json: Path | None = None, csv: Path | None = None, strict: bool = False
) -> None:
    from projections.reconcile.keeping import kept_findings, reconcile_and_keep
    from tillstream.proving import print_report, write_csv
    from tillstream.reaching import addresses_of, run_async

    addresses = addresses_of(_quiet(data_dir), EXIT_STATUS["UNVERIFIED"])
    with console.status("reconciling") as status:
        number, report = run_async(reconcile_and_keep(addresses, options, "command line", tell=Teller(console, status)))
    print_report(console, report, number)
    if json:
        json.write_text(json_format.dumps({"run": number, **report.as_json()}, indent=2) + "\n", "utf-8")
    if csv:
        write_csv(csv, [(found.section, found.document) for found in kept_findings(report)])
    verdicts = [report.verdict, *([report.business_verdict] if strict and report.business_verdict else [])]
    raise typer.Exit(next((EXIT_STATUS[verdict] for verdict in ("MISMATCH", "CHECK_ERROR", "UNVERIFIED") if verdict in verdicts), 0))


def _serve(every: timedelta, keep_days: int, store_days: int, data_dir: Path | None, ready_file: Path | None) -> None:
    import asyncio

    from infra.logs import configure_logging
    from projections.reconciliation_schedule import Reconciler, Schedule, keep_schedule
    from tillstream.commands.services import stop_event
    from tillstream.composition import write_ready_file
    from tillstream.reaching import addresses_of

    settings = settings_for(data_dir)
    configure_logging("reconcile", settings.log_level, settings.log_format)
    addresses, schedule = addresses_of(settings), Schedule(every, keep_days=keep_days)

    def reconciler() -> Reconciler:
        """Import what reconciles when there is first something to do: a process that waits is small."""
        from projections.reconcile.days import RowScope
        from projections.reconcile.run import ReconcileOptions
        from projections.reconcile.service import ScheduledReconciler

        rows = RowScope(store_days=store_days) if store_days else None
        return ScheduledReconciler(addresses, schedule, ReconcileOptions(60.0, rows=rows, business=True, time=_time(data_dir)))

    async def work() -> None:
        write_ready_file(ready_file)
        await keep_schedule(addresses.postgres_dsn, schedule, reconciler, stop_event())

    asyncio.run(work())


@app.command("runs")
def runs(limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20, data_dir: DataDir = None) -> None:
    """List the runs whose results are kept, the newest first."""
    from tillstream.proving import print_runs
    from tillstream.reaching import addresses_of, run_async

    run_async(print_runs(console, addresses_of(settings_for(data_dir)), limit))


@app.command("show")
def show(
    run: Run = None,
    store: Store = None,
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Only this business date.", show_default=False)
    ] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Only this event type, or table.", show_default=False)] = None,
    section: Annotated[Section | None, typer.Option(help="Only these findings.", show_default=False)] = None,
    json: Json = None,
    csv: Csv = None,
    data_dir: DataDir = None,
) -> None:
    """Show what a run found: its verdict, then its findings by store, business date and type, down to event ids and columns."""
    from projections.reconciliations import FindingSearch
    from tillstream.proving import NoSuchRun, print_run, write_csv
    from tillstream.reaching import addresses_of, run_async

    date_of = None if day is None else day.date().isoformat()
    search = FindingSearch(None if section is None else section.value, None, store, date_of, event_type)
    try:
        kept, findings = run_async(print_run(console, addresses_of(settings_for(data_dir)), run, search))
    except NoSuchRun as error:
        console.print(str(error))
        raise typer.Exit(1) from error
    if json:
        found = [{"section": finding.section, **finding.document} for finding in findings]
        json.write_text(json_format.dumps({"run": kept.id, **(kept.report or {}), "findings": found}, indent=2) + "\n", "utf-8")
    if csv:
        write_csv(csv, [(finding.section, finding.document) for finding in findings])


@app.command("repair")
def repair(
    run: Run = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and do nothing.")] = False,
    wait: Wait = 60.0,
    data_dir: DataDir = None,
) -> None:
    """Carry out what repairs the differences of a run, store-day by store-day from the log, and reconcile again.

    Projections must be running: a repair holds a read model at one position while its rows are put right.
    """
    from projections.reconcile.days import RowScope
    from projections.reconcile.run import ReconcileOptions
    from tillstream.proving import NoSuchRun
    from tillstream.reaching import addresses_of, run_async
    from tillstream.repairing import repair_run

    try:
        has_steps = run_async(repair_run(console, addresses_of(_quiet(data_dir)), run, dry_run))
    except NoSuchRun as error:
        console.print(str(error))
        raise typer.Exit(1) from error
    if has_steps and not dry_run:
        _reconcile_and_tell(ReconcileOptions(wait, rows=RowScope()), data_dir)
