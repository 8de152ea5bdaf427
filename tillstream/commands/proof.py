"""`tillstream reconcile` and `accounting`: compare the read models with the log, and say what every record became."""

import json as json_format
from pathlib import Path
from typing import Annotated

import typer

from tillstream.console import console
from tillstream.options import DataDir, settings_for

EXIT_STATUS = {"PASS": 0, "MISMATCH": 1, "UNVERIFIED": 2, "CHECK_ERROR": 3}


def reconcile(
    json: Annotated[Path | None, typer.Option("--json", help="Also write the report for machines.")] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for read models that are behind.")] = 60.0,
    data_dir: DataDir = None,
) -> None:
    """Compare, per store, business date and event type, the log with Postgres and ClickHouse, down to event ids.

    Exit status: 0 PASS, 1 MISMATCH, 2 UNVERIFIED (something could not be compared), 3 CHECK_ERROR.
    """
    from projections.reconcile.run import ReconcileOptions
    from projections.reconcile.run import reconcile as compare_all
    from tillstream.proving import print_report
    from tillstream.reaching import addresses_of, run_async

    addresses = addresses_of(settings_for(data_dir))
    report = run_async(compare_all(addresses, ReconcileOptions(wait_seconds=wait)))
    print_report(console, report)
    if json:
        json.write_text(json_format.dumps(report.as_json(), indent=2) + "\n", "utf-8")
    raise typer.Exit(EXIT_STATUS[report.verdict])


def accounting(data_dir: DataDir = None) -> None:
    """Check that every record of the log is accounted for: applied, repeat, filtered, control or dead letter."""
    from tillstream.proving import account
    from tillstream.reaching import addresses_of, run_async

    is_sound = run_async(account(addresses_of(settings_for(data_dir)), console))
    if not is_sound:
        raise typer.Exit(1)
