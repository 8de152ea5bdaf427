"""How a reconciliation and the accounts are told to a person."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.topics import TOPICS
from infra.addresses import Addresses
from infra.kafka.consumer import end_offsets
from infra.postgres.engine import async_engine
from projections.accounting import check_accounting
from projections.reconcile.plan import plan_repairs
from projections.reconcile.report import Report
from projections.reconciliations import Finding, FindingSearch, Reconciliation, last_run, list_findings, list_runs, read_run

_SHOWN = 20
_SHOWN_OF_A_CHECK = 3
_MOST = 100_000
_COLOUR = {"PASS": "green", "MISMATCH": "red", "UNVERIFIED": "yellow", "CHECK_ERROR": "red"}
_CSV: Final = (
    *("section", "level", "model", "store_id", "business_date", "event_type", "kind", "event_id", "table", "row", "column"),
    *("stored", "expected", "detail", "explained_by", "check", "subject", "text", "observed", "unit", "event_ids", "is_provisional"),
)


class NoSuchRun(Exception):
    """There is no kept result under that number, or none at all."""


def print_report(console: Console, report: Report, number: int | None = None) -> None:
    """Print the verdict, what was compared, the first differences with their event ids, and what repairs them."""
    console.print(
        f"reconcile: [{_COLOUR[report.verdict]} bold]{report.verdict}[/]  ({report.events:,} events and "
        f"{report.repeats:,} repeats on the log, {report.read:,} records read, {report.seconds:.1f} s)",
        highlight=False,
    )
    console.print("  compared: " + "; ".join(f"{row.model} {row.events:,} in {row.keys:,} sums" for row in report.compared))
    _print_rows(console, report)
    _print_differences(console, report)
    for line in [*report.unverified, *([report.error] if report.error else [])]:
        console.print(f"  [yellow]could not be compared:[/] {line}", soft_wrap=True)
    if report.explained:
        what = "1 difference is a dead letter" if len(report.explained) == 1 else f"{len(report.explained)} differences are dead letters"
        console.print(f"  {what} (tillstream dead-letters list)")
    for conflict in report.open_conflicts[:_SHOWN]:
        console.print(f"  conflicting duplicate, the first content counts: {conflict}", soft_wrap=True)
    _print_plan(console, report, number)
    _print_business(console, report, number)
    if number is not None:
        console.print(f"  kept as run {number}: tillstream reconcile show {number}", highlight=False)


def _print_differences(console: Console, report: Report) -> None:
    for difference in report.differences[:_SHOWN]:
        key = difference.key
        place = " ".join(part for part in (key.store_id, str(key.business_date), key.event_type) if part)
        console.print(
            f"  {difference.model}: {place}: {difference.kind} {difference.event_id} {difference.detail}", highlight=False, soft_wrap=True
        )
    if report.difference_count > _SHOWN:
        console.print(f"  … {report.difference_count - _SHOWN} more differences; all ids with --json FILE")


def _print_plan(console: Console, report: Report, number: int | None) -> None:
    repairs = plan_repairs(report.differences, report.open_conflicts)
    for repair in repairs[:_SHOWN]:
        console.print(f"  repair: {repair.command}", highlight=False, soft_wrap=True)
    if any(repair.is_automatic for repair in repairs) and number is not None:
        console.print(f"  all of it: tillstream reconcile repair {number}")


def _print_rows(console: Console, report: Report) -> None:
    if report.rows_compared:
        rows = sum(report.rows_compared.values())
        later = f"; {len(report.unchecked):,} store-days are not yet compared" if report.unchecked else ""
        moving = f"; {len(report.moving):,} changed meanwhile" if report.moving else ""
        console.print(f"  rows: {rows:,} of {len(report.checked):,} store-days, folded again from the log{later}{moving}", highlight=False)


def _print_business(console: Console, report: Report, number: int | None) -> None:
    if report.business_verdict is None:
        return
    console.print(f"  the business: [{_COLOUR[report.business_verdict]} bold]{report.business_verdict}[/]", highlight=False)
    for outcome in report.business:
        findings = "1 finding" if outcome.finding_count == 1 else f"{outcome.finding_count:,} findings"
        said = f"{findings} among {outcome.compared:,}" if outcome.finding_count else f"{outcome.compared:,}"
        why = f" ({outcome.reasons[0]})" if outcome.reasons else ""
        console.print(f"    {outcome.name}: {outcome.verdict}, {said}{why}", highlight=False, soft_wrap=True)
        for finding in outcome.findings[:_SHOWN_OF_A_CHECK]:
            place = f"{finding.store_id} {finding.business_date}"
            console.print(f"      {place}: {finding.text}", highlight=False, soft_wrap=True, markup=False)
    if number is not None and any(outcome.finding_count for outcome in report.business):
        console.print(f"    all of them: tillstream reconcile show {number} --section business", highlight=False)


async def kept_run(engine: AsyncEngine, number: int | None) -> Reconciliation:
    """Return a kept run, the last one without a number; NoSuchRun if it is not there."""
    found = await last_run(engine) if number is None else await read_run(engine, number)
    if found is None:
        raise NoSuchRun("no result is kept yet: tillstream reconcile" if number is None else f"there is no run {number}")
    return found


async def print_runs(console: Console, addresses: Addresses, limit: int) -> None:
    """Print the kept runs."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-reconcile", pool_size=1)
    try:
        found = await list_runs(engine, limit)
    finally:
        await engine.dispose()
    table = Table("run", "verdict", "business", "ended", "holds since", "asked by", "differences", "unverified", box=None)
    for run in found:
        report = run.report or {}
        times = (None if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}" for moment in (run.finished_at, run.holds_since))
        counts = (str(report.get("difference_count", "")), str(len(report.get("unverified", []))))
        table.add_row(str(run.id), run.verdict or run.state, run.business_verdict or "", *times, run.asked_by, *counts)
    console.print(table)


