"""The product's own worker, with the rules that are asked for: `python -m tests.benchmarks.rivals.ours <options as JSON>`."""

import json
import sys
from pathlib import Path

from processors.worker import WorkerOptions, run_worker
from tests.benchmarks.rivals.rules import chosen

if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    run_worker(
        WorkerOptions(
            bootstrap=given["bootstrap"],
            data_dir=Path(given["directory"]),
            topic_prefix=given["prefix"],
            partitions=given["partitions"],
            still_seconds=120.0,
            rules=chosen(given["rules"]),
        )
    )
