"""How many drops of sales are found at one false alert in a hundred store-days, beside what dashboards usually do.

Thresholds are set on the first half of the days and kept for the second, in which false alarms and recall are counted. They are
set so that, with a confidence of 95 percent, no more than one clean store-day in a hundred alarms: days of a chain share their
weather, so the confidence is that of a mean of whole weeks of chains. Small chains have a year in each half, so that a threshold is
not that of a season; in large ones the chain's median takes the season out. The detector is that of the rule: the same functions,
at the end of every hour.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import stdtrit

from contracts.policies.sales_deviation import SalesDeviationPolicy
from processors.rules.sales import comparison
from processors.rules.sales.baseline import Bools, Floats
from producers.simulator.baskets import DAY_SHAPE
from tests.benchmarks.results import Metric
from tests.evaluation.chains import data_file, simulated, wholesaler
from tests.evaluation.store_days import DROPPED_SHARE, SIZES, WARM_UP, Looks, Trial, trial

BUDGET = 0.01
CONFIDENCE = 0.95
_SHIPPED = SalesDeviationPolicy()
_MINIMUM_SHARE = float(_SHIPPED.minimum_share)
_BEST = "the simulator's own rates"
_ALL_OF_THE_BUDGET = 0.95
"""A false discovery rate that leaves the decision to the budget of false alerts."""
_TWO_YEARS, _SIXTEEN_WEEKS = 728, 112
_RESTLESS = 60
"""Gamma shape of the luck of a store's day in a chain whose stores stray more: 13 percent of a day, not 5 as in the simulator."""


def alarms(probability: Floats, looks: Looks, common: Floats, alone: float, rate: float = _ALL_OF_THE_BUDGET) -> Bools:
    """Return which store-days and hours the rule reports as drops."""
    found = np.zeros(probability.shape, np.bool_)
    stores, days, hours = probability.shape
    trust = [1.0] * stores
    for day in range(WARM_UP, days):
        for hour in range(hours):
            chosen = comparison.discoveries(probability[:, day, hour].tolist(), trust, rate, alone)
            found[:, day, hour] = chosen
    fair = looks.expected * np.exp(common)
    return found & (fair - looks.net >= _MINIMUM_SHARE * fair) & (looks.elapsed > 0)


def probabilities(looks: Looks) -> tuple[Floats, Floats]:
    """Return how likely each look is by chance, and what the chain has in common at it."""
    probability, common = np.ones(looks.residual.shape), np.zeros(looks.residual.shape)
    _, days, hours = probability.shape
    for day in range(WARM_UP, days):
        for hour in range(hours):
            elapsed = looks.elapsed[:, day, hour]
            compared = comparison.scores(looks.residual[:, day, hour], looks.spread[:, day, hour], elapsed > 0)
            probability[:, day, hour] = comparison.low_tail(compared.score, elapsed)
            common[:, day, hour] = compared.common
    return probability, common


def rate_at_most(alarmed: Sequence[Bools], counted: Sequence[Bools]) -> float:
    """Return what the share of counted store-days that alarm is at most, with the confidence; each array is a chain's stores and days.

    The estimate of a ratio from clusters, which are weeks of a chain (Cochran 1977, section 6.4), with Student's t.
    """
    weeks = [
        (float((found & which)[:, day : day + 7].sum()), float(which[:, day : day + 7].sum()))
        for found, which in zip(alarmed, counted, strict=True)
        for day in range(0, found.shape[1], 7)
        if which[:, day : day + 7].any()
    ]
    hits, days = np.array(weeks).T
    rate, clusters = hits.sum() / days.sum(), len(weeks)
    error = (clusters / (clusters - 1) * ((hits - rate * days) ** 2).sum()) ** 0.5 / days.sum()
    return float(rate + stdtrit(clusters - 1, CONFIDENCE) * error)


def _within_budget(trials: Sequence[Trial], low: float, high: float, alarmed: Callable[[float], Sequence[Bools]]) -> float:
    """Return the highest threshold, by bisection of its logarithm, at which the clean days of the first half are within the budget."""
    clean = [each.first & each.open & ~each.dropped for each in trials]
    for _ in range(12):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if rate_at_most(alarmed(middle), clean) > BUDGET else (middle, high)
    return low


def _threshold(trials: Sequence[Trial]) -> float:
    """Return the probability of a look below which the first half alarms within the budget."""
    seen = [(looks, *probabilities(looks)) for looks in (each.looks() for each in trials)]
    return _within_budget(
        trials, 1e-5, 0.5, lambda alone: [np.any(alarms(odds, looks, common, alone), axis=-1) for looks, odds, common in seen]
    )


def _rule(trials: Sequence[Trial], name: str) -> list[Metric]:
    alone = _threshold(trials)
    metrics = [Metric(f"{name}: rule, probability set on the first half", round(alone, 4), "of 1")]
    metrics += _tried(trials, f"{name}: rule", alone, _ALL_OF_THE_BUDGET)
    return metrics + _tried(trials, f"{name}: rule as shipped", BUDGET, float(_SHIPPED.false_discovery_rate))


def _tried(trials: Sequence[Trial], name: str, alone: float, rate: float) -> list[Metric]:
    metrics = []
    for size in SIZES:
        hit, false, hours = [], [], []
        for each in _with_drops(trials, size):
            looks = each.looks()
            probability, common = probabilities(looks)
            found = alarms(probability, looks, common, alone, rate)
            hit.append(found.any(axis=-1)[each.later & each.dropped])
            false.append(found.any(axis=-1)[each.later & each.open & ~each.dropped])
            begun = (looks.expected > looks.expected[..., -1:] / 500).argmax(axis=-1)
            hours.append((found.argmax(axis=-1) - begun + 1)[each.later & each.dropped][hit[-1]])
        metrics += _figures(name, size, np.concatenate(hit), np.concatenate(false))
        if np.concatenate(hours).size:
            metrics.append(Metric(f"{name}, {size:.0%} drop, median delay", float(np.median(np.concatenate(hours))), "h of trade"))
    return metrics


