"""`tillstream mapping`: how an unknown export could be read, proposed with reasons."""

from pathlib import Path
from typing import Annotated

import typer

from producers.mappings.drafting.answers import Answers

app = typer.Typer(no_args_is_help=True, help="Mapping files: what the columns and lines of an export mean.")


@app.callback()
def mapping() -> None:
    """Keep `draft` a sub-command although it is the only one."""


@app.command()
def draft(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An export: CSV, also .gz, or an Excel workbook.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the mapping here; absent: to the standard output.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Of a workbook; absent: the first that is not hidden.")] = None,
    tenant: Annotated[str | None, typer.Option(help="The chain that the stores belong to.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Time zone of the stores, such as Asia/Seoul.")] = None,
    currency: Annotated[str | None, typer.Option(help="Currency of the prices, such as KRW.")] = None,
    country: Annotated[str | None, typer.Option(help="Country of the stores, such as KR.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also where the output is there already.")] = False,
) -> None:
    """Propose a mapping for an export that nobody described, with what each choice is based on and how sure it is.

    Nothing is loaded. What no file tells (tenant, time zone, currency) is left to you: `tillstream load`
    names what is still open and refuses until it is decided.
    """
    from producers.tables.unreadable import FileUnreadable

    if output is not None and output.exists() and not overwrite:
        raise typer.BadParameter(f"{output} is there already; --overwrite replaces it", param_hint="--output")
    try:
        text, unsure, open_ones = _drafted(file, sheet, Answers(tenant, timezone, currency, country))
    except FileUnreadable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text, "utf-8")
        typer.echo(f"wrote {output}", err=True)
    _say("Please check, it is not sure:", unsure)
    _say("Please decide, then load:", open_ones)


def _drafted(file: Path, sheet: str | None, answers: Answers) -> tuple[str, list[str], list[str]]:
    """Return the text of a draft and its two lists; a draft that no answer could complete ends the command."""
    from producers.mappings.drafting.draft import drafted
    from producers.mappings.drafting.reading import look_at
    from producers.mappings.drafting.writing import written
    from producers.mappings.reader import MappingInvalid, parse_mapping

    found = drafted(look_at(file, sheet), answers)
    text = written(found)
    try:
        parse_mapping(text, file.name)
    except MappingInvalid as error:
        wrong = [problem for problem in error.problems if problem.code != "undecided"]
        if wrong:
            raise typer.BadParameter("; ".join(map(str, wrong))) from error
    return text, found.unsure(), found.to_decide()


def _say(heading: str, rows: list[str]) -> None:
    if rows:
        typer.echo("\n".join([heading, *(f"  {row}" for row in rows)]), err=True)
