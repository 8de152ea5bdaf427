"""How certain a share of alarms is: days of one chain's week are no evidence of their own."""

import numpy as np

from processors.rules.sales.baseline import Bools
from tests.evaluation.sales_drop import rate_at_most

STORES, WEEKS = 10, 50


def _alarms(*places: tuple[int, int]) -> tuple[list[Bools], list[Bools]]:
    found = np.zeros((STORES, 7 * WEEKS), np.bool_)
    for store, day in places:
        found[store, day] = True
    return [found], [np.ones_like(found)]


def test_alarms_of_one_week_say_less_than_as_many_of_all_weeks() -> None:
    """A storm that empties every store for a day might come again; the same number spread over the year is the same each week."""
    storm = rate_at_most(*_alarms(*((store, 100) for store in range(STORES)), *((store, 101) for store in range(STORES))))
    spread = rate_at_most(*_alarms(*((number % STORES, 17 * number) for number in range(2 * STORES))))
    rate = 2 * STORES / (STORES * 7 * WEEKS)

    assert rate < spread < 1.4 * rate < 2.5 * rate < storm


def test_what_is_not_counted_changes_nothing() -> None:
    """Days that were tampered with or are of the other half."""
    found, counted = _alarms((0, 3), (4, 20), (5, 200))
    kept = rate_at_most(found, counted)
    found[0][:, 210:], counted[0][:, 210:] = True, False

    assert rate_at_most(found, counted) > kept
    assert rate_at_most([found[0][:, :210]], [counted[0][:, :210]]) == rate_at_most(found, counted)
