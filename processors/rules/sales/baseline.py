"""What a store usually sells until an hour of its day, and how far that usually strays: pure arithmetic on whole days.

A day is two rows of 24 cumulative levels, log(1 + net amount) and log(1 + receipts). Each is expected where the like days were
(same weekday, same promotion flag); the two deviations are weighed by how steady each is, so a shop with a few huge invoices
is judged by its receipts. The centre of like days is the median of their pairwise means (Hodges and Lehmann 1963): with eight
days a third less noisy than the median, and as deaf to a day gone wrong as this needs.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

HOURS = 24
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

_WEEK = 7
_NORMAL = 1.4826
"""Of a normal variable, standard deviation ÷ median absolute deviation."""
_EDGE, _INWARDS = 2.5, 1.0114
"""How far out a residual counts in full, and what pulling the rest in takes from the deviation of a normal variable."""
_YOUNG_DAYS = 4
"""With so many like days a slot speaks for itself; with fewer it is drawn to the wider group."""
_POOL_WEIGHT = 64
"""How many days of its own a slot's spread needs to weigh as much as that of all weekdays."""
_PRIOR_DAYS = 7
"""How many days the policy's prior spread is worth."""
_SMALLEST_SPREAD = 0.03
_ENOUGH = 10
"""Receipts to expect before their absence says anything: of fewer, none at all comes by chance too often."""
_EFFICIENCY = 1.05
"""Variance of the centre against that of a mean."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How much of the past a baseline takes, and what spread (of the logarithm) it assumes before there is any."""

    weeks: int = 8
    prior_spread: float = 0.25

    @property
    def reach(self) -> int:
        """Return how many days back like days are looked for: half as many weeks again, as promotions come and go."""
        return _WEEK * (self.weeks + self.weeks // 2)


@dataclass(frozen=True, slots=True)
class Days:
    """Days of one store, ascending: numbers (multiples of seven are one weekday), promotion flags, levels (days × 2 × 24)."""

    number: Integers
    promoted: Bools
    level: Floats


@dataclass(frozen=True, slots=True)
class Baseline:
    """What to expect by each hour: levels (2 × 24), the weight of the amount, the spread of the weighed deviation, from how many days."""

    centre: Floats
    weight: Floats
    spread: Floats
    like_days: int


def levels(net: Integers, receipts: Integers) -> Floats:
    """Return cumulative levels by hour (… × 2 × 24); where more came back than was sold, nothing was sold."""
    sums = np.stack((np.cumsum(net, axis=-1), np.cumsum(receipts, axis=-1)), axis=-2)
    return np.asarray(np.log1p(np.maximum(sums, 0)))


def baseline(days: Days, today: int, promoted: bool, terms: Terms) -> Baseline | None:
    """Return what day number `today` should look like by the days before it; None where there are none."""
    recent = (days.number < today) & (days.number >= today - terms.reach)
    if not recent.any():
        return None
    number, level = days.number[recent], days.level[recent]
    same_weekday = (today - number) % _WEEK == 0
    like = same_weekday & (days.promoted[recent] == promoted)
    centre = _drawn([level[like][-terms.weeks :], level[same_weekday][-terms.weeks :], level[-4 * _WEEK :]])
    count = min(int(like.sum()), terms.weeks)
    weight, spread = _spread(number, level, like, terms)
    return Baseline(centre, weight, spread * (1 + _EFFICIENCY / max(count, 1)) ** 0.5, count)


def residual(expected: Baseline, level: Floats) -> Floats:
    """Return by hour how far a day's levels (2 × 24) are from what was expected, in units of the spread."""
    amount, receipts = level - expected.centre
    return np.asarray((expected.weight * amount + (1 - expected.weight) * receipts) / expected.spread)


def expected_amount(expected: Baseline) -> Floats:
    """Return the cumulative net amount to expect by each hour, minor units."""
    return np.asarray(np.expm1(expected.centre[0]))


def elapsed(expected: Baseline) -> Floats:
    """Return what share of the day's receipts should have come by each hour; 0 while they are too few to say anything."""
    receipts = np.expm1(expected.centre[1])
    return np.asarray(np.where(receipts >= _ENOUGH, np.minimum(receipts / max(float(receipts[-1]), 1.0), 1.0), 0.0))


@cache
def _pairs(size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    first, second = np.triu_indices(size)
    return first, second


def centre_of(rows: Floats) -> Floats:
    """Return the median of the pairwise means of each column, pairs with itself included."""
    first, second = _pairs(len(rows))
    return np.asarray(np.median(0.5 * (rows[first] + rows[second]), axis=0))


def _drawn(groups: list[Floats]) -> Floats:
    """Return the centre of the narrowest group; where it is young, drawn to that of the next one."""
    chosen, wider = groups[0], groups[1:]
    if len(chosen) >= _YOUNG_DAYS or not wider:
        return centre_of(chosen)
    around = _drawn(wider)
    own = len(chosen) / _YOUNG_DAYS
    return own * centre_of(chosen) + (1 - own) * around if len(chosen) else around


def deviation(rows: Floats) -> Floats:
    """Return the standard deviation of each column around zero; what is beyond 2.5 of the robust ones is pulled in to there."""
    edge = _EDGE * _NORMAL * np.median(np.abs(rows), axis=0)
    return np.asarray(np.sqrt(np.mean(np.clip(rows, -edge, edge) ** 2, axis=0)) * _INWARDS)


def _spread(number: Integers, level: Floats, like: Bools, terms: Terms) -> tuple[Floats, Floats]:
    """Return the weight of the amount and the spread of the weighed deviation: the slot's, drawn to all weekdays', drawn to the prior."""
    strays = np.zeros_like(level)
    for weekday in range(_WEEK):
        rows = number % _WEEK == weekday
        size = int(rows.sum())
        if size:
            strays[rows] = (level[rows] - np.median(level[rows], axis=0)) * (size / max(size - 1, 1)) ** 0.5
    recent = strays[-_WEEK * terms.weeks :]
    amount, receipts = np.maximum(deviation(recent), _SMALLEST_SPREAD) ** 2
    weight = receipts / (amount + receipts)
    weighed = weight * strays[:, 0] + (1 - weight) * strays[:, 1]
    count, own = len(recent), int(like.sum())
    variance = (count * deviation(weighed[-count:]) ** 2 + _PRIOR_DAYS * terms.prior_spread**2) / (count + _PRIOR_DAYS)
    if own > 1:
        variance = (own * deviation(weighed[like]) ** 2 + _POOL_WEIGHT * variance) / (own + _POOL_WEIGHT)
    return weight, np.asarray(np.maximum(np.sqrt(variance), _SMALLEST_SPREAD))
