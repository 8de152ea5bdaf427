"""Run a series of measurements or evaluations one after another, and keep what each says."""

import importlib
import sys
import time
from dataclasses import dataclass

from tests.benchmarks.results import ROOT, Shelf, write_result


@dataclass(frozen=True, slots=True)
class Series:
    """Modules of one package, the function that each has, and where its results are kept; `noun` is what one of them is called."""

    package: str
    modules: tuple[str, ...]
    function: str
    noun: str
    shelf: Shelf

    def run(self, names: list[str]) -> int:
        """Run the named ones (all without a name); 64 for a name that does not exist."""
        unknown = sorted(set(names) - set(self.modules))
        if unknown:
            print(f"no such {self.noun}: {', '.join(unknown)}; there are: {', '.join(self.modules)}", file=sys.stderr)
            return 64
        for name in names or self.modules:
            self._run_one(name)
        return 0

    def _run_one(self, name: str) -> None:
        print(f"{self.noun} {name} …", flush=True)
        began = time.monotonic()
        metrics = getattr(importlib.import_module(f"{self.package}.{name}"), self.function)()
        if not metrics:
            print(f"  {name} could not be run here, and says why above; its committed result stays")
            return
        path = write_result(self.shelf, name, metrics)
        for metric in metrics:
            against = f"   ({metric.ratio:g} × {metric.against})" if metric.ratio is not None else ""
            print(f"  {metric.metric}: {metric.value:,.10g} {metric.unit}{against}")
        print(f"  written to {path.relative_to(ROOT)} after {time.monotonic() - began:.0f} s")
