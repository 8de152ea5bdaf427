"""`tillstream kpis`: sales as they are known now, as they were known, and why they changed."""

from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from contracts.money import to_major
from tillstream.console import console, listed
from tillstream.options import BEGINNING, END, MOMENTS, DataDir, First, Json, KnownAt, Last, Stores, settings_for

app = typer.Typer(
    no_args_is_help=True,
    help="Sales as they are known now, or as they were known at a moment. "
    "A figure that differs from yesterday's report is explained by [bold]changes[/bold]: every fact that has come since.",
)


@app.command()
def sales(
    by: Annotated[
        list[str] | None,
        typer.Option(help="Group by store, channel, promotion, and one of hour, day, week, month (may be repeated)."),
    ] = None,
    store: Stores = None,
    first: First = BEGINNING,
    last: Last = END,
    known_at: KnownAt = None,
    json: Json = False,
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
    if listed(rows, json=json):
        return
    table = Table("when", "store", "channel", "promotion", "net sales", "returns", "voids", "transactions", box=None)
    for row in rows:
        amounts = (_amount(minor, row.currency) for minor in (row.net, row.returns, row.voids))
        when = "" if row.bucket is None else str(row.bucket)
        table.add_row(when, row.store_id or "", row.channel or "", row.promotion_id or "", *amounts, str(row.transactions))
    console.print(table)


@app.command()
def changes(
    since: Annotated[datetime, typer.Option(formats=MOMENTS, help="When the figure was known, as 2026-11-20T08:00:00+09:00.")],
    store: Stores = None,
    first: First = BEGINNING,
    last: Last = END,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 1_000,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """List the facts recorded since that changed sales, and what each of them did: together they are the difference."""
    from tillstream.kpis import Span, find_changes
    from tillstream.reaching import addresses_of, run_async

    rows = run_async(find_changes(addresses_of(settings_for(data_dir)), Span(store, first.date(), last.date()), since, limit))
    if listed(rows, json=json, limit=limit, nothing="nothing has changed since"):
        return
    table = Table("store", "date", "event", "type", "what", "net sales", "because of", "recorded", box=None)
    for row in rows:
        because = "itself" if row.caused_by == row.event_id else str(row.caused_by)
        net, day = _amount(row.net, row.currency), str(row.business_date)
        table.add_row(row.store_id, day, str(row.event_id), row.event_type, row.what, net, because, f"{row.recorded_at:%F %T}")
    console.print(table)


def _amount(minor: int, currency: str) -> str:
    return f"{to_major(minor, currency):f} {currency}"
