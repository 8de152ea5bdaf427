"""What people are told: of each check the first findings with the way to all of them; of a demo what is in it on purpose."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from producers.simulator.truth import TruthTally
from projections.reconcile.checks import CheckOutcome, Finding
from projections.reconcile.report import Report
from tillstream.demo.work import put_in
from tillstream.proving import print_report


def _finding(number: int) -> Finding:
    text = f"return [{number}]: 2 units came back, which sold 1"
    return Finding("orphan_refunds", "S1", date(2026, 3, 2), f"return {number}", text, Decimal("2.00000"), 10, "units")


def _told(number: int | None, *outcomes: CheckOutcome) -> list[str]:
    console = Console(file=StringIO(), width=100)
    print_report(console, Report(business=outcomes), number)
    assert isinstance(console.file, StringIO)
    return [line.strip() for line in console.file.getvalue().splitlines()]


def test_the_first_findings_of_a_check_are_told_with_the_way_to_all() -> None:
    """A verdict of the business names what it is about; a report that was not kept has no number to look it up under."""
    found = CheckOutcome("orphan_refunds", "", "MISMATCH", 74, tuple(map(_finding, range(5))), finding_count=5)
    passed = CheckOutcome("tenders", "", "PASS", 8)

    lines = _told(7, passed, found)

    assert "orphan_refunds: MISMATCH, 5 findings among 74" in lines
    assert [line for line in lines if line.startswith("S1")] == [
        f"S1 2026-03-02: return [{number}]: 2 units came back, which sold 1" for number in range(3)
    ]
    way = "all of them: tillstream reconcile show 7 --section business"
    assert way in lines
    assert not [line for line in _told(None, found) + _told(7, passed) if line.startswith("all of them")]


def test_figures_of_findings_are_written_without_zeros_that_say_nothing() -> None:
    """Quantities come from ClickHouse with five decimals."""
    document = _finding(1).as_json()

    assert (document["observed"], document["expected"]) == ("2", "10")


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (3, "0 sent twice, 0 late, 0 corrections, and 3 lines brought back twice, for the check of orphan refunds to find"),
        (1, "0 sent twice, 0 late, 0 corrections, and 1 line brought back twice, for the check of orphan refunds to find"),
        (0, "0 sent twice, 0 late, 0 corrections"),
    ],
)
def test_a_demo_says_what_the_checks_of_the_business_have_to_find(count: int, said: str) -> None:
    """Findings that were put in on purpose are no surprise."""
    faults = {"returns_over_remaining": {"count": count, "places": []}} if count else {}

    assert put_in(replace(TruthTally().result(), faults=faults)) == said
