"""What every check has in common: findings become a verdict, and a check that cannot look is a verdict too."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from projections.reconcile.business.catalogue import CHECKS, run_checks
from projections.reconcile.checks import MOST_FINDINGS, BusinessCheck, CheckOutcome, Connections, Finding, Scope, Tally

DAY = date(2026, 3, 2)
SETTLED = Finding("tried", "S1", DAY, "receipt R1", "receipt R1: 3 found, 2 expected", 3, 2, "receipts", ("id",))
PROVISIONAL = replace(SETTLED, is_provisional=True)


class Tried:
    """A check that finds what it was made with, or fails."""

    name = "tried"
    title = "What the test says"

    def __init__(self, *findings: Finding, reasons: tuple[str, ...] = (), error: Exception | None = None) -> None:
        self._findings, self._reasons, self._error = findings, reasons, error

    async def run(self, connections: Connections, scope: Scope) -> CheckOutcome:
        """Find it."""
        assert (connections.clock, scope) == (None, Scope(DAY, DAY))
        if self._error is not None:
            raise self._error
        tally = Tally(compared=7, reasons=list(self._reasons))
        tally.add(self._findings)
        return tally.outcome(self)


async def outcome_of(check: BusinessCheck) -> CheckOutcome:
    """Run one check without any server."""
    nowhere: Any = None
    (outcome,) = await run_checks(Connections(nowhere, nowhere, None), Scope(DAY, DAY), (check,))
    return outcome


@pytest.mark.parametrize(
    ("check", "verdict"),
    [
        (Tried(), "PASS"),
        (Tried(PROVISIONAL), "UNVERIFIED"),
        (Tried(reasons=("the archive is behind",)), "UNVERIFIED"),
        (Tried(PROVISIONAL, SETTLED, reasons=("the archive is behind",)), "MISMATCH"),
        (Tried(error=OperationalError("", {}, Exception("gone"))), "UNVERIFIED"),
        (Tried(error=ConnectionResetError()), "UNVERIFIED"),
        (Tried(error=ZeroDivisionError()), "CHECK_ERROR"),
    ],
)
async def test_a_verdict_is_the_worst_that_is_known(check: Tried, verdict: str) -> None:
    """What is settled is a mismatch; what may settle itself or was not seen is unverified; a fault of the check is one of its own."""
    outcome = await outcome_of(check)

    assert outcome.verdict == verdict
    assert bool(outcome.reasons) == (outcome.compared == 0 or check._reasons != ())


async def test_all_findings_are_counted_and_settled_ones_are_named_first() -> None:
    """However many may still come, what is certainly wrong is not left out of the list."""
    many = [replace(PROVISIONAL, subject=f"receipt {number}") for number in range(MOST_FINDINGS + 5)]

    outcome = await outcome_of(Tried(*many, SETTLED))

    assert (outcome.finding_count, outcome.provisional_count, len(outcome.findings)) == (
        MOST_FINDINGS + 6,
        MOST_FINDINGS + 5,
        MOST_FINDINGS,
    )
    assert SETTLED in outcome.findings


async def test_an_outcome_is_told_to_machines_with_everything() -> None:
    """Dates and decimal figures as text."""
    told = (await outcome_of(Tried(SETTLED))).as_json()

    assert {name: told[name] for name in ("name", "verdict", "compared", "finding_count", "provisional_count", "reasons")} == {
        "name": "tried",
        "verdict": "MISMATCH",
        "compared": 7,
        "finding_count": 1,
        "provisional_count": 0,
        "reasons": [],
    }
    assert told["findings"] == [
        {
            "check": "tried",
            "store_id": "S1",
            "business_date": "2026-03-02",
            "subject": "receipt R1",
            "text": "receipt R1: 3 found, 2 expected",
            "observed": "3",
            "expected": "2",
            "unit": "receipts",
            "event_ids": ["id"],
            "is_provisional": False,
        }
    ]


def test_checks_have_names_of_their_own() -> None:
    """Results are kept by name."""
    assert [check.name for check in CHECKS] == [
        "z_reports",
        "tenders",
        "stock_ledger",
        "orphan_refunds",
        "sequence_gaps",
        "receipts_twice",
    ]
