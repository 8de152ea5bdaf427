"""What customers may still take of a SKU: a negative binomial over its latest days on the shelf. Pure.

Days without stock are censored and days without trade are none, so neither counts. Of the days that do, mean m and variance v
(at least m) give a horizon of H days the mean m · H and the variance v · H + v · H² ÷ n, of which the second part is what n
days leave open about m. With r = mean² ÷ (variance − mean) and q = mean ÷ (mean + r):

    P(demand > k) = I_q(k + 1, r)            (regularised incomplete beta function)
    E[(demand − k)⁺] = mean · P(demand' ≥ k) − k · P(demand > k), demand' with r + 1 in place of r
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
from scipy.special import betainc

from processors.rules.shelf_history import Shelf
from processors.rules.stock_rows import UNITS

DAYS_LEARNED = 28
_WEEKDAY_PRIOR = 4.0
"""How many days of its own a weekday needs to weigh as much as the mean of all."""
_LEAST_SPREAD = 1e-6


class Demand(msgspec.Struct, frozen=True, array_like=True):
    """Units a day, their variance, from how many days, and the weight of each weekday (0 is that of 1970-01-01)."""

    mean: float
    variance: float
    days: int
    weekdays: tuple[float, ...]

    def weight(self, day: int) -> float:
        """Return how many average days a day is worth."""
        return self.weekdays[day % 7]


@dataclass(frozen=True, slots=True)
class Outlook:
    """Demand over a horizon: mean units, how probable it is to exceed the stock, and by how many units on average."""

    mean: float
    probability: float
    shortfall: float


def sold_by_day(shelf: Shelf) -> dict[int, float]:
    """Return the units that customers took on each business date; what they brought back is another matter."""
    sold: dict[int, int] = {}
    for row in shelf.rows:
        if row.is_demand and row.delta < 0:
            sold[row.day] = sold.get(row.day, 0) - row.delta
    return {day: whole / UNITS for day, whole in sold.items()}


def demand_of(sold: Mapping[int, float], possible: Iterable[int]) -> Demand | None:
    """Learn the demand from the latest days on which there was something to sell; None without any."""
    days = sorted(possible)[-DAYS_LEARNED:]
    if not days:
        return None
    amounts = [sold.get(day, 0.0) for day in days]
    mean = sum(amounts) / len(days)
    spread = sum((amount - mean) ** 2 for amount in amounts) / max(1, len(days) - 1)
    weights = []
    for weekday in range(7):
        own = [amount for day, amount in zip(days, amounts, strict=True) if day % 7 == weekday]
        weights.append((_WEEKDAY_PRIOR + sum(own) / mean) / (_WEEKDAY_PRIOR + len(own)) if mean else 1.0)
    return Demand(mean, max(spread, mean), len(days), tuple(weights))


def outlook(demand: Demand, horizon: float, stock: float) -> Outlook:
    """Say how demand over a horizon, in average days, compares with a stock."""
    mean = demand.mean * horizon
    if mean <= 0:
        return Outlook(0.0, 0.0, 0.0)
    variance = demand.variance * horizon + demand.variance * horizon**2 / demand.days
    shape = mean**2 / max(variance - mean, _LEAST_SPREAD * mean)
    share = mean / (mean + shape)
    enough = math.floor(max(stock, 0.0) + 1e-9)
    beyond = float(betainc(enough + 1, shape, share))
    at_least = float(betainc(enough, shape + 1, share)) if enough else 1.0
    return Outlook(mean, beyond, max(0.0, mean * at_least - enough * beyond))
