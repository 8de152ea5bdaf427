"""Run the measurements one after another: `python -m tests.benchmarks [name …]`."""

import importlib
import sys
import time

from tests.benchmarks.results import PERFORMANCE, ROOT, write_result

MEASUREMENTS = ("stack_start", "load_real_file", "post_to_kpi", "http_edge", "file_load", "rule_speed", "worker_failover")


def main(names: list[str]) -> int:
    """Run the named measurements (all without a name); 64 for a name that does not exist."""
    unknown = sorted(set(names) - set(MEASUREMENTS))
    if unknown:
        print(f"no such measurement: {', '.join(unknown)}; there are: {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 64
    for name in names or MEASUREMENTS:
        print(f"measuring {name} …", flush=True)
        began = time.monotonic()
        metrics = importlib.import_module(f"tests.benchmarks.{name}").measure()
        if not metrics:
            print(f"  {name} could not be measured here, and says why above; its committed result stays")
            continue
        path = write_result(PERFORMANCE, name, metrics)
        for metric in metrics:
            against = f"   ({metric.ratio:g} × {metric.against})" if metric.ratio is not None else ""
            print(f"  {metric.metric}: {metric.value:,g} {metric.unit}{against}")
        print(f"  written to {path.relative_to(ROOT)} after {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
