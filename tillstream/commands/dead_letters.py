"""`tillstream dead-letters`: what could not be applied, why, and how to try again."""

from typing import Annotated

import typer
from rich.table import Table

from tillstream.console import console
from tillstream.options import DataDir, settings_for

app = typer.Typer(no_args_is_help=True, help="Records that could not be applied: nothing of them is lost.")
Letter = Annotated[str, typer.Argument(help="PROJECTION/TOPIC/PARTITION/OFFSET, as `list` prints it.")]


@app.command("list")
def list_letters(
    projection: Annotated[str | None, typer.Option(help="Of one projection, or 'processors' for the rules.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that were retried and applied.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    data_dir: DataDir = None,
) -> None:
    """List dead letters: who could not apply which record, and why."""
    from tillstream.letters import find_letters, letter_name
    from tillstream.reaching import addresses_of, run_async

    letters = run_async(find_letters(addresses_of(settings_for(data_dir)), projection, None if every else "open", limit))
    if not letters:
        console.print("no dead letters")
        return
    table = Table("letter", "event type", "store", "reason", "disposition", "attempts", box=None)
    for letter in letters:
        table.add_row(letter_name(letter.key), letter.event_type, letter.store_id, letter.reason, letter.disposition, str(letter.attempts))
    console.print(table)
    if len(letters) == limit:
        console.print(f"the first {limit}; more with --limit")


@app.command()
def show(letter: Letter, data_dir: DataDir = None) -> None:
    """Show one dead letter whole: reason, headers and the bytes of its value."""
    from tillstream.letters import describe, find_letter, parse_name
    from tillstream.reaching import addresses_of, run_async

    for line in describe(run_async(find_letter(addresses_of(settings_for(data_dir)), parse_name(letter)))):
        typer.echo(line)


@app.command()
def retry(
    letter: Annotated[str | None, typer.Argument(help="PROJECTION/TOPIC/PARTITION/OFFSET, as `list` prints it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every open letter.")] = False,
    projection: Annotated[str | None, typer.Option(help="With --all: of one projection.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Append the same bytes again: who had applied the event sees a repeat, who had failed applies it now."""
    from tillstream.letters import parse_name, retry_letters
    from tillstream.reaching import addresses_of, run_async

    if (letter is None) == (not every):
        raise typer.BadParameter("name one letter, or say --all")
    keys = [parse_name(letter)] if letter else None
    for line in run_async(retry_letters(addresses_of(settings_for(data_dir)), keys, projection)):
        typer.echo(line)
