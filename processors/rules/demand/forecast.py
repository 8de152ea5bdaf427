"""What a SKU will sell a day: rate, variance, growth, shape of the week and class, from its daily demand. Pure.

Recent days weigh more (half-life 42 days): measured on a year of a wholesaler's lines, that carries a
growing season further than a longer memory with more safety stock. Rare demand has a forecast of its own. The growth of the last
four weeks is drawn to none: of regular demand by what the chance of its days may make of it, so that steady goods are not
stocked by the luck of a month; of rare demand, whose days say next to nothing of that, by the number of its sales.
Days on which the shelf was empty are nan and are left out: they say nothing about demand.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from processors.rules.demand.intermittent import rare_demand

Daily: TypeAlias = NDArray[np.float64]
DemandClass = Literal["smooth", "erratic", "intermittent", "lumpy"]
RARE: frozenset[DemandClass] = frozenset({"intermittent", "lumpy"})
"""Classes whose demands are more than 1.32 days apart on average."""

HALF_LIFE_DAYS = 42
RECENT_DAYS = 28
_GROWTH_SHRINK, _GROWTH_LEAST, _GROWTH_MOST = 8, 2 / 3, 1.5
_GROWTH_VARIANCE = 0.1**2
"""Of the growth of regular demand between goods and months: a tenth up or down is usual."""
_ADI, _CV2 = 1.32, 0.49
"""Limits of Syntetos, Boylan and Croston (2005) between regular and intermittent demand, and even and uneven sizes."""
_WEEKS_SHRINK = 4
_WEEKDAYS = 7
_EVEN = (1.0,) * _WEEKDAYS
_SHAPED_FROM = 28
"""Days with sales from which a weekday has a shape of its own."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Units a day and their variance; `shape` is the factor of each weekday (0 is Monday) with the mean 1.

    `uncertainty` is the variance of the rate itself, and `borrowed` the share of it that comes from other goods; 0 but for young SKUs.
    """

    rate: float
    variance: float
    growth: float
    demand_class: DemandClass
    days: int
    selling_days: int
    shape: tuple[float, ...]
    uncertainty: float = 0.0
    borrowed: float = 0.0

    @property
    def is_even(self) -> bool:
        """Return whether all weekdays are alike, as with all goods that sell on few days."""
        return self.shape == _EVEN

    def mean_over(self, weekday: int, days: float) -> float:
        """Return the expected demand of the days that begin with a weekday; the last one may be a part."""
        whole = int(days)
        weeks, rest = divmod(whole, _WEEKDAYS)
        factors = weeks * _WEEKDAYS + sum(self.shape[(weekday + day) % _WEEKDAYS] for day in range(rest))
        return self.rate * (factors + (days - whole) * self.shape[(weekday + whole) % _WEEKDAYS])


def forecast(daily: Daily, first_weekday: int) -> Forecast | None:
    """Return what daily demand leads to expect; None where nothing was ever sold."""
    seen = ~np.isnan(daily)
    demand = np.where(seen, daily, 0.0)
    weights = _weights(len(daily)) * seen
    total = float(weights.sum())
    level = float(weights @ demand) / total if total else 0.0
    if level <= 0:
        return None
    shape = _shape(demand, weights, level, first_weekday)
    known, sold = daily[seen], daily[seen & (demand > 0)]
    kind = demand_class(sold, len(known))
    recent = daily[-RECENT_DAYS:][seen[-RECENT_DAYS:]]
    if kind in RARE:
        sales = int((recent > 0).sum())
        growth = _growth(recent, level, sales / (sales + _GROWTH_SHRINK))
        rare = rare_demand(known)
        level, variance = rare.rate, rare.variance
    else:
        expected = level * _along(shape, first_weekday, len(daily))
        variance = float(weights @ np.where(seen, daily - expected, 0.0) ** 2) / total
        by_chance = variance / (max(len(recent), 1) * level * level)
        growth = _growth(recent, level, _GROWTH_VARIANCE / (_GROWTH_VARIANCE + by_chance))
    return Forecast(level * growth, variance * growth * growth, growth, kind, len(known), len(sold), shape)


def demand_class(sold: Daily, days: int) -> DemandClass:
    """Classify by the mean interval between demands and the squared coefficient of variation of their sizes."""
    uneven = len(sold) > 1 and float(np.var(sold) / np.mean(sold) ** 2) >= _CV2
    if days < _ADI * len(sold):
        return "erratic" if uneven else "smooth"
    return "lumpy" if uneven else "intermittent"


@lru_cache(maxsize=1024)
def _weights(days: int) -> Daily:
    """Return what each day weighs, the newest last; not to be changed."""
    weights: Daily = np.power(0.5, np.arange(days - 1, -1, -1) / HALF_LIFE_DAYS)
    weights.flags.writeable = False
    return weights


def _along(shape: tuple[float, ...], first_weekday: int, days: int) -> Daily:
    """Return the factor of each day."""
    return np.asarray(shape)[(first_weekday + np.arange(days)) % _WEEKDAYS]


def _growth(recent: Daily, level: float, weight: float) -> float:
    """Return how the last four weeks stand to the level; so much of it as their weight says."""
    ratio = float(recent.mean()) / level if len(recent) else 1.0
    return min(max(1 + weight * (ratio - 1), _GROWTH_LEAST), _GROWTH_MOST)


def _shape(demand: Daily, weights: Daily, level: float, first_weekday: int) -> tuple[float, ...]:
    """Return the factors of the weekdays, drawn to 1 by four weeks' worth of days."""
    if int((demand > 0).sum()) < _SHAPED_FROM:
        return _EVEN
    weekday = (first_weekday + np.arange(len(demand))) % _WEEKDAYS
    sums = np.bincount(weekday, weights * demand, _WEEKDAYS)
    days = np.bincount(weekday, weights, _WEEKDAYS)
    factors = (sums / level + _WEEKS_SHRINK) / (days + _WEEKS_SHRINK)
    return tuple(float(factor) for factor in factors / factors.mean())
