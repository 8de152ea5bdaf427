"""`tillstream dead-letters`: what could not be applied, why, how to try again, and what people decide about it."""

import json as json_format
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import typer
from rich.table import Table

from tillstream.console import console
from tillstream.options import DataDir, settings_for

if TYPE_CHECKING:
    from projections.letter_reader import LetterSearch
    from tillstream.letters import Chosen, Outcome

app = typer.Typer(no_args_is_help=True, help="Records that could not be applied: nothing of them is lost.")
Name = "PROJECTION/TOPIC/PARTITION/OFFSET, as `list` prints it."
Letter = Annotated[str, typer.Argument(help=Name)]
Letters = Annotated[list[str] | None, typer.Argument(help=Name)]
EveryOpen = Annotated[bool, typer.Option("--all", help="Every open letter that fits the filters.")]
Projection = Annotated[str | None, typer.Option(help="Of one projection, or 'processors' for the rules.")]
EventType = Annotated[str | None, typer.Option("--type", help="Of one event type.")]
Store = Annotated[str | None, typer.Option(help="Of one store.")]
Reason = Annotated[str | None, typer.Option(help="With this reason.")]
WithReason = Annotated[str | None, typer.Option("--with-reason", help="With --all: letters with this reason.")]
Event = Annotated[UUID | None, typer.Option(help="Of one event, whoever could not apply it.")]
Since = Annotated[str | None, typer.Option(help="Noted since this date or time (UTC unless it says otherwise).")]
Until = Annotated[str | None, typer.Option(help="Noted before this date or time.")]
Generation = Annotated[int | None, typer.Option(min=1, help="Of this generation; otherwise of the one that serves.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
By = Annotated[str, typer.Option(help="Who decides: kept with the decision.")]
Disposition = Literal["open", "retried", "applied", "discarded", "corrected", "all"]


@app.command("list")
def list_letters(
    projection: Projection = None,
    event_type: EventType = None,
    store: Store = None,
    reason: Reason = None,
    event: Event = None,
    since: Since = None,
    until: Until = None,
    disposition: Annotated[Disposition, typer.Option(help="What became of them.")] = "open",
    every: Annotated[bool, typer.Option("--all", help="The same as --disposition all.")] = False,
    generation: Generation = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    data_dir: DataDir = None,
) -> None:
    """List dead letters: who could not apply which record, and why."""
    from tillstream.letters import find_letters, letter_name
    from tillstream.reaching import addresses_of, run_async

    wanted = None if every or disposition == "all" else disposition
    search = _search(projection, event_type, store, reason, event, since, until, wanted, generation)
    letters = run_async(find_letters(addresses_of(settings_for(data_dir)), search, limit))
    if not letters:
        console.print("no dead letters")
        return
    table = Table("letter", "event type", "store", "reason", "disposition", "attempts", "noted at", box=None)
    for letter in letters:
        words = (letter.event_type, letter.store_id, letter.reason, letter.disposition, str(letter.attempts), f"{letter.noted_at:%F %R}")
        table.add_row(letter_name(letter.key), *words)
    console.print(table)
    if len(letters) == limit:
        console.print(f"the first {limit}; more with --limit")


@app.command()
def show(letter: Letter, data_dir: DataDir = None) -> None:
    """Show one dead letter whole: reason, decision, headers and the bytes of its value."""
    from tillstream.letters import describe, find_letter, parse_name
    from tillstream.reaching import addresses_of, run_async

    for line in describe(run_async(find_letter(addresses_of(settings_for(data_dir)), parse_name(letter)))):
        typer.echo(line)


@app.command()
def retry(
    letters: Letters = None,
    every: EveryOpen = False,
    projection: Projection = None,
    event_type: EventType = None,
    store: Store = None,
    reason: Reason = None,
    event: Event = None,
    since: Since = None,
    until: Until = None,
    dry_run: DryRun = False,
    data_dir: DataDir = None,
) -> None:
    """Append the same bytes again: who had applied the event sees a repeat, who had failed applies it now.

    A record about which several projections have letters is sent once. Exit status 1 when one could not be sent.
    """
    from tillstream.letters import retry_letters
    from tillstream.reaching import addresses_of, run_async

    search = _search(projection, event_type, store, reason, event, since, until)
    chosen = _chosen(letters, every, search)
    with _progress(dry_run) as tell:
        failed = run_async(retry_letters(addresses_of(settings_for(data_dir)), chosen, dry_run, tell))
    raise typer.Exit(1 if failed else 0)


@app.command()
def discard(
    reason: Annotated[str, typer.Option(help="Why they are never to be applied.")],
    letters: Letters = None,
    every: EveryOpen = False,
    projection: Projection = None,
    event_type: EventType = None,
    store: Store = None,
    with_reason: WithReason = None,
    event: Event = None,
    since: Since = None,
    until: Until = None,
    by: By = "operator",
    dry_run: DryRun = False,
    data_dir: DataDir = None,
) -> None:
    """Say that a projection is never to apply a record, and why: every generation honours it.

    Exit status 1 when one could not be discarded.
    """
    from tillstream.letters import discard_letters
    from tillstream.reaching import addresses_of, run_async

    search = _search(projection, event_type, store, with_reason, event, since, until)
    chosen = _chosen(letters, every, search)
    with _progress(dry_run) as tell:
        failed = run_async(discard_letters(addresses_of(settings_for(data_dir)), chosen, reason, by, dry_run, tell))
    raise typer.Exit(1 if failed else 0)


@app.command()
def correct(
    letter: Letter,
    reason: Annotated[str, typer.Option(help="What was wrong: part of the correcting event.")],
    file: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="The right content of the event, as JSON.")] = None,
    did_not_occur: Annotated[bool, typer.Option("--did-not-occur", help="The event never happened.")] = False,
    by: By = "operator",
    data_dir: DataDir = None,
) -> None:
    """Post an event that says what this one should have said: it settles everyone's letters about the record."""
    from projections.letter_decisions import Correction
    from tillstream.letters import correct_letter, parse_name
    from tillstream.reaching import addresses_of, run_async
    from tillstream.timemode import remembered_time

    if (file is None) != did_not_occur:
        raise typer.BadParameter("give the right content with --file, or say --did-not-occur")
    settings = settings_for(data_dir)
    correction = Correction(reason, None if file is None else _content(file))
    addresses, time = addresses_of(settings), remembered_time(settings, None)
    with _one_sentence():
        typer.echo(run_async(correct_letter(addresses, time, parse_name(letter), correction, by)))


