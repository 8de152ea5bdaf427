"""What a SKU will sell a day: rate, variance, growth, shape of the week and class, from its daily demand. Pure.

How much more recent days weigh, each SKU's own days say (`memory`); how the last four weeks stand to the rate counts as far
as that memory is short and the sales are many, so that steady goods are not stocked by the luck of a month. Rare demand has a
forecast of its own (`intermittent`).
Days on which the shelf was empty are nan and are left out: they say nothing about demand.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from processors.rules.demand.intermittent import rare_demand
from processors.rules.demand.memory import Memory, remembered

Daily: TypeAlias = NDArray[np.float64]
DemandClass = Literal["smooth", "erratic", "intermittent", "lumpy"]
RARE: frozenset[DemandClass] = frozenset({"intermittent", "lumpy"})
"""Classes whose demands are more than 1.32 days apart on average."""

RECENT_DAYS = 28
_GROWTH_SHRINK, _GROWTH_LEAST, _GROWTH_MOST = 16, 2 / 3, 1.5
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
    known = daily[seen]
    sold = known[known > 0]
    if not len(sold):
        return None
    weekdays = ((first_weekday + np.arange(len(daily))) % _WEEKDAYS)[seen]
    kind = demand_class(sold, len(known))
    memory = remembered((known > 0).astype(np.float64) if kind in RARE else known)
    shape = _shape(known, memory, weekdays)
    if kind in RARE:
        rare = rare_demand(known, memory.weights)
        rate, variance = rare.rate, rare.variance
    else:
        rate = float(memory.weights @ known)
        variance = float(memory.weights @ (known - rate * np.asarray(shape)[weekdays]) ** 2)
    growth = _growth(daily[-RECENT_DAYS:], rate, memory.short)
    return Forecast(rate * growth, variance * growth * growth, growth, kind, len(known), len(sold), shape)


def demand_class(sold: Daily, days: int) -> DemandClass:
    """Classify by the mean interval between demands and the squared coefficient of variation of their sizes."""
    uneven = len(sold) > 1 and float(np.var(sold) / np.mean(sold) ** 2) >= _CV2
    if days < _ADI * len(sold):
        return "erratic" if uneven else "smooth"
    return "lumpy" if uneven else "intermittent"


def _growth(recent: Daily, rate: float, short: float) -> float:
    """Return how the last four weeks stand to the rate; so much of it as the short memory is worth and the sales are many."""
    known = recent[~np.isnan(recent)]
    sales = int((known > 0).sum())
    ratio = float(known.mean()) / rate if len(known) else 1.0
    return min(max(1 + short * sales / (sales + _GROWTH_SHRINK) * (ratio - 1), _GROWTH_LEAST), _GROWTH_MOST)


def _shape(known: Daily, memory: Memory, weekdays: NDArray[np.intp]) -> tuple[float, ...]:
    """Return the factors of the weekdays, drawn to 1 by four weeks' worth of days."""
    if int((known > 0).sum()) < _SHAPED_FROM:
        return _EVEN
    weights = memory.weights * len(known)
    sums = np.bincount(weekdays, weights * known, _WEEKDAYS)
    days = np.bincount(weekdays, weights, _WEEKDAYS)
    factors = (sums / float(memory.weights @ known) + _WEEKS_SHRINK) / (days + _WEEKS_SHRINK)
    return tuple((factors / factors.mean()).tolist())
