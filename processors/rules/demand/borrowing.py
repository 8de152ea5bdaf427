"""What a SKU that is new will sell a day: its own days, drawn to the goods of its category while they are few. Pure.

Bühlmann's credibility (1967): n days of its own weigh n / (n + k), where k is the mean variance of a good's days ÷ the variance of
the rates between goods. So little is borrowed where goods differ much, and much where a few days say little. What the rate may
still turn out to be is held against with stock, up to a standard deviation of the rate itself: where a few goods sell most of a
category, more than that would fill the shelf of every new one as if it were one of them.
"""

from collections import Counter
from collections.abc import Sequence
from statistics import fmean, median, pvariance

import numpy as np

from processors.rules.demand.forecast import Daily, DemandClass, Forecast

LEAST_GOODS = 5
"""With fewer goods to borrow from nothing is borrowed."""


def borrowed(daily: Daily, alike: Sequence[Forecast]) -> Forecast | None:
    """Return what to expect by the days of a young SKU and the forecasts of goods like it; None where these are too few."""
    if len(alike) < LEAST_GOODS:
        return None
    own = daily[~np.isnan(daily)]
    rates = [each.rate for each in alike]
    mean, between = fmean(rates), pvariance(rates)
    within = fmean(each.variance for each in alike)
    weight = len(own) * between / (len(own) * between + within) if between else 0.0
    rate = weight * float(own.mean()) + (1 - weight) * mean if len(own) else mean
    scatter = median(each.variance / each.rate for each in alike)
    return Forecast(
        rate,
        rate * scatter,
        1.0,
        _commonest([each.demand_class for each in alike]),
        len(own),
        int((own > 0).sum()),
        tuple(fmean(factors) for factors in zip(*(each.shape for each in alike), strict=True)),
        min((1 - weight) * between, rate * rate),
        1 - weight,
    )


def _commonest(classes: Sequence[DemandClass]) -> DemandClass:
    """Return the class that most goods have, the first by name of equal ones."""
    counts = Counter(sorted(classes))
    return max(counts, key=lambda name: counts[name])
