"""How a replay is run for the command line, and how its progress and its comparison are told to a person."""

from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console
from rich.status import Status
from rich.table import Table

from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.catalogue import PROJECTIONS
from projections.generation_tables import REBUILDABLE
from projections.generations import Generation, list_generations
from projections.replay.comparison import Comparison
from projections.replay.retire import drop, outdated, roll_back
from projections.replay.run import ReplayProgress, ReplayRequest, ReplayResult, replay
from projections.replay.together import replay_together
from tillstream.console import Teller

_SHOWN = 20
_SAID = {
    "built": "generation {n} is built and serves: there was none before",
    "switched": "generation {n} serves now; `tillstream replay {name} --rollback` goes back",
    "compared": "generation {n} differs; it was dropped again, nothing was changed",
    "same": "generation {n} is the same; it was dropped again, nothing had to be changed",
    "nothing": "neither the log nor the generation that serves has a row of {days}, so nothing was compared; is it spelled as on the log?",
    "repaired": "the generation that serves was put right from generation {n}, which was dropped again; "
    "rows taken out or put in: {changed:,}",
    "differs": "generation {n} differs and does not serve; look at the differences, then run the same command with --accept-differences, "
    "or `tillstream generations drop {name} {n}`",
}


class ProgressTeller:
    """Shows where a replay stands."""

    def __init__(self, console: Console, name: str, status: Status) -> None:
        self._name, self._tell = name, Teller(console, status, at_once=True)

    def __call__(self, news: ReplayProgress) -> None:
        """Show it."""
        rate = f", {news.records_per_second:,.0f} records/s" if news.records_per_second else ""
        left = f", about {timedelta(seconds=round(news.seconds_left))} left" if news.seconds_left else ""
        self._tell(f"{self._name}: {news.phase}, {news.done:,} of {news.total:,} records{rate}{left}")


async def run_replay(addresses: Addresses, request: ReplayRequest, console: Console) -> ReplayResult:
    """Replay one read model, and tell how it went."""
    with console.status(request.projection) as status:
        result = await replay(addresses, request, ProgressTeller(console, request.projection, status))
    _tell_result(console, request, result)
    return result


def _tell_result(console: Console, request: ReplayRequest, result: ReplayResult) -> None:
    if result.comparison is not None:
        print_comparison(console, result.comparison)
    said = _SAID[result.done].format(n=result.generation, name=result.projection, changed=result.changed_rows, days=request.days)
    console.print(f"{result.projection}: {said}", soft_wrap=True)


def is_well(results: Sequence[ReplayResult]) -> bool:
    """Tell whether nothing differs that was not put right, and something was looked at: the exit status of a replay."""
    done = [result.done for result in results]
    return not {"differs", "compared"} & set(done) and set(done) != {"nothing"}


async def run_each(addresses: Addresses, requests: list[ReplayRequest], console: Console) -> list[ReplayResult]:
    """Replay read models one after the other."""
    return [await run_replay(addresses, each, console) for each in requests]


async def run_all(addresses: Addresses, requests: list[ReplayRequest], console: Console) -> list[ReplayResult]:
    """Replay all read models, those of a store beside each other from one reading of the log unless it is slowed down.

    The rule workers' letters only where nothing is there yet.
    """
    engine = async_engine(addresses.postgres_dsn, "tillstream-generations", pool_size=1)
    try:
        async with engine.connect() as conn:
            known = {each.projection for each in await list_generations(conn, list(PROJECTIONS))}
    finally:
        await engine.dispose()
    chosen = [each for each in requests if each.projection in REBUILDABLE or each.projection not in known]
    if any(each.source != "log" or each.records_per_second is not None for each in chosen):
        return await run_each(addresses, chosen, console)
    results: list[ReplayResult] = []
    for store in ("postgres", "clickhouse"):
        results += await run_together(addresses, [each for each in chosen if PROJECTIONS[each.projection].store == store], console)
    return results


async def run_together(addresses: Addresses, requests: list[ReplayRequest], console: Console) -> list[ReplayResult]:
    """Replay read models beside each other, and tell how each went; the first that failed is told of when all have ended."""
    with console.status("replay") as status:
        tellers = {each.projection: ProgressTeller(console, each.projection, status) for each in requests}
        found = await replay_together(addresses, requests, lambda name, news: tellers[name](news))
    results: list[ReplayResult] = []
    for request, each in zip(requests, found, strict=True):
        if isinstance(each, ReplayResult):
            _tell_result(console, request, each)
            results.append(each)
    failures = [each for each in found if isinstance(each, BaseException)]
    if failures:
        raise failures[0]
    return results


def print_comparison(console: Console, found: Comparison) -> None:
    """Print both generations at their one position: rows, hashes, totals, and the first keys that differ."""
    table = Table("table", f"rows (g{found.old})", f"rows (g{found.new})", "hash", "differing rows", "totals", box=None)
    for each in found.tables:
        is_same = each.old.hash_sum == each.new.hash_sum
        totals = ", ".join(
            f"{name} {each.old.totals[name]:,}" + ("" if total == each.old.totals[name] else f" -> {total:,}")
            for name, total in each.new.totals.items()
        )
        table.add_row(
            each.table, f"{each.old.rows:,}", f"{each.new.rows:,}", "same" if is_same else "other", f"{each.differing_rows:,}", totals
        )
    console.print(table)
    for each in found.tables:
        for difference in each.differences[:_SHOWN]:
            key = ", ".join(f"{name}={value}" for name, value in difference.key.items())
            console.print(f"  {each.table}: only in generation {difference.only_in}: {key}", soft_wrap=True)
        if each.differing_rows > _SHOWN:
            console.print(f"  {each.table}: … {each.differing_rows - _SHOWN:,} more; with --json FILE up to 1,000 of each table")


async def go_back(addresses: Addresses, projection: str) -> tuple[int, int]:
    """Switch to the generation that served before."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-generations", pool_size=1)
    try:
        return await roll_back(engine, projection)
    finally:
        await engine.dispose()


async def generations_of(addresses: Addresses) -> list[Generation]:
    """Return every generation that is there."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-generations", pool_size=1)
    try:
        async with engine.connect() as conn:
            return await list_generations(conn, REBUILDABLE, ("building", "running", "dropping"))
    finally:
        await engine.dispose()


async def drop_one(addresses: Addresses, projection: str, number: int) -> None:
    """Drop one generation."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-generations", pool_size=1)
    try:
        await drop(addresses, engine, projection, number)
    finally:
        await engine.dispose()


async def prune(addresses: Addresses, retention: timedelta) -> list[Generation]:
    """Drop what ceased to serve longer ago than that, and return it."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-generations", pool_size=1)
    try:
        doomed = await outdated(engine, retention)
        for each in doomed:
            await drop(addresses, engine, each.projection, each.number)
        return doomed
    finally:
        await engine.dispose()
