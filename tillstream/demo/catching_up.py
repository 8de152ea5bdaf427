"""Wait until the rule worker and every read model have read all that is on the log, with a live view."""

import asyncio
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn

from infra.addresses import Addresses
from tillstream.progress import WORKER, read_progress

TIMEOUT_SECONDS = 600.0
_PAUSE_SECONDS = 0.3


class NotCaughtUp(RuntimeError):
    """Someone does not move on; the message names them."""


def catch_up(console: Console, addresses: Addresses) -> None:
    """Return when nobody is behind; NotCaughtUp names who still is after ten minutes."""
    columns = (TextColumn("  {task.description:24}"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn())
    began = time.monotonic()
    with Progress(*columns, console=console, transient=not console.is_terminal) as bar:
        tasks: dict[str, object] = {}
        read_before: list[int] | None = None
        while True:
            rows = asyncio.run(read_progress(addresses))
            for row in rows:
                task = tasks.setdefault(row.name, bar.add_task(row.name, total=row.total) if row.name not in tasks else None)
                bar.update(task, completed=row.done, total=max(row.total, 1) if row.total else 1)  # type: ignore[arg-type]
            behind = [row for row in rows if row.behind]
            totals = [row.total for row in rows]
            if not behind and totals == read_before:  # twice the same end: what the last one to finish wrote is read as well
                break
            read_before = totals if not behind else None
            if time.monotonic() - began > TIMEOUT_SECONDS:
                raise NotCaughtUp(", ".join(f"{row.name} is {row.behind} records behind" for row in behind))
            time.sleep(_PAUSE_SECONDS)
    records = next(row.total for row in rows if row.name == WORKER)
    console.print(
        f"  {records:,} records read by the rules and by {len(rows) - 2} read models within {time.monotonic() - began:.1f} s",
        highlight=False,
    )
