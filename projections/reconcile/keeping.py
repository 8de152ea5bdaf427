"""Reconcile and keep what was found, so that it can be looked at later, repaired, and told from what was found before."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.reconcile.checks import Finding
from projections.reconcile.compare import Difference
from projections.reconcile.plan import plan_repairs
from projections.reconcile.report import Conflict, Report, difference_json
from projections.reconcile.run import ReconcileOptions, reconcile
from projections.reconciliations import FindingRow, Result, Section, keep


async def reconcile_and_keep(
    addresses: Addresses,
    options: ReconcileOptions,
    asked_by: str,
    run_id: int | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[int | None, Report]:
    """Reconcile, and return the number under which the result is kept; None when it could not be kept."""
    report = await reconcile(addresses, options, tell)
    engine = async_engine(addresses.postgres_dsn, "tillstream-reconcile", pool_size=1)
    try:
        return await _keep(engine, options, asked_by, report, run_id), report
    except (SQLAlchemyError, OSError):
        return None, report
    finally:
        await engine.dispose()


async def _keep(engine: AsyncEngine, options: ReconcileOptions, asked_by: str, report: Report, run_id: int | None) -> int:
    result = Result(report.verdict, report.business_verdict, kept_report(report), kept_findings(report), report.seconds)
    return await keep(engine, asked_by, options_json(options), result, run_id)


def options_json(options: ReconcileOptions) -> dict[str, Any]:
    """Return what a run was asked for as JSON values."""
    rows = options.rows
    return {
        "fresh": options.fresh,
        "store": rows.store_id if rows else None,
        "from": rows.first.isoformat() if rows and rows.first else None,
        "until": rows.last.isoformat() if rows and rows.last else None,
        "store_days": rows.store_days if rows else 0,
        "business": options.business,
    }


def kept_report(report: Report) -> dict[str, Any]:
    """Return what is kept of a report beside its findings: the summary, and what repairs it."""
    repairs = plan_repairs(report.differences, report.open_conflicts)
    return report.summary() | {"repairs": [repair.as_json() for repair in repairs]}


def kept_findings(report: Report) -> list[FindingRow]:
    """Return every single finding of a report."""
    return [
        *(_difference("difference", each) for each in report.differences),
        *(_difference("explained", each) for each in report.explained),
        *(_conflict(each) for each in report.conflicts),
        *(_business(finding) for outcome in report.business for finding in outcome.findings),
    ]


def _difference(section: Section, found: Difference) -> FindingRow:
    return FindingRow(section, found.model, *found.key, difference_json(found))


def _conflict(found: Conflict) -> FindingRow:
    document = {**found._asdict(), "model": "", "business_date": "", "event_type": "", "detail": str(found)}
    return FindingRow("conflict", "", found.store_id, "", "", document)


def _business(found: Finding) -> FindingRow:
    return FindingRow("business", found.check, found.store_id, found.business_date.isoformat(), "", found.as_json())
