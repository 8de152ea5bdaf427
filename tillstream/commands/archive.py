"""`tillstream archive`: months of the archived log, from ClickHouse to files that can be read again."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from tillstream.console import console
from tillstream.options import DataDir, settings_for

if TYPE_CHECKING:
    from infra.settings import Settings
    from projections.archive.listing import Month

app = typer.Typer(
    no_args_is_help=True,
    help="The archive of the log by months of recording: how many stay in ClickHouse, which lie in files. "
    "Only what is proven to be the log is exported, and only what was exported and read again is dropped.",
)
ChosenMonths = Annotated[list[str] | None, typer.Argument(metavar="[YYYY-MM]...", help="Without any: those that the retention lets go.")]


@app.command()
def status(data_dir: DataDir = None) -> None:
    """Show each month: records in ClickHouse and in files, and what may be done with it."""
    from projections.archive.months import read_retention
    from tillstream.reaching import addresses_of, run_async

    settings = settings_for(data_dir)
    retention = run_async(read_retention(addresses_of(settings)))
    stays = (
        "every month stays" if retention.hot_months is None else f"{retention.hot_months} months stay (decided by {retention.decided_by})"
    )
    console.print(f"in ClickHouse {stays}")
    table = Table("month", "records in ClickHouse", "MB", "records in files", "MB", "", box=None)
    for month in run_async(_all(settings)):
        filed = sum(each.records for each in month.files)
        sizes = (f"{size / 1e6:,.1f}" for size in (month.hot_bytes, sum(each.bytes for each in month.files)))
        table.add_row(_text(month.month), f"{month.records:,}", next(sizes), f"{filed:,}", next(sizes), _said(month))
    console.print(table)


@app.command()
def retain(
    months: Annotated[
        int | None, typer.Option(min=1, help="So many stay in ClickHouse, that of now among them.", show_default=False)
    ] = None,
    forever: Annotated[bool, typer.Option("--forever", help="All stay.")] = False,
    by: Annotated[str, typer.Option(help="Who decides it.")] = "operator",
    data_dir: DataDir = None,
) -> None:
    """Decide how many months stay in ClickHouse; nothing is moved by that alone."""
    from projections.archive.months import set_retention
    from tillstream.reaching import addresses_of, run_async

    if (months is None) != forever:
        raise typer.BadParameter("say --months N or --forever")
    run_async(set_retention(addresses_of(settings_for(data_dir)), months, by))
    console.print("every month stays" if months is None else f"{months} months stay")


@app.command()
def export(months: ChosenMonths = None, data_dir: DataDir = None) -> None:
    """Prove the archive against the log, then write months to files and read them again; exit status 1 when one stays."""
    _move(months, data_dir, drop=False)


@app.command()
def drop(months: ChosenMonths = None, data_dir: DataDir = None) -> None:
    """Let ClickHouse drop months whose files hold all of them, after reading those once more; exit status 1 when one stays."""
    _move(months, data_dir, drop=True)


def _move(months: list[str] | None, data_dir: DataDir, drop: bool) -> None:
    from infra.settings import archive_root
    from projections.archive.months import is_due, months_of, move
    from projections.replay.archive import ArchiveUnproven
    from tillstream.reaching import addresses_of, run_async

    chosen = {_number(text) for text in months or ()}
    settings = settings_for(data_dir)
    told: list[int] = []

    def tell(month: "Month", what: str, is_good: bool) -> None:
        told.append(month.month)
        console.print(f"{_text(month.month)} {what}", style="" if is_good else "red", soft_wrap=True, highlight=False)

    def is_chosen(month: "Month") -> bool:
        return month.month in chosen if chosen else is_due(month, drop)

    async def work() -> bool:
        async with months_of(addresses_of(settings), archive_root(settings)) as archive:
            return await move(archive, is_chosen, drop, tell)

    try:
        is_good = run_async(work())
    except ArchiveUnproven as error:
        console.print(f"[red]{error}[/red]", soft_wrap=True)
        raise typer.Exit(1) from error
    for number in sorted(chosen.difference(told)):
        console.print(f"[red]{_text(number)}: the archive has nothing of that month[/red]")
    if not told and not chosen:
        console.print("nothing to move")
    if not is_good or chosen.difference(told):
        raise typer.Exit(1)


async def _all(settings: "Settings") -> list["Month"]:
    from infra.settings import archive_root
    from projections.archive.months import months_of
    from tillstream.reaching import addresses_of

    async with months_of(addresses_of(settings), archive_root(settings)) as months:
        return await months.all()


def _said(month: "Month") -> str:
    if month.is_dropped:
        return "in files only" if not month.hot else "read from files; what ClickHouse still has may be dropped"
    if month.is_exported:
        return "exported, may be dropped"
    return "may be exported: older than what stays" if month.is_cold else ""


def _number(text: str) -> int:
    year, dash, month = text.partition("-")
    if not (dash and len(year) == 4 and year.isdigit() and month.isdigit() and 1 <= int(month) <= 12):
        raise typer.BadParameter(f"{text!r} is no month: say it as 2026-11")
    return int(year) * 100 + int(month)


def _text(month: int) -> str:
    return f"{month // 100}-{month % 100:02}"