def _content(file: Path) -> dict[str, Any]:
    try:
        found = json_format.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise typer.BadParameter(f"{file} is no JSON: {error}", param_hint="--file") from error
    if not isinstance(found, dict):
        raise typer.BadParameter("one JSON object: the event's data", param_hint="--file")
    return found


def _search(
    projection: str | None,
    event_type: str | None,
    store: str | None,
    reason: str | None,
    event: UUID | None,
    since: str | None,
    until: str | None,
    disposition: str | None = "open",
    generation: int | None = None,
) -> "LetterSearch":
    from projections.catalogue import PROJECTIONS
    from projections.dead_letters import PROCESSORS
    from projections.letter_reader import LetterSearch
    from tillstream.quarantine import moment

    if projection is not None and projection not in {PROCESSORS, *PROJECTIONS}:
        names = ", ".join(sorted({PROCESSORS, *PROJECTIONS}))
        raise typer.BadParameter(f"there is no {projection!r}; there are {names}", param_hint="--projection")
    times = []
    for option, given in (("--since", since), ("--until", until)):
        try:
            times.append(moment(given) if given else None)
        except ValueError as error:
            raise typer.BadParameter("a date or time such as 2026-03-02 or 2026-03-02T09:00:00+09:00", param_hint=option) from error
    return LetterSearch(projection, disposition, event_type, store, reason, event, times[0], times[1], generation)


def _chosen(names: list[str] | None, every: bool, search: "LetterSearch") -> "Chosen":
    from projections.letter_reader import LetterSearch
    from tillstream.letters import parse_name

    if bool(names) == every:
        raise typer.BadParameter("name letters, or say --all")
    if names and search != LetterSearch():
        raise typer.BadParameter("filters go with --all")
    return [parse_name(name) for name in names] if names else search


@contextmanager
def _progress(dry_run: bool) -> "Iterator[Callable[[Outcome], None]]":
    """Print what becomes of each letter as it happens, or would, and count it in the end."""
    done: list[bool] = []

    def tell(outcome: "Outcome") -> None:
        done.append(outcome.done)
        typer.echo(f"{len(done)}  {outcome.name}: {outcome.words}")

    yield tell
    if not done:
        typer.echo("no open dead letters")
    elif len(done) > 1:
        typer.echo(f"{len(done)} letters, nothing was done" if dry_run else f"{sum(done)} of {len(done)} done")


@contextmanager
def _one_sentence() -> "Iterator[None]":
    """End the command with the reason where a letter cannot be corrected."""
    from api.errors import ApiError
    from projections.letter_decisions import NotDecidable
    from projections.letter_reader import UnknownLetter

    try:
        yield
    except UnknownLetter as error:
        typer.echo(f"there is no dead letter {error}", err=True)
        raise typer.Exit(1) from error
    except NotDecidable as error:
        typer.echo(f"it cannot be corrected: {error}", err=True)
        raise typer.Exit(1) from error
    except ApiError as error:
        problems = [row for result in error.extensions.get("results", ()) for row in result.get("problems", ())]
        for problem in problems:
            typer.echo(f"refused: {problem['code']} at {problem['pointer'] or '/'}: expected {problem['expected']}", err=True)
        typer.echo(error.detail, err=True)
        raise typer.Exit(1) from error
