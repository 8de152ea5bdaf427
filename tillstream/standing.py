"""How every consumer stands, for `tillstream status`: how far, how fast, what it could not apply, and why nothing moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.addresses import Addresses
from infra.clock import utc_now
from infra.postgres.engine import async_engine
from processors.readiness import Recovering
from projections.catalogue import PROJECTIONS
from projections.consumers import Fare, read_fares
from projections.oldest import oldest, recorded_times
from tillstream.progress import ConsumerProgress, read_progress

_COMMANDS = {"worker": "tillstream worker", "chain-worker": "tillstream worker --stage chains"}


@dataclass(frozen=True, slots=True)
class Standing:
    """One consumer; `oldest_at`: see `status`.

    `fare` is None for the workers of the rules: only their group and its offsets tell of them, and of those on this machine
    that read their states back, how far that is.
    """

    progress: ConsumerProgress
    fare: Fare | None
    oldest_at: datetime | None
    recovering: Sequence[Recovering] = ()

    def why_still(self) -> str | None:
        """Say why nothing moves; None when all is well, or nobody knows."""
        if self.fare is not None:
            return self.fare.why_still(self.progress.behind)
        if self.recovering:
            return "; ".join(map(_recovery, self.recovering))
        if self.progress.members == 0:
            return f"no process runs these rules: start one with `{_COMMANDS[self.progress.name]}`"
        return None


def _recovery(found: Recovering) -> str:
    share = f"{found.records / found.of:.0%}" if found.of else "0%"
    return f"recovering: {share}, {found.records:,} of {found.of:,} records of its states are read; it goes on when it has all of them"


async def read_standing(addresses: Addresses, recoveries: Mapping[str, Sequence[Recovering]] | None = None) -> list[Standing]:
    """Ask the log and Postgres how everyone stands; `recoveries` are what is known of workers on this machine, by consumer."""
    progress = await read_progress(addresses)
    engine = async_engine(addresses.postgres_dsn, "tillstream-status", pool_size=1)
    try:
        fares = await read_fares(engine, tuple(PROJECTIONS))
    finally:
        await engine.dispose()
    times = await recorded_times(addresses, {(tp, offset) for row in progress for tp, offset in row.unread.items()})
    found = recoveries or {}
    return [Standing(row, fares.get(row.name), oldest(row.unread, times), found.get(row.name, ())) for row in progress]


def print_standing(console: Console, rows: Sequence[Standing], now: datetime | None = None) -> None:
    """Print a line for each consumer, and below the table why some stand still and what went wrong last."""
    asked_at = now or utc_now()
    table = Table("consumer", "read", "of", "behind", "oldest", "a second", "dead letters", "as of (broker time)", box=None)
    for row in rows:
        done = row.progress
        as_of = done.as_of.isoformat(timespec="seconds") if done.as_of else "-"
        rate, letters = (f"{row.fare.rate:,.1f}", f"{row.fare.open_letters:,}") if row.fare else ("-", "-")
        age = _age((asked_at - row.oldest_at).total_seconds()) if row.oldest_at else "-"
        table.add_row(done.name, f"{done.done:,}", f"{done.total:,}", f"{done.behind:,}", age, rate, letters, as_of)
    console.print(table)
    for row in rows:
        why, error = row.why_still(), row.fare.last_error if row.fare else None
        if why is not None:
            console.print(f"[yellow]{row.progress.name}[/yellow]: {escape(why)}", highlight=False, soft_wrap=True)
        if error is not None and error not in (why or ""):
            when = "last error" if why else "last error, over now"
            console.print(f"{row.progress.name}: {when}: {error}", highlight=False, soft_wrap=True, markup=False)


def _age(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{max(0.0, seconds):.1f} s"
