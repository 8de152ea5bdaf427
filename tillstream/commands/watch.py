"""`tillstream watch`: load the exports that others put into a directory."""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tillstream.console import console
from tillstream.options import DataDir, settings_for

if TYPE_CHECKING:
    from infra.settings import Settings
    from producers.inbox import Inbox
    from producers.mappings.schema import CsvMapping
    from producers.watcher import Load, News, WatchOptions


def watch(
    directory: Annotated[Path, typer.Argument(help="Where exports are put: CSV, also .gz, or Excel workbooks.")],
    mapping: Annotated[
        Path, typer.Option("--mapping", "-m", help="How they are to be read: a mapping file, or the name of a shipped one.")
    ],
    once: Annotated[bool, typer.Option("--once", help="Load what lies there now, then end.")] = False,
    settle_seconds: Annotated[float, typer.Option(min=0.0, help="A file is complete when it has not changed for so long.")] = 5.0,
    data_dir: DataDir = None,
) -> None:
    """Load files that appear in a directory, in order of name, each when it is complete; one watcher a directory.

    A loaded file moves to `done`, one that cannot be loaded to `failed`, each with a report beside it. Run it
    again after a crash: it goes on. With --once, exit status 1 when a file failed or had to stay.
    """
    from producers.inbox import DirectoryTaken, Inbox
    from producers.mappings.reader import MappingInvalid, read_mapping
    from producers.watcher import WatchOptions

    if not directory.is_dir():
        raise typer.BadParameter(f"{directory} is no directory", param_hint="DIRECTORY")
    inbox, options = Inbox(directory), WatchOptions(settle_seconds=settle_seconds)
    try:
        load = _loader(settings_for(data_dir), read_mapping(mapping))
        with inbox.claimed():
            good = asyncio.run(_run(inbox, load, options, once))
    except (MappingInvalid, DirectoryTaken) as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from error
    if not good:
        raise typer.Exit(1)


async def _run(inbox: "Inbox", load: "Load", options: "WatchOptions", once: bool) -> bool:
    """Watch until a signal says stop, or once; return whether nothing failed and nothing stayed."""
    from producers.watcher import Watcher

    stop, failed = asyncio.Event(), list[str]()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def tell(news: "News") -> None:
        _show(news)
        if news.outcome == "failed":
            failed.append(news.name)

    watcher = Watcher(inbox, load, options, tell)
    if not once:
        await watcher.run(stop)
        return True
    left = await watcher.run_once(stop)
    for name in left:
        console.print(f"  {name} stays: it is empty, still written, or waits for the stack")
    return not failed and not left


def _show(news: "News") -> None:
    report = news.report
    said = report.get("error") or f"{report['total_lines']:,} lines, {report['sent']:,} events sent, {report['refused']:,} lines refused"
    if not report.get("error") and news.outcome == "failed":
        said += f"; {len(report['differs'])} receipts differ from what was loaded before"
    console.print(f"  {news.name} {news.outcome or 'waits'}: {said}", style={"done": "", "failed": "red", None: "yellow"}[news.outcome])


def _loader(settings: "Settings", how: "CsvMapping") -> "Load":
    """Return the load of one file onto the running stack, its failures told apart: the file's fault, or that of its surroundings."""
    from sqlalchemy.exc import InterfaceError, OperationalError

    from infra.addresses import resolve_addresses
    from infra.embedded.stack_error import StackError
    from infra.kafka.group import LogError
    from infra.kafka.publisher import NotDurable
    from producers.sources.mapped_csv import FileChanged, MappingDoesNotFit
    from producers.tables.unreadable import FileUnreadable
    from producers.watcher import FileFaulty, LoadReport, NotNow
    from tillstream.loading import IndexBehind, load_file
    from tillstream.timemode import remembered_time

    passing = (StackError, NotDurable, IndexBehind, LogError, OperationalError, InterfaceError, FileChanged, OSError, TimeoutError)

    async def load(file: Path) -> LoadReport:
        try:
            simulated = remembered_time(settings, None) == "simulated"
            summary = await load_file(resolve_addresses(settings), file, how, simulated, lambda _: None)
        except (MappingDoesNotFit, FileUnreadable) as error:
            raise FileFaulty(str(error)) from error
        except passing as error:
            raise NotNow(str(error) or type(error).__name__) from error
        return LoadReport(summary.as_json(), agrees=not summary.differs)

    return load
