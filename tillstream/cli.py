"""The command line: one sub-command per task of an operator, so that `tillstream --help` is the map.

Exit statuses: 0 done, 1 a failure or a mismatch, 64 wrong usage; `reconcile` adds 2 and 3.
"""

import sys
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from infra.embedded.stack_error import StackError
from tillstream.commands import (
    alerts,
    archive,
    dead_letters,
    edge,
    history,
    ingest,
    kpis,
    mapping,
    proof,
    quarantine,
    reconcile,
    replay,
    schemas,
    services,
    stack,
    tokens,
    watch,
)

USAGE_ERROR = 64
_CLICK_USAGE_ERROR = 2

app = typer.Typer(
    name="tillstream",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Tills, time clocks and stock counts of many stores as live KPIs, alerts and reorder points. "
    "Start with [bold]tillstream up[/bold], then [bold]tillstream simulate[/bold] or [bold]tillstream load[/bold]. "
    "Settings come from the environment (TILLSTREAM_…) and from the options of each command.",
)

app.command("up")(stack.up)
app.command("demo")(stack.demo)
app.command("doctor")(stack.doctor)
app.command("status")(stack.status)
app.command("load")(ingest.load)
app.command("watch")(watch.watch)
app.add_typer(mapping.app, name="mapping")
app.command("simulate")(ingest.simulate)
app.command("token")(tokens.token)
app.add_typer(reconcile.app, name="reconcile")
app.command("accounting")(proof.accounting)
app.command("replay")(replay.replay)
app.add_typer(replay.app, name="generations")
app.add_typer(archive.app, name="archive")
app.add_typer(kpis.app, name="kpis")
app.add_typer(history.app, name="history")
app.add_typer(alerts.app, name="alerts")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(quarantine.app, name="quarantine")
app.command("migrate")(services.migrate)
app.command("topics")(services.topics)
app.command("worker")(services.worker)
app.command("project")(services.project)
app.command("api")(services.api)
app.command("ticker")(services.ticker)
app.add_typer(edge.app, name="edge")
app.add_typer(schemas.app, name="schemas")


def main() -> NoReturn:
    """Run a command; say a failure in one sentence and keep stack traces for the logs."""
    try:
        status = app(standalone_mode=False)
    except TyperException as error:
        if hasattr(error, "show"):
            error.show()
        else:
            sys.stderr.write(f"{error}\n")
        sys.exit(USAGE_ERROR if error.exit_code == _CLICK_USAGE_ERROR else error.exit_code)
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    except typer.Abort:
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)