def _with_drops(trials: Sequence[Trial], size: float) -> Iterator[Trial]:
    """Repeat small chains with drops on other days, so that each figure comes from hundreds of drops."""
    each = trials[0]
    repeats = max(1, round(400 / (len(trials) * DROPPED_SHARE * (each.later & each.open).sum())))
    for number in range(repeats):
        yield from (each.with_drops(size, seed=1000 * number + place) for place, each in enumerate(trials))


def _figures(name: str, size: float, hit: Bools, false: Bools) -> list[Metric]:
    rows = [Metric(f"{name}, {size:.0%} drop found", round(100 * float(hit.mean()), 1), "%")]
    if size == SIZES[1]:
        rows.append(Metric(f"{name}, false alerts", round(100 * float(false.mean()), 2), "per 100 store-days"))
    return rows


def last_week(totals: Floats, day: int) -> Floats:
    """Compare with the same weekday of the week before (logarithms of the totals of all days, by store)."""
    return np.asarray(totals[:, day] - totals[:, day - 7])


def trailing(totals: Floats, day: int) -> Floats:
    """Return the z-score against the four weeks before."""
    past = totals[:, day - 28 : day]
    return np.asarray((totals[:, day] - past.mean(axis=1)) / np.maximum(past.std(axis=1), 1e-9))


def like_weekdays(totals: Floats, day: int) -> Floats:
    """Return the distance from the median of eight like weekdays in median absolute deviations."""
    past = totals[:, [day - 7 * week for week in range(1, 9)]]
    middle = np.median(past, axis=1)
    return np.asarray((totals[:, day] - middle) / np.maximum(np.median(np.abs(past - middle[:, None]), axis=1), 0.02))


_RIVALS: dict[str, Callable[[Floats, int], Floats]] = {
    "same weekday last week": last_week,
    "z-score of four weeks": trailing,
    "median/MAD of eight like weekdays": like_weekdays,
}


def _end_of_day(trials: Sequence[Trial], name: str, score: Callable[[Trial], Floats]) -> list[Metric]:
    """Judge a score of whole days, the lower the worse, by the same budget."""
    scored = [score(each) for each in trials]
    clean = np.concatenate([found[each.first & each.open & ~each.dropped] for found, each in zip(scored, trials, strict=True)])
    share = _within_budget(trials, 1e-5, 0.5, lambda share: [np.less(found, np.quantile(clean, share)) for found in scored])
    limit = float(np.quantile(clean, share))
    metrics = []
    for size in SIZES:
        hit, false = [], []
        for each in _with_drops(trials, size):
            low = score(each) < limit
            hit.append(low[each.later & each.dropped])
            false.append(low[each.later & each.open & ~each.dropped])
        metrics += _figures(name, size, np.concatenate(hit), np.concatenate(false))
    return metrics


def _rival(rule: Callable[[Floats, int], Floats]) -> Callable[[Trial], Floats]:
    def score(each: Trial) -> Floats:
        totals = np.asarray(np.log1p(each.net.sum(axis=-1)))
        scores = np.zeros(totals.shape)
        for day in range(WARM_UP, totals.shape[1]):
            scores[:, day] = rule(totals, day)
        return scores

    return score


def _knowing(each: Trial) -> Floats:
    """Score with the true rate of the day, weather included: no detector of whole days can do better than this."""
    assert each.chain.rate is not None
    return np.asarray(np.log1p(each.receipts.sum(axis=-1)) - np.log(each.chain.rate.sum(axis=-1)))


def judged(trials: Sequence[Trial], name: str) -> list[Metric]:
    """Measure the rule and the usual ways, and where the truth is known compare the rule with what could be reached at best."""
    best = _end_of_day(trials, f"{name}: {_BEST}", _knowing) if trials[0].chain.rate is not None else []
    reached = {row.metric.partition(", ")[2]: row.value for row in best}
    metrics = [_beside(row, reached) for row in _rule(trials, name)]
    for title, rule in _RIVALS.items():
        metrics += _end_of_day(trials, f"{name}: {title}", _rival(rule))
    return metrics + best


def _beside(row: Metric, reached: Mapping[str, float]) -> Metric:
    most = reached.get(row.metric.partition(", ")[2])
    return row if not most or row.unit != "%" else replace(row, against=f"{most:g} with {_BEST}", ratio=round(row.value / most, 2))


def evaluate() -> list[Metric]:
    """Judge on simulated chains of 5, 20 and 200 stores, and on the public file where it is here."""
    metrics: list[Metric] = []
    for stores, chains, days in ((5, 2, _TWO_YEARS), (20, 2, _TWO_YEARS), (200, 1, _SIXTEEN_WEEKS)):
        for name, shape in ((f"{stores} stores", DAY_SHAPE), (f"{stores} restless stores", _RESTLESS)):
            metrics += judged([trial(simulated(stores, WARM_UP + days, seed, shape), seed) for seed in range(1, chains + 1)], name)
    file = data_file("online_retail.csv.gz")
    if file is not None:
        metrics += judged([trial(wholesaler(file, 1), seed) for seed in range(1, 4)], "public wholesaler, one store")
    return metrics
