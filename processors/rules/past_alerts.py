"""Alerts whose reasons are older than anything that is still known: they are over, and nothing takes them back. Pure."""

from typing import cast

from contracts.evidence import Evidence
from processors.rules.alerting import Finding, Severity, Stage, Told
from processors.rules.rule import moment_of


def over_as_told(row: Told) -> Finding:
    """Return the finding that leaves an alert as it was told, and closes it where it is still open."""
    return Finding(
        row.key,
        row.subject,
        moment_of(row.window_start),
        moment_of(row.window_end),
        cast("Severity", row.severity),
        cast("Stage", row.stage),
        f"Over: {row.subject}",
        Evidence(observed="what it was about is settled", expected="nothing more"),
        0,
        row.news,
        over=True,
        business_date=row.day,
    )
