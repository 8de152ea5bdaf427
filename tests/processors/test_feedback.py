"""What people answer moves a threshold by factors of two, within its bounds, whatever the order of the answers."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.rules.feedback import FLOOR_SHARE, around, budget_alpha, threshold
from processors.rules.rule import Feedback

ALPHAS = st.floats(1e-12, 1.0)
COUNTS = st.integers(0, 5_000)


@given(ALPHAS, COUNTS, COUNTS)
def test_a_threshold_stays_between_its_bounds(alpha: float, right: int, wrong: int) -> None:
    """Neither praise nor blame without end silences a subject or overdraws the budget."""
    assert alpha * FLOOR_SHARE <= threshold(alpha, Feedback(right, wrong), alpha * FLOOR_SHARE, alpha) <= alpha


@given(ALPHAS, COUNTS, COUNTS, st.floats(0.0, 1e-3), st.floats(1e-3, 1.0))
def test_a_false_alarm_never_raises_a_threshold_and_a_true_one_never_lowers_it(
    alpha: float, right: int, wrong: int, floor: float, ceiling: float
) -> None:
    """The threshold is monotone in both counts."""

    def moved(feedback: Feedback) -> float:
        return threshold(alpha, feedback, floor, ceiling)

    assert moved(Feedback(right, wrong + 1)) <= moved(Feedback(right, wrong)) <= moved(Feedback(right + 1, wrong))


@given(st.floats(1e-6, 1.0), st.integers(0, 10))
def test_a_false_alarm_halves_and_a_true_alarm_doubles_back(alpha: float, wrong: int) -> None:
    """Ten false alarms are exactly the floor; as many true ones undo them."""
    floor = alpha * FLOOR_SHARE
    assert threshold(alpha, Feedback(0, wrong), floor, 1.0) == alpha / 2**wrong
    assert threshold(alpha, Feedback(wrong, wrong), floor, 1.0) == alpha


def test_no_answers_leave_the_threshold_where_it_was() -> None:
    """Silence says nothing."""
    assert threshold(0.001, Feedback(), 0.0, 1.0) == 0.001


def test_without_a_budget_true_alarms_raise_a_threshold_to_eight_times() -> None:
    """Up to a half at most, but a policy that says more is taken at its word."""
    assert around(0.001, Feedback(50, 0)) == 0.008
    assert around(0.001, Feedback(0, 50)) == 0.001 * FLOOR_SHARE
    assert around(0.1, Feedback(50, 0)) == 0.5
    assert around(0.7, Feedback()) == 0.7


def test_a_floor_above_the_ceiling_is_a_mistake() -> None:
    """Bounds that contradict each other are refused, not picked from."""
    with pytest.raises(ValueError, match="above the ceiling"):
        threshold(0.001, Feedback(), 0.1, 0.01)


@given(st.floats(0.01, 100), st.floats(0.01, 10_000), st.floats(1.0, 10.0))
def test_more_decisions_share_the_same_budget(budget: float, decisions: float, factor: float) -> None:
    """What all decisions may raise together stays within the budget, and a wider one never makes a rule quieter."""
    alpha = budget_alpha(budget, decisions)
    assert 0 < alpha <= 1
    assert alpha * decisions <= budget / 100 * (1 + 1e-12)
    assert budget_alpha(budget, decisions * factor) <= alpha <= budget_alpha(budget * factor, decisions)


def test_a_budget_holds_where_nothing_is_wrong() -> None:
    """Negative control: a rule at the budget's alpha keeps it, one at ten times that does not (a fixed seed, 20,000 days)."""
    draw, decisions, days = random.Random(7), 10, 20_000
    alpha = budget_alpha(Decimal(1), decisions)
    values = [draw.random() for _ in range(days * decisions)]
    assert sum(value <= alpha for value in values) / days * 100 == pytest.approx(1, abs=0.25)
    assert sum(value <= 10 * alpha for value in values) / days * 100 > 5


def test_a_rule_that_decides_nothing_has_no_budget() -> None:
    """Nothing to share among nobody is a mistake of the rule."""
    with pytest.raises(ValueError, match="no budget"):
        budget_alpha(1, 0)
