"""Which stores of a chain sold too little or too much until the same hour: their residuals against each other. Pure arithmetic.

What all stores have in common (weather, a holiday, pay day) is taken out: of each store the mean of the middle half of the
others, which the trouble of a few does not bend. How far they stray once it is out is less than their own pasts say, which hold
the weather too; twenty stores of one hour show it poorly, so the same hour of the days before is asked as well. A day may be
looked at every hour without more false alarms: early scores count for less, by the root of the share of the day that has passed
(O'Brien and Fleming 1979). Among many stores some are low by chance, so what is reported follows Benjamini and Hochberg (1995).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from processors.rules.sales.baseline import Bools, Floats, deviation

COMPARABLE = 5
"""From so many stores on the middle of the others says what the whole chain does; with fewer one odd store would be half of it."""
DAYS_BEFORE = 7
"""How many days before are asked how far stores stray at that hour."""
_SCALE_WEIGHT = 20
"""How many stores the stores' own spreads weigh as much as, and at most each of the days before: a large chain's day speaks for itself."""
_SPREAD_NOISE = 1 / (2 * 56)
"""Variance of the logarithm of a spread that eight weeks of normal days give."""
_DEGREES = 30.0
"""Of Student's t: days stray further than normal ones would."""


@dataclass(frozen=True, slots=True)
class Scatter:
    """How far the stores of a bucket stray once what they have in common is out: mean square, in squares of their spreads."""

    stores: int
    square: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Residuals of the stores less what they have in common (a logarithm), in units of the spread that they show."""

    score: Floats
    common: Floats


def scatter(residual: Floats, spread: Floats, heard: Bools) -> Scatter:
    """Return how far the stores of one bucket stray; too few stores do not say."""
    if int(heard.sum()) < COMPARABLE:
        return Scatter(0, 1.0)
    return _scatter(_left(residual, spread, heard, _common(residual, spread, heard)), heard)


def scores(residual: Floats, spread: Floats, heard: Bools, before: Iterable[Scatter] = ()) -> Scores:
    """Compare the stores of one bucket; those that were not heard of say nothing about the others.

    `before` is how far stores strayed at the same hour of the days before; many stores of one day outweigh it.
    """
    if int(heard.sum()) < COMPARABLE:
        return Scores(residual, np.zeros_like(residual))
    common = _common(residual, spread, heard)
    left = _left(residual, spread, heard, common)
    now = _scatter(left, heard)
    weights = [(now.stores, now.square), (_SCALE_WEIGHT, 1.0), *((min(each.stores, _SCALE_WEIGHT), each.square) for each in before)]
    return Scores(left / (sum(weight * square for weight, square in weights) / sum(weight for weight, _ in weights)) ** 0.5, common)


def _common(residual: Floats, spread: Floats, heard: Bools) -> Floats:
    """Return of each store what the others have in common: the mean of the middle half of them; of all heard, where it was not heard."""
    logarithm = residual * spread
    ranked = np.sort(logarithm[heard])
    cut = len(ranked) // 4
    low, high, middle = ranked[cut], ranked[-1 - cut], ranked[cut : len(ranked) - cut]
    others = (middle.sum() - np.clip(logarithm, low, high)) / (len(middle) - 1)
    return np.asarray(np.where(heard, others, middle.mean()))


def _left(residual: Floats, spread: Floats, heard: Bools, common: Floats) -> Floats:
    """Return what is left without the common, in spreads that are drawn together as far as they differ by chance alone."""
    logarithm = np.log(spread)
    middle, differ = logarithm[heard].mean(), float(logarithm[heard].var())
    own = max(0.0, 1 - _SPREAD_NOISE / differ) if differ else 0.0
    return np.asarray((residual * spread - common) / np.exp(middle + own * (logarithm - middle)))


def _scatter(left: Floats, heard: Bools) -> Scatter:
    return Scatter(int(heard.sum()), float(deviation(left[heard])) ** 2)


def low_tail(score: Floats, elapsed: Floats) -> Floats:
    """Return how likely a score this low or lower is at any look of a normal day, from 0 to 1."""
    return np.asarray(stdtr(_DEGREES, score * np.sqrt(elapsed)))


def discoveries(probability: Sequence[float], trust: Sequence[float], rate: float, alone: float) -> list[bool]:
    """Choose what to report so that a share `rate` of it is chance (Benjamini and Hochberg 1995).

    Trust above 0 and up to 1 makes a probability count for less (Genovese, Roeder and Wasserman 2006). None is reported whose
    probability is above `alone`: in a chain of one store every alarm is chance as often as its probability says.
    """
    weighed = [value / weight for value, weight in zip(probability, trust, strict=True)]
    count = len(weighed)
    limit = max((value for rank, value in enumerate(sorted(weighed), 1) if value <= rate * rank / count), default=-1.0)
    return [value <= min(limit, alone) for value in weighed]