async def print_run(
    console: Console, addresses: Addresses, number: int | None, search: FindingSearch
) -> tuple[Reconciliation, list[Finding]]:
    """Print a kept run and its findings; return both."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-reconcile", pool_size=1)
    try:
        run = await kept_run(engine, number)
        findings = await list_findings(engine, run.id, search, 0, _MOST)
    finally:
        await engine.dispose()
    report: dict[str, Any] = run.report or {}
    console.print(
        f"run {run.id}: [bold]{run.verdict or run.state}[/], the business {run.business_verdict or 'not looked at'}", highlight=False
    )
    for finding in findings[:_SHOWN]:
        console.print(f"  {_line(finding)}", highlight=False, soft_wrap=True)
    if len(findings) > _SHOWN:
        console.print(
            f"  … {len(findings) - _SHOWN:,} more; all with --json FILE or --csv FILE, or narrow it by --store, --date and --type"
        )
    for line in report.get("unverified", []):
        console.print(f"  [yellow]could not be compared:[/] {line}", soft_wrap=True)
    for repair in report.get("repairs", [])[:_SHOWN]:
        console.print(f"  repair: {repair['command']}", highlight=False, soft_wrap=True)
    return run, findings


def _line(finding: Finding) -> str:
    found = finding.document
    what = found.get("kind") or found.get("check") or finding.section
    place = [str(found.get(name) or "") for name in ("model", "store_id", "business_date", "event_type")]
    said = found.get("detail") or found.get("text") or ""
    return " ".join(part for part in (*place, f"{what}:", str(found.get("event_id") or ""), said) if part)


def write_csv(path: Path, findings: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Write findings as a table: one line each, the columns of every section side by side."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _CSV, extrasaction="ignore")
        writer.writeheader()
        for section, document in findings:
            writer.writerow({"section": section, **{name: _plain(value) for name, value in document.items()}})


def _plain(value: Any) -> Any:
    """A text that begins like a formula is kept from becoming one."""
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}={part}" for name, part in value.items())
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@" and value[:1] else value


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
