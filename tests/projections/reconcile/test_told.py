"""What people are told: of each check the first findings with the way to all of them; of a demo what is in it on purpose."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from producers.simulator.truth import TruthTally
from projections.reconcile.checks import CheckOutcome, Finding
from projections.reconcile.compare import told_rows
from projections.reconcile.report import Report
from tillstream.console import Teller
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
    assert "orphan_refunds: MISMATCH, 1 finding among 74" in _told(7, replace(found, findings=(), finding_count=1))
    assert not [line for line in _told(None, found) + _told(7, passed) if line.startswith("all of them")]


def test_where_nobody_watches_a_long_command_says_now_and_then_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in every line that it has, and nothing at all where it is done soon; a replay says at once what it begins with."""
    console = Console(file=StringIO(), width=100)
    assert isinstance(console.file, StringIO)
    clock = iter([0.0, 5.0, 11.0, 11.0, 12.0, 22.0, 22.0])
    monkeypatch.setattr("tillstream.console.monotonic_seconds", lambda: next(clock))
    tell = Teller(console, console.status(""))
    for line in ("reading the log", "comparing the events of sales", "folding 3 store-days again", "looking at the business"):
        tell(line)
    assert console.file.getvalue().splitlines() == ["  comparing the events of sales", "  looking at the business"]

    monkeypatch.setattr("tillstream.console.monotonic_seconds", lambda: 30.0)
    Teller(console, console.status(""), at_once=True)("sales: reading the log")
    assert console.file.getvalue().splitlines()[2:] == ["  sales: reading the log"]


def test_an_event_that_is_not_there_as_a_whole_says_what_is_there() -> None:
    """One of rows of several records, as a mistake of a mapping or an insert twice would leave, says that too."""
    assert told_rows(1, 3, 1) == told_rows(1, 3, 0) == "rows found: 1, expected: 3"
    assert told_rows(4, 2, 2) == "rows found: 4, expected: 2; they are of 2 different records"


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
