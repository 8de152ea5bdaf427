"""Judge the rules on data whose truth is known: `python -m tests.evaluation [name …]`."""

import importlib
import sys
import time

from tests.benchmarks.results import EVALUATION, ROOT, write_result

EVALUATIONS = ("sales_drop", "nab", "fraud", "reorder", "stock", "attendance")


def main(names: list[str]) -> int:
    """Run the named evaluations (all without a name); 64 for a name that does not exist."""
    unknown = sorted(set(names) - set(EVALUATIONS))
    if unknown:
        print(f"no such evaluation: {', '.join(unknown)}; there are: {', '.join(EVALUATIONS)}", file=sys.stderr)
        return 64
    for name in names or EVALUATIONS:
        print(f"evaluating {name} …", flush=True)
        began = time.monotonic()
        metrics = importlib.import_module(f"tests.evaluation.{name}").evaluate()
        if not metrics:
            print(f"  {name} could not be evaluated here, and says why above; its committed result stays")
            continue
        path = write_result(EVALUATION, name, metrics)
        for metric in metrics:
            print(f"  {metric.metric}: {metric.value:,g} {metric.unit}")
        print(f"  written to {path.relative_to(ROOT)} after {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
