"""Judge the rules on data whose truth is known: `python -m tests.evaluation [name …]`."""

import sys

from tests.benchmarks.results import EVALUATION
from tests.benchmarks.series import Series

EVALUATIONS = Series(
    "tests.evaluation", ("sales_drop", "feedback", "nab", "fraud", "reorder", "stock", "attendance"), "evaluate", "evaluation", EVALUATION
)

if __name__ == "__main__":
    sys.exit(EVALUATIONS.run(sys.argv[1:]))
