"""Print what the API answered: a KPI table, the alerts that matter most, what to reorder."""

from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from contracts.money import minor_digits
from tillstream.demo.answers import Answers

_TOP_STORES, _TOP_ALERTS, _TOP_RECOMMENDATIONS = 12, 5, 8
_SEVERITY = {"high": 0, "medium": 1, "low": 2}


def show_answers(console: Console, answers: Answers) -> None:
    """Print all three."""
    console.print(_kpi_table(answers.kpis))
    console.print(f"as of {answers.kpis['as_of']} (broker time), {answers.kpis['behind']['events']} events behind the log")
    console.print(_status(answers.kpis), highlight=False)
    console.print(_completeness(answers.kpis["completeness"]), highlight=False)
    _show_alerts(console, answers.alerts)
    _show_recommendations(console, answers.recommendations)


def _status(kpis: dict[str, Any]) -> str:
    """Say whether the figures may still change: a business date is final a week after its cut-off."""
    until = kpis["final_until"]
    if kpis["status"] != "provisional":
        return f"status: {kpis['status']}"
    return "status: provisional" + (f"; final are business dates until {until}" if until else "")


def _completeness(found: dict[str, Any]) -> str:
    """Say how much of what should have come has come, and what came twice; a part that nobody knows is left out."""
    parts = [f"{found['store_days_heard']:,} of {found['store_days_expected']:,} store-days heard"]
    if found["tills_expected"] is not None:
        parts.append(f"{found['tills_heard']:,} of {found['tills_expected']:,} till-days heard")
    if found["numbers_missing"] is not None:
        parts.append(f"{found['numbers_missing']:,} numbers missing")
    return "complete: " + ", ".join([*parts, f"{found['receipts_twice']:,} receipts twice under different ids"])


def _kpi_table(kpis: dict[str, Any]) -> Table:
    table = Table(title="Sales by store", title_justify="left")
    for column in ("store", "net sales", "transactions", "average transaction", "units each", "returns", "", "status"):
        table.add_column(column, justify="left" if column in {"store", "", "status"} else "right")
    rows = sorted(kpis["by_store"], key=lambda row: -int(row["net_sales"]["minor"]))
    for row in rows[:_TOP_STORES]:
        table.add_row(*_cells(row["store_id"], row))
    if len(rows) > _TOP_STORES:
        table.add_row(f"… {len(rows) - _TOP_STORES} more stores")
    table.add_section()
    for total in kpis["totals"]:
        table.add_row(*_cells("all stores", total | {"status": kpis["status"]}), style="bold")
    return table


def _cells(name: str, row: dict[str, Any]) -> list[str]:
    average, units, digits = row["average_transaction_value"], row["units_per_transaction"], minor_digits(row["currency"])

    def amount(money: dict[str, Any]) -> str:
        return f"{Decimal(money['major']):,.{digits}f}"

    return [
        name,
        amount(row["net_sales"]),
        f"{row['transactions']:,}",
        amount(average) if average else "-",
        f"{Decimal(units):,.2f}" if units else "-",
        amount(row["returns"]),
        row["currency"],
        row["status"],
    ]


def _show_alerts(console: Console, alerts: list[dict[str, Any]]) -> None:
    alive = [alert for alert in alerts if alert["status"] not in {"resolved", "retracted", "orphaned"}]
    console.print(f"[bold]Alerts[/bold]: {len(alive)} open of {len(alerts)}")
    for alert in sorted(alive, key=lambda row: _SEVERITY[row["severity"]])[:_TOP_ALERTS]:
        evidence = alert["evidence"]
        console.print(f"  {alert['severity']:6} {alert['store_id']}: {alert['summary']} ({alert['stage']})")
        console.print(f"         observed: {evidence['observed']}; expected: {evidence['expected']}")


def _show_recommendations(console: Console, rows: list[dict[str, Any]]) -> None:
    console.print(f"[bold]Reorder recommendations[/bold]: {len(rows)} open")
    for row in rows[:_TOP_RECOMMENDATIONS]:
        console.print(
            f"  {row['store_id']} {row['sku']}: order {row['order_quantity']} "
            f"(position {row['position']}, reorder point {row['reorder_point']})",
            highlight=False,
        )
