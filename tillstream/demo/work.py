"""What the demo does once the stack runs: bring in events, wait for everyone, ask the API, reconcile, print."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from infra.addresses import Addresses
from producers.mappings.reader import read_mapping
from producers.mappings.schema import CsvMapping
from producers.simulate import SimulationSummary
from producers.simulator.options import SimulationOptions
from producers.simulator.truth import GroundTruth
from projections.reconcile.days import RowScope
from projections.reconcile.keeping import reconcile_and_keep
from projections.reconcile.run import ReconcileOptions
from tillstream.demo.answers import Answers, ask
from tillstream.demo.catching_up import catch_up
from tillstream.demo.show import show_answers
from tillstream.loading import load_file, print_summary, progress_bar, simulate_chain
from tillstream.proving import print_report
from tillstream.running import RunningStack

_RECONCILED: Final = ("verdict", "compared", "rows_compared", "differences", "business_verdict", "business_findings")


@dataclass(frozen=True, slots=True)
class DemoInput:
    """A file and how to read it, or the seed of a simulated chain."""

    file: Path | None
    mapping: CsvMapping | None
    seed: int

    @classmethod
    def of(cls, data: Path | None, mapping: Path | None, seed: int) -> "DemoInput":
        """Read the mapping first: a mistake in it should not cost a start."""
        return cls(data, read_mapping(mapping) if mapping else None, seed)

    @property
    def tenant(self) -> str:
        """The chain whose HQ looks at the result."""
        return self.mapping.tenant if self.mapping else SimulationOptions().tenant


@dataclass(frozen=True, slots=True)
class Brought:
    """What was brought in: events by type, and lines by class where it was a file."""

    events: dict[str, int]
    lines: dict[str, int] | None
    refused: int


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Everything that the demo found."""

    brought: Brought
    answers: Answers
    report: dict[str, Any]

    @property
    def status(self) -> str:
        """`ok` when everything reconciles."""
        return "ok" if self.report["verdict"] == "PASS" else "failed"

    def as_json(self, seconds: float) -> dict[str, Any]:
        """Return the result for machines."""
        result: dict[str, Any] = {"status": self.status, "seconds": seconds, "events": self.brought.events}
        if self.brought.lines is not None:
            result["lines"] = self.brought.lines
        return result | {
            "refused": self.brought.refused,
            "kpis": self.answers.kpis,
            "alerts": self.answers.alerts,
            "recommendations": self.answers.recommendations,
            "reconcile": {name: self.report[name] for name in _RECONCILED},
        }


def perform(console: Console, stack: RunningStack, given: DemoInput) -> DemoResult:
    """Do the demo's work on a running stack."""
    brought = _bring_in(console, stack.addresses, given)
    console.print("[bold]Processors and projections catch up[/bold]")
    catch_up(console, stack.addresses)
    answers = ask(stack, given.tenant)
    console.print("[bold]Reconciling[/bold] the read models with the log")
    options = ReconcileOptions(wait_seconds=30.0, rows=RowScope(store_days=3, stores=1), business=True, time="simulated")
    number, report = asyncio.run(reconcile_and_keep(stack.addresses, options, "demo"))
    show_answers(console, answers)
    print_report(console, report, number)
    console.print(f"the API listens on {stack.api_url} until this ends (OpenAPI: {stack.api_url}/openapi.json)")
    return DemoResult(brought, answers, report.as_json())


def _bring_in(console: Console, addresses: Addresses, given: DemoInput) -> Brought:
    if given.file is not None and given.mapping is not None:
        console.print(f"[bold]Loading[/bold] {given.file.name}")
        with progress_bar(console) as reporter:
            summary = asyncio.run(load_file(addresses, given.file, given.mapping, simulated=True, progress=reporter))
        print_summary(console, summary)
        return Brought(dict(sorted(summary.events.items())), summary.lines, summary.refused)
    console.print(f"[bold]Simulating[/bold] a chain of stores (seed {given.seed}; load a file of your own with make demo DATA=… MAPPING=…)")
    simulated = _simulate(console, addresses, SimulationOptions(seed=given.seed))
    return Brought(dict(sorted(Counter(simulated.truth.events).items())), None, 0)


def _simulate(console: Console, addresses: Addresses, options: SimulationOptions) -> SimulationSummary:
    with console.status("  simulating") as shown:
        summary = asyncio.run(
            simulate_chain(addresses, options, lambda news: shown.update(f"  {news.records:,} records, simulated time {news.at}"))
        )
    console.print(
        f"  {summary.records:,} records of {options.stores} stores and {options.days} days in {summary.seconds:.1f} s; "
        f"on purpose among them: {put_in(summary.truth)}",
        highlight=False,
    )
    return summary


def put_in(truth: GroundTruth) -> str:
    """Say what a simulation holds on purpose; what no read model can put right is what the checks of the business have to find."""
    text = f"{truth.duplicates:,} sent twice, {truth.late_arrivals:,} late, {truth.corrections} corrections"
    again = truth.faults.get("returns_over_remaining", {"count": 0})["count"]
    lines = "line" if again == 1 else "lines"
    return f"{text}, and {again} {lines} brought back twice, for the check of orphan refunds to find" if again else text
