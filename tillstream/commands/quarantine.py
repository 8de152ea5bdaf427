"""`tillstream quarantine`: what was refused, why, and how to correct and resubmit it, or to discard it with a reason."""

import json as json_format
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import typer
from rich.table import Table

from tillstream.console import console
from tillstream.options import DataDir, settings_for

app = typer.Typer(no_args_is_help=True, help="What could not be accepted: its bytes, its reason, and what is decided about it.")
EntryId = Annotated[UUID, typer.Argument(help="The entry, as `list` prints it.", metavar="ID")]
By = Annotated[str, typer.Option(help="Who decides: kept with the entry.")]


@app.command("list")
def list_entries(
    source: Annotated[str | None, typer.Option(help="Of this source and those below it: till/A also lists till/A/1.")] = None,
    code: Annotated[str | None, typer.Option(help="With this reason.")] = None,
    status: Annotated[Literal["open", "resubmitted", "discarded", "all"], typer.Option(help="What was decided.")] = "open",
    store: Annotated[str | None, typer.Option(help="Of one store.")] = None,
    since: Annotated[str | None, typer.Option(help="Noted since this date or time (UTC unless it says otherwise).")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with bodies up to 4 KiB.")] = False,
    data_dir: DataDir = None,
) -> None:
    """List what was refused, the newest first."""
    from api.schemas.quarantine import QuarantineEntry
    from producers.quarantine_reader import Search
    from tillstream.quarantine import find_entries, moment
    from tillstream.reaching import addresses_of, run_async

    try:
        search = Search(source, code, None if status == "all" else status, store, moment(since) if since else None)
    except ValueError as error:
        raise typer.BadParameter("a date or time such as 2026-03-02 or 2026-03-02T09:00:00+09:00", param_hint="--since") from error
    entries = run_async(find_entries(addresses_of(settings_for(data_dir)), search, limit))
    if json:
        for entry in entries:
            typer.echo(json_format.dumps(QuarantineEntry.of(entry).model_dump(mode="json"), ensure_ascii=False))
        return
    if not entries:
        console.print("nothing fits")
        return
    table = Table("entry", "source", "store", "line", "code", "status", "seen", "noted at", box=None)
    for entry in entries:
        line = "" if entry.line_number is None else str(entry.line_number)
        table.add_row(
            str(entry.id), entry.source, entry.store_id, line, entry.code, entry.status, str(entry.seen_count), f"{entry.noted_at:%F %R}"
        )
    console.print(table)
    if len(entries) == limit:
        console.print(f"the first {limit}; more with --limit")


@app.command()
def show(entry_id: EntryId, data_dir: DataDir = None) -> None:
    """Show one entry whole: its problems, what became of it, and its bytes."""
    from tillstream.quarantine import describe, find_entry
    from tillstream.reaching import addresses_of, run_async

    with _one_sentence():
        for line in describe(run_async(find_entry(addresses_of(settings_for(data_dir)), entry_id))):
            typer.echo(line)


@app.command()
def resubmit(
    entry_id: EntryId,
    file: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="The corrected document; without it the kept one.")] = None,
    by: By = "operator",
    data_dir: DataDir = None,
) -> None:
    """Send a refused event again, corrected or as it was: judged like every post. Exit status 1 when it is refused again."""
    from tillstream.quarantine import Resubmission, resubmit_entry
    from tillstream.reaching import addresses_of, run_async
    from tillstream.timemode import remembered_time

    settings = settings_for(data_dir)
    with _one_sentence():
        result = run_async(resubmit_entry(addresses_of(settings), remembered_time(settings, None), Resubmission(entry_id, file, by)))
    if result.outcome in {"accepted", "duplicate"}:
        place = f" at {result.position.topic}/{result.position.partition}/{result.position.offset}" if result.position else ""
        typer.echo(f"{result.outcome}: event {result.id}{place}")
        return
    if result.outcome == "unacknowledged":
        typer.echo("the log did not acknowledge: resubmit it again", err=True)
    for problem in result.problems:
        typer.echo(f"refused again: {problem.code} at {problem.pointer or '/'}: expected {problem.expected}", err=True)
    raise typer.Exit(1)


@app.command()
def discard(
    entry_id: EntryId,
    reason: Annotated[str, typer.Option(help="Why it will not become an event.")],
    by: By = "operator",
    data_dir: DataDir = None,
) -> None:
    """Say that an entry will not become an event, and why."""
    from tillstream.quarantine import discard_entry
    from tillstream.reaching import addresses_of, run_async

    with _one_sentence():
        run_async(discard_entry(addresses_of(settings_for(data_dir)), entry_id, reason, by))
    typer.echo(f"discarded: {entry_id}")


@app.command()
def counts(data_dir: DataDir = None) -> None:
    """Count entries by source, reason and status."""
    from tillstream.quarantine import counts as counted
    from tillstream.reaching import addresses_of, run_async

    table = Table("source", "code", "status", "entries", box=None)
    for row in run_async(counted(addresses_of(settings_for(data_dir)))):
        table.add_row(row.source, row.code, row.status, f"{row.entries:,}")
    console.print(table if table.row_count else "the quarantine is empty")


@app.command()
def expire(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be deleted.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Delete what is still open 90 days after it was noted. The API does the same once a day."""
    from tillstream.quarantine import expire_entries
    from tillstream.reaching import addresses_of, run_async

    gone = run_async(expire_entries(addresses_of(settings_for(data_dir)), dry_run))
    for source, entries in sorted(gone.items()):
        typer.echo(f"{source}: {entries:,}")
    typer.echo(f"{gone.total():,} entries {'would be' if dry_run else 'were'} deleted")


@contextmanager
def _one_sentence() -> Iterator[None]:
    """End the command with the reason where an entry cannot be found or decided about."""
    from api.errors import ApiError
    from producers.quarantine_decisions import NotOpen, ReasonMissing
    from producers.quarantine_reader import UnknownEntry

    try:
        yield
    except (UnknownEntry, NotOpen, ReasonMissing, ApiError) as error:
        words = {UnknownEntry: f"there is no entry {error}", NotOpen: f"the entry is not open: {error}", ReasonMissing: str(error)}
        typer.echo(words.get(type(error), error.detail if isinstance(error, ApiError) else str(error)), err=True)
        raise typer.Exit(1) from error
