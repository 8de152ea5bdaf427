"""Run the measurements one after another: `python -m tests.benchmarks [name …]`."""

import sys

from tests.benchmarks.results import PERFORMANCE
from tests.benchmarks.series import Series

MEASUREMENTS = Series(
    "tests.benchmarks",
    (
        "stack_start",
        "load_real_file",
        "post_to_kpi",
        "http_edge",
        "file_load",
        "rule_speed",
        "worker_failover",
        "projection_speed",
        "replay_speed",
        "queryable",
    ),
    "measure",
    "measurement",
    PERFORMANCE,
)

if __name__ == "__main__":
    sys.exit(MEASUREMENTS.run(sys.argv[1:]))
