"""`tillstream history`: facts as they were recorded, and payments and cashiers day by day, now or as they were known."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from tillstream.console import console, listed
from tillstream.options import BEGINNING, END, MOMENTS, DataDir, First, Json, KnownAt, Last, Stores, settings_for

if TYPE_CHECKING:
    from tillstream.histories import History

app = typer.Typer(no_args_is_help=True, help="Histories: lines of receipts, payments, cashiers, stock, punches and alerts, fact by fact.")
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many rows.")]
Skus = Annotated[list[str] | None, typer.Option("--sku", help="Of this SKU (may be repeated).")]
Employees = Annotated[list[str] | None, typer.Option("--employee", help="Of this person (may be repeated).")]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Of this kind (may be repeated).")]


class ChangedModel(StrEnum):
    """Read models of which changes are told."""

    STOCK_ON_HAND = "stock_on_hand"
    INCOMING_GOODS = "incoming_goods"
    ATTENDANCE_DAY = "attendance_day"
    TILL_PERIODS = "till_periods"
    REORDER_RECOMMENDATIONS = "reorder_recommendations"


@app.command()
def sales(
    store: Stores = None, first: First = BEGINNING, last: Last = END, sku: Skus = None, employee: Employees = None,
    till: Annotated[list[str] | None, typer.Option("--till", help="Of this till (may be repeated).")] = None,
    receipt: Annotated[list[str] | None, typer.Option("--receipt", help="Of this receipt (may be repeated).")] = None,
    known_at: KnownAt = None, limit: Limit = 1_000, json: Json = False, data_dir: DataDir = None,
) -> None:  # fmt: skip
    """List the lines of sales, returns and voids that count."""
    only = {"sku": sku, "employee_id": employee, "till_id": till, "receipt_id": receipt}
    rows = _find("sales", (store, first, last), only, known_at, limit, data_dir)
    shown = ("store_id", "business_date", "receipt_id", "line", "event_type", "kind", "sku", "quantity", "gross", "discount", "currency")
    _print(rows, shown, json, limit)


@app.command()
def tenders(
    store: Stores = None, first: First = BEGINNING, last: Last = END,
    known_at: KnownAt = None, limit: Limit = 1_000, json: Json = False, data_dir: DataDir = None,
) -> None:  # fmt: skip
    """Show payments by store, business date and kind."""
    rows = _find("tenders", (store, first, last), {}, known_at, limit, data_dir)
    _print(rows, ("store_id", "business_date", "kind", "tenders", "amount", "received", "paid_back", "tips", "currency"), json, limit)


@app.command()
def cashiers(
    store: Stores = None, first: First = BEGINNING, last: Last = END,
    by_shift: Annotated[bool, typer.Option("--by-shift", help="By published shifts instead of till periods.")] = False,
    known_at: KnownAt = None, limit: Limit = 1_000, json: Json = False, data_dir: DataDir = None,
) -> None:  # fmt: skip
    """Show what each cashier sold, voided and refunded, by till period or by shift."""
    from projections.read_models.attendance_day.spans import TooManyShifts

    try:
        rows = _find("shifts" if by_shift else "cashiers", (store, first, last), {}, known_at, limit, data_dir)
    except TooManyShifts as error:
        raise typer.BadParameter(f"{error}: name fewer stores or dates", param_hint="--by-shift") from error
    shown = (
        "store_id",
        "business_date",
        "employee_id",
        "group_id",
        "completed",
        "gross",
        "voided",
        "void_amount",
        "refunded",
        "refund_amount",
    )
    _print(rows, (*shown, "currency"), json, limit)


@app.command()
def stock(
    store: Stores = None, first: First = BEGINNING, last: Last = END, sku: Skus = None, kind: Kinds = None,
    known_at: KnownAt = None, limit: Limit = 1_000, json: Json = False, data_dir: DataDir = None,
) -> None:  # fmt: skip
    """List what moved stock, and counts."""
    rows = _find("stock", (store, first, last), {"sku": sku, "kind": kind}, known_at, limit, data_dir)
    _print(rows, ("store_id", "business_date", "moved_at", "kind", "sku", "quantity", "reason", "reference"), json, limit)


@app.command()
def clock(
    store: Stores = None, first: First = BEGINNING, last: Last = END, employee: Employees = None,
    known_at: KnownAt = None, limit: Limit = 1_000, json: Json = False, data_dir: DataDir = None,
) -> None:  # fmt: skip
    """List the presses of time clocks."""
    rows = _find("clock", (store, first, last), {"employee_id": employee}, known_at, limit, data_dir)
    _print(rows, ("store_id", "business_date", "occurred_at", "employee_id", "kind", "punch_source", "verdict"), json, limit)


@app.command()
def alerts(
    store: Stores = None, first: First = BEGINNING, last: Last = END, kind: Kinds = None,
    rule: Annotated[list[str] | None, typer.Option("--rule", help="Of this rule (may be repeated).")] = None,
    known_at: KnownAt = None, limit: Limit = 1_000, json: Json = False, data_dir: DataDir = None,
) -> None:  # fmt: skip
    """List the transitions of alerts, and what people answered."""
    rows = _find("alerts", (store, first, last), {"rule": rule, "kind": kind}, known_at, limit, data_dir)
    _print(rows, ("store_id", "business_date", "recorded_at", "kind", "rule", "subject", "transition", "status", "summary"), json, limit)


@app.command()
def recommendations(
    store: Stores = None, sku: Skus = None, open_only: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
    known_at: KnownAt = None, limit: Limit = 1_000, json: Json = False, data_dir: DataDir = None,
) -> None:  # fmt: skip
    """List what should be reordered by store and SKU, each recommendation at its newest revision."""
    from tillstream.histories import find_recommendations
    from tillstream.reaching import addresses_of, run_async

    statuses = ("open",) if open_only else None
    rows = run_async(find_recommendations(addresses_of(settings_for(data_dir)), store, statuses, sku, known_at, limit))
    _print(rows, ("store_id", "sku", "status", "revision", "position", "reorder_point", "order_quantity", "recorded_at"), json, limit)


@app.command()
def changes(
    read_model: Annotated[ChangedModel, typer.Argument(help="Whose figures are no longer what they were.")],
    since: Annotated[datetime, typer.Option(formats=MOMENTS, help="When they were known, as 2026-11-20T08:00:00+09:00.")],
    store: Stores = None, first: First = BEGINNING, last: Last = END, limit: Limit = 1_000, json: Json = False, data_dir: DataDir = None,
) -> None:  # fmt: skip
    """List what was recorded since and changed stock, goods on their way, attendance, tills or recommendations.

    Of sales see `kpis changes`.
    """
    from tillstream.histories import find_changed
    from tillstream.reaching import addresses_of, run_async

    addresses = addresses_of(settings_for(data_dir))
    rows = run_async(find_changed(addresses, read_model.value, store, first.date(), last.date(), since, limit))
    _print(rows, ("store_id", "business_date", "event_id", "event_type", "what", "caused_by", "recorded_at"), json, limit)


def _find(
    history: "History",
    span: tuple[list[str] | None, datetime, datetime],
    only: dict[str, list[str] | None],
    known_at: datetime | None,
    limit: int,
    data_dir: DataDir,
) -> list[Any]:
    from tillstream.histories import HistoryAsked, find_history
    from tillstream.reaching import addresses_of, run_async

    wanted = {name: values for name, values in only.items() if values}
    asked = HistoryAsked(history, span[0], span[1].date(), span[2].date(), known_at, wanted, limit)
    return run_async(find_history(addresses_of(settings_for(data_dir)), asked))


def _print(rows: Sequence[Any], shown: Sequence[str], json: bool, limit: int) -> None:
    if listed(rows, json=json, limit=limit):
        return
    table = Table(*(name.removesuffix("_id").replace("_", " ") for name in shown), box=None)
    for row in rows:
        table.add_row(*(_text(getattr(row, name)) for name in shown))
    console.print(table)


def _text(value: object) -> str:
    return value.isoformat(" ", "seconds") if isinstance(value, datetime) else str(value)
