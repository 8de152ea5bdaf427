"""The threshold that a chain sets on its first half: the highest that is within the budget of false alerts."""

import numpy as np
import pytest

from tests.evaluation.sales_drop import BUDGET, threshold


@pytest.mark.parametrize("equal", [False, True])
def test_the_threshold_is_the_highest_within_the_budget(equal: bool) -> None:
    """At it clean days alarm within the budget, at the next higher score they would not; days with drops have no say."""
    rng = np.random.default_rng(3)
    oddness, clean = rng.uniform(0, 1, (10, 350)), rng.random((10, 350)) < 0.97
    oddness = np.round(oddness, 2) if equal else oddness
    oddness[~clean] = 0.0
    limit = threshold(oddness, clean)
    above = oddness[clean & (oddness > limit)].min()

    assert (oddness <= limit)[clean].mean() <= BUDGET < (oddness <= above)[clean].mean()


def test_where_nothing_is_said_nothing_alarms() -> None:
    """A detector that is silent on most days has a finite threshold, and silence is no alarm."""
    oddness = np.full((2, 100), np.inf)
    oddness[0, 0] = 0.001

    assert not np.any(np.isinf(oddness) & (oddness <= threshold(oddness, np.ones_like(oddness, np.bool_))))
