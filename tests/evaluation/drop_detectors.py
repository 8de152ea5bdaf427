"""Detectors of sales drops side by side: that of the rule, what dashboards usually do, and one that knows the truth.

Each says by store and day (and hour, the rule) how odd it is; the lower, the odder. The rule's own functions say what is reported.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from contracts.policies.sales_deviation import SalesDeviationPolicy
from processors.rules.sales import comparison
from processors.rules.sales.baseline import Bools, Floats, Integers
from processors.rules.sales.comparison import DAYS_BEFORE, Scatter
from tests.evaluation.chains import Totals
from tests.evaluation.store_days import WARM_UP, Looks, Trial

RULE, AS_SHIPPED, BEST = "rule", "rule as shipped", "the simulator's own rates"
_SHIPPED = SalesDeviationPolicy()
_MINIMUM_SHARE = float(_SHIPPED.minimum_share)
_ALL_OF_THE_BUDGET = 0.95
"""A false discovery rate that leaves the decision to the budget of false alerts."""


@dataclass(frozen=True)
class Odds:
    """How likely each look is by chance, and whether what is missing is enough to be told; 1 and not where nobody looks."""

    probability: Floats
    is_enough: Bools
    heard: Bools


def odds(trial: Trial, looks: Looks, first: int, last: int) -> Odds:
    """Compare the stores of each hour of the days from one to before another (stores × days × hours)."""
    shape = looks.residual.shape[0], last - first, looks.residual.shape[2]
    found = Odds(np.ones(shape), np.zeros(shape, np.bool_), trial.elapsed[:, first:last] > 0)
    sold = np.cumsum(looks.net[:, first:last], axis=-1)
    for hour in np.flatnonzero(found.heard.any(axis=(0, 1))).tolist():
        before = {day: _scatter(trial, day, hour) for day in range(max(WARM_UP, first - DAYS_BEFORE), last)}
        for day in range(first, last):
            heard = np.flatnonzero(found.heard[:, day - first, hour])
            if len(heard):
                known = [before[day - back] for back in range(DAYS_BEFORE, 0, -1) if day - back in before]
                _compare(trial, looks, (heard, day, hour), known, found, sold, first)
    return found


def _scatter(trial: Trial, day: int, hour: int) -> Scatter:
    return comparison.scatter(trial.past.residual[:, day, hour], trial.spread[:, day, hour], trial.elapsed[:, day, hour] > 0)


def _compare(
    trial: Trial, looks: Looks, place: tuple[Integers, int, int], before: list[Scatter], found: Odds, sold: Totals, first: int
) -> None:
    here, elapsed = (place[0], place[1] - first, place[2]), trial.elapsed[place]
    compared = comparison.scores(looks.residual[place], trial.spread[place], elapsed > 0, before)
    fair = trial.expected[place] * np.exp(compared.common)
    found.probability[here] = comparison.low_tail(compared.score, elapsed)
    found.is_enough[here] = fair - sold[here] >= _MINIMUM_SHARE * fair


def rule(rate: float, seen: Odds) -> Floats:
    """Return the probability of each look that is reported at some budget of false alerts."""
    said = np.full(seen.probability.shape, np.inf)
    for day, hour in np.argwhere(seen.heard.any(axis=0)):
        heard = np.flatnonzero(seen.heard[:, day, hour])
        probability = seen.probability[heard, day, hour]
        found = np.array(comparison.discoveries(probability.tolist(), [1.0] * len(heard), rate, 1.0))
        said[heard, day, hour] = np.where(found & seen.is_enough[heard, day, hour], probability, np.inf)
    return said


def last_week(past: Floats, today: Floats, day: int) -> Floats:
    """Compare with the same weekday of the week before (logarithms of the totals of all days, by store)."""
    return np.asarray(today - past[:, day - 7])


def trailing(past: Floats, today: Floats, day: int) -> Floats:
    """Return the z-score against the four weeks before."""
    weeks = past[:, day - 28 : day]
    return np.asarray((today - weeks.mean(axis=1)) / np.maximum(weeks.std(axis=1), 1e-9))


def like_weekdays(past: Floats, today: Floats, day: int) -> Floats:
    """Return the distance from the median of eight like weekdays in median absolute deviations."""
    like = past[:, [day - 7 * week for week in range(1, 9)]]
    middle = np.median(like, axis=1)
    return np.asarray((today - middle) / np.maximum(np.median(np.abs(like - middle[:, None]), axis=1), 0.02))


def end_of_day(score: Callable[[Floats, Floats, int], Floats], trial: Trial, looks: Looks, first: int, last: int) -> Floats:
    """Score whole days by the totals of those before."""
    past, today = (np.log1p(each.net.sum(axis=-1)) for each in (trial.past, looks))
    return np.stack([score(past, today[:, day], day) for day in range(first, last)], axis=1)[..., None]


def knowing(trial: Trial, looks: Looks, first: int, last: int) -> Floats:
    """Score with the true rate of the day, weather included: no detector of whole days can do better than this."""
    assert trial.chain.rate is not None
    found = np.log1p(looks.receipts.sum(axis=-1)) - np.log(trial.chain.rate.sum(axis=-1))
    return np.asarray(found[:, first:last, None])


_RIVALS = {
    "same weekday last week": last_week,
    "z-score of four weeks": trailing,
    "median/MAD of eight like weekdays": like_weekdays,
}


def said(trial: Trial, looks: Looks, first: int, last: int) -> dict[str, Floats]:
    """Return by detector what it says (stores × days × looks) of the days from one to before another; inf where it says nothing."""
    seen = odds(trial, looks, first, last)
    found = {RULE: rule(_ALL_OF_THE_BUDGET, seen), AS_SHIPPED: rule(float(_SHIPPED.false_discovery_rate), seen)}
    found |= {name: end_of_day(score, trial, looks, first, last) for name, score in _RIVALS.items()}
    return found if trial.chain.rate is None else found | {BEST: knowing(trial, looks, first, last)}
