"""How a reconciliation and the accounts are told to a person."""

from rich.console import Console
from rich.table import Table

from contracts.topics import TOPICS
from infra.addresses import Addresses
from infra.kafka.consumer import end_offsets
from infra.postgres.engine import async_engine
from projections.accounting import check_accounting
from projections.reconcile.report import Report

_SHOWN = 20
_COLOUR = {"PASS": "green", "MISMATCH": "red", "UNVERIFIED": "yellow", "CHECK_ERROR": "red"}


def print_report(console: Console, report: Report) -> None:
    """Print the verdict, what was compared, and the first differences with their event ids."""
    compared = "; ".join(f"{row.model} {row.events:,} in {row.keys:,} sums" for row in report.compared)
    console.print(
        f"reconcile: [{_COLOUR[report.verdict]} bold]{report.verdict}[/]  ({report.events:,} events and "
        f"{report.repeats:,} repeats on the log, {report.seconds:.1f} s)",
        highlight=False,
    )
    console.print(f"  compared: {compared}")
    for difference in report.differences[:_SHOWN]:
        key = difference.key
        place = " ".join(part for part in (key.store_id, str(key.business_date), key.event_type) if part)
        console.print(
            f"  {difference.model}: {place}: {difference.kind} {difference.event_id} {difference.detail}", highlight=False, soft_wrap=True
        )
    if report.difference_count > _SHOWN:
        console.print(f"  … {report.difference_count - _SHOWN} more differences; all ids with --json FILE")
    for line in [*report.unverified, *([report.error] if report.error else [])]:
        console.print(f"  [yellow]could not be compared:[/] {line}", soft_wrap=True)
    if report.explained:
        console.print(f"  {len(report.explained)} missing events are dead letters (tillstream dead-letters list)")
    for conflict in report.conflicts[:_SHOWN]:
        console.print(f"  conflicting duplicate, the first content counts: {conflict}", soft_wrap=True)


async def account(addresses: Addresses, console: Console) -> bool:
    """Print the account of every projection; False when a record is not accounted for."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-accounting", pool_size=1)
    try:
        ends = await end_offsets(addresses.kafka_bootstrap, TOPICS, addresses.topic_prefix)
        rows = await check_accounting(engine, {(tp.topic, tp.partition): end for tp, end in ends.items()})
    finally:
        await engine.dispose()
    table = Table("projection", "partition", "consumed", "applied", "repeats", "filtered", "control", "dead", "unread", "", box=None)
    for row in rows:
        tally = row.tally
        counts = (row.next_offset, tally.applied, tally.repeats, tally.filtered, tally.control, tally.dead, row.unread or 0)
        name = row.projection if row.serving else f"{row.projection}@{row.generation}"
        table.add_row(name, f"{row.topic}/{row.part}", *(f"{count:,}" for count in counts), row.problem or "ok")
    console.print(table)
    return all(row.ok for row in rows)
