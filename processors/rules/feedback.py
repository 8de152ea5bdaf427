"""How what people answer moves the tail probability that a finding must reach, and how much of it the budget allows. Pure.

    budget = false alarms per 100 store days ÷ 100 ÷ decisions per store day
    threshold = alpha · 2^(true alarms - false alarms), not below `floor`, not above `ceiling`

If all were normal, a rule that makes `d` decisions in a store a day and speaks when the tail probability is at most `a`
raises `d · a` false alarms a store day; the budget is that equation solved for `a` (the Bonferroni share of the budget for
each decision). An answer is worth a factor of two, so ten false alarms in excess quieten a subject by 1,024: that is why rules
pass alpha ÷ 1,024 as the floor, and the budget's alpha as the ceiling. The order of the answers does not matter.
"""

import math
from decimal import Decimal

from processors.rules.rule import Feedback

FLOOR_SHARE = 1 / 1024
"""The share of its alpha below which feedback quietens no subject: a subject is never silenced for good."""

_FURTHEST = 1000
_RAISED = 8


def threshold(alpha: float, feedback: Feedback, floor: float, ceiling: float) -> float:
    """Return the tail probability at or below which a finding about the subject of the feedback is told.

    Each false alarm halves it, each true alarm doubles it back. ValueError when the floor is above the ceiling.
    """
    if floor > ceiling:
        raise ValueError(f"the floor {floor} is above the ceiling {ceiling}")
    doublings = feedback.true_alarms - feedback.false_alarms
    moved = math.ldexp(alpha, max(-_FURTHEST, min(_FURTHEST, doublings)))
    return max(floor, min(ceiling, moved))


def around(alpha: float, feedback: Feedback, highest: float = 0.5) -> float:
    """Return the threshold of a rule whose alpha is its policy's own: without a budget, true alarms raise it to eight times at most."""
    return threshold(alpha, feedback, alpha * FLOOR_SHARE, max(alpha, min(highest, _RAISED * alpha)))


def trust(feedback: Feedback) -> float:
    """Return the share of alarms about a subject that were right, above 0 and up to 1; one right alarm is given for a start."""
    return (1 + feedback.true_alarms) / (1 + feedback.true_alarms + feedback.false_alarms)


def budget_alpha(false_alarms_per_100_store_days: float | Decimal, decisions_per_store_day: float) -> float:
    """Return the tail probability that uses the budget of false alarms up, when the decisions share it; at most 1.

    Decisions are those that a rule makes in one store on one day: its keys times how often it judges each, which may be
    below one for what is judged once a week. ValueError unless there are any.
    """
    if decisions_per_store_day <= 0:
        raise ValueError("a rule that decides nothing has no budget to share")
    return min(1.0, float(false_alarms_per_100_store_days) / 100 / decisions_per_store_day)
