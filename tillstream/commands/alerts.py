"""`tillstream alerts`: what the rules have to say, and what people answer to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal
from uuid import UUID

import typer
from rich.table import Table

from tillstream.console import console
from tillstream.options import DataDir, settings_for

app = typer.Typer(
    no_args_is_help=True,
    help="What the rules have noticed, why, and what people answered. "
    "Begin with [bold]list[/bold], look at one with [bold]show[/bold], then [bold]answer[/bold] it: first 'acknowledged', so that others "
    "know that somebody is at it; 'resolved' when it is done; and 'true_alarm' or 'false_alarm', from which the rule learns.",
)
AlertId = Annotated[UUID, typer.Argument(help="The alert, as `list` prints it.", metavar="ID")]
Status = Literal["open", "raised", "updated", "acknowledged", "resolved", "retracted", "orphaned", "all"]
Severity = Literal["low", "medium", "high"]
Said = Literal["acknowledged", "resolved", "true_alarm", "false_alarm"]


@app.command("list")
def list_alerts(
    rule: Annotated[list[str] | None, typer.Option(help="Of this rule (may be repeated).")] = None,
    store: Annotated[list[str] | None, typer.Option(help="Of this store (may be repeated).")] = None,
    severity: Annotated[Severity | None, typer.Option(help="Of this severity.")] = None,
    status: Annotated[Status, typer.Option(help="As people see it; 'open': whatever still matters.")] = "open",
    due: Annotated[bool, typer.Option("--due", help="Only what people are to be told of by now: quiet hours put the rest off.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with the evidence.")] = False,
    data_dir: DataDir = None,
) -> None:
    """List alerts, the newest window first."""
    from api.schemas.alerts import AlertState
    from projections.read_models.open_alerts.reader import OPEN_STATUSES
    from tillstream.alerts import Search, find_alerts
    from tillstream.reaching import addresses_of, run_async
    from tillstream.timemode import remembered_time

    settings = settings_for(data_dir)
    statuses = {"open": OPEN_STATUSES, "all": None}.get(status, (status,))
    search = Search(store, statuses, rule, (severity,) if severity else None, due)
    rows = run_async(find_alerts(addresses_of(settings), remembered_time(settings, None), search, limit))
    if json:
        for row in rows:
            typer.echo(AlertState.model_validate(row).model_dump_json())
        return
    if not rows:
        console.print("nothing fits")
        return
    table = Table("alert", "store", "rule", "subject", "severity", "status", "window ends", "summary", box=None)
    for row in rows:
        end = f"{row.window_end:%F %R}"
        table.add_row(str(row.alert_id), row.store_id, row.rule, row.subject, row.severity, row.status, end, row.summary)
    console.print(table)
    if len(rows) == limit:
        console.print(f"the first {limit}; more with --limit")


@app.command()
def show(alert_id: AlertId, data_dir: DataDir = None) -> None:
    """Show one alert whole: its evidence, every transition, and every answer."""
    from tillstream.alerts import describe, find_course
    from tillstream.reaching import addresses_of, run_async

    with _one_sentence():
        for line in describe(run_async(find_course(addresses_of(settings_for(data_dir)), alert_id))):
            typer.echo(line)


@app.command()
def answer(
    alert_id: AlertId,
    said: Annotated[
        Said,
        typer.Argument(
            metavar="ANSWER",
            help="acknowledged: seen, comes back when it gets worse. resolved: done with, comes back when the rule says more. "
            "true_alarm, false_alarm: the rule was right, or not; this moves its threshold for the subject.",
        ),
    ],
    note: Annotated[str | None, typer.Option(help="What you want to say about it; no names of people.")] = None,
    by: Annotated[str, typer.Option(help="Who answers, as an opaque id: kept with the answer.")] = "operator",
    key: Annotated[str | None, typer.Option(help="Makes a repeat of this command the same answer: any text, best a UUID.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Answer an alert. The newest answer on what to do counts, and the newest on whether the rule was right.

    An answer is a fact on the log. To take one back, answer anew, or post an event.corrected.v1 that names its event.
    """
    from pydantic import ValidationError

    from api.schemas.alerts import GivenAnswer
    from tillstream.alerts import Word, answer_alert
    from tillstream.reaching import addresses_of, run_async
    from tillstream.timemode import remembered_time

    settings = settings_for(data_dir)
    try:
        word = Word(alert_id, GivenAnswer(answer=said, note=note), by, key)
    except ValidationError as error:
        raise typer.BadParameter("at most 500 characters", param_hint="--note") from error
    with _one_sentence():
        taken = run_async(answer_alert(addresses_of(settings), remembered_time(settings, None), word))
    place = f" at {taken.position.topic}/{taken.position.partition}/{taken.position.offset}" if taken.position else ""
    typer.echo(f"{taken.outcome}: event {taken.event_id}{place}")


@contextmanager
def _one_sentence() -> Iterator[None]:
    """End the command with the reason where an alert cannot be found or answered."""
    from api.errors import ApiError

    try:
        yield
    except ApiError as error:
        typer.echo(error.detail, err=True)
        for row in error.extensions.get("results", ()):
            for problem in row.get("problems", ()):
                typer.echo(f"{problem['code']} at {problem['pointer'] or '/'}: expected {problem['expected']}", err=True)
        raise typer.Exit(1) from error
