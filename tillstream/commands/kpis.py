"""`tillstream kpis`: sales as they are known now, as they were known, and why they changed."""

from dataclasses import asdict
from datetime import datetime
from json import dumps
from typing import Annotated

import typer
from rich.table import Table

from contracts.money import to_major
from tillstream.console import console
from tillstream.options import DataDir, settings_for

app = typer.Typer(
    no_args_is_help=True,
    help="Sales as they are known now, or as they were known at a moment. "
    "A figure that differs from yesterday's report is explained by [bold]changes[/bold]: every fact that has come since.",
)
Stores = Annotated[list[str] | None, typer.Option("--store", help="Of this store (may be repeated); all without it.")]
_FORMATS = ["%Y-%m-%d"]
_MOMENTS = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"]
First = Annotated[datetime, typer.Option("--from", formats=_FORMATS, help="First business date.")]
Last = Annotated[datetime, typer.Option("--until", formats=_FORMATS, help="Last business date, inclusive.")]
_BEGINNING, _END = datetime(1971, 1, 1), datetime(2148, 12, 31)  # noqa: DTZ001 - calendar dates


@app.command()
def sales(
    by: Annotated[
        list[str] | None,
        typer.Option(help="Group by store, channel, promotion, and one of hour, day, week, month (may be repeated)."),
    ] = None,
    store: Stores = None,
    first: First = _BEGINNING,
    last: Last = _END,
    known_at: Annotated[
        datetime | None, typer.Option(formats=_MOMENTS, help="Only facts recorded by then, as 2026-11-20T08:00:00+09:00.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line; amounts in minor units.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Show net sales, transactions and what was returned and voided."""
    from projections.read_models.sales_by_hour.reader import UnknownGrouping
    from tillstream.kpis import Span, find_sales
    from tillstream.reaching import addresses_of, run_async

    span = Span(store, first.date(), last.date())
    try:
        rows = run_async(find_sales(addresses_of(settings_for(data_dir)), span, by or (), known_at))
    except UnknownGrouping as error:
        raise typer.BadParameter(str(error), param_hint="--by") from error
    if json:
        for row in rows:
            typer.echo(dumps(asdict(row), default=str))
        return
    table = Table("when", "store", "channel", "promotion", "net sales", "returns", "voids", "transactions", box=None)
    for row in rows:
        amounts = (_amount(minor, row.currency) for minor in (row.net, row.returns, row.voids))
        when = "" if row.bucket is None else str(row.bucket)
        table.add_row(when, row.store_id or "", row.channel or "", row.promotion_id or "", *amounts, str(row.transactions))
    console.print(table)


@app.command()
def changes(
    since: Annotated[datetime, typer.Option(formats=_MOMENTS, help="When the figure was known, as 2026-11-20T08:00:00+09:00.")],
    store: Stores = None,
    first: First = _BEGINNING,
    last: Last = _END,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 1_000,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line; amounts in minor units.")] = False,
    data_dir: DataDir = None,
) -> None:
    """List the facts recorded since that changed sales, and what each of them did: together they are the difference."""
    from tillstream.kpis import Span, find_changes
    from tillstream.reaching import addresses_of, run_async

    rows = run_async(find_changes(addresses_of(settings_for(data_dir)), Span(store, first.date(), last.date()), since, limit))
    if len(rows) == limit:
        typer.echo(f"the first {limit}; more with --limit", err=True)
    if json:
        for row in rows:
            typer.echo(dumps(asdict(row), default=str))
        return
    if not rows:
        console.print("nothing has changed since")
        return
    table = Table("store", "date", "event", "type", "what", "net sales", "because of", "recorded", box=None)
    for row in rows:
        because = "itself" if row.caused_by == row.event_id else str(row.caused_by)
        net, day = _amount(row.net, row.currency), str(row.business_date)
        table.add_row(row.store_id, day, str(row.event_id), row.event_type, row.what, net, because, f"{row.recorded_at:%F %T}")
    console.print(table)


def _amount(minor: int, currency: str) -> str:
    return f"{to_major(minor, currency):f} {currency}"
