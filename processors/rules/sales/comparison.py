"""Which stores of a chain sold too little or too much until the same hour: their residuals against each other. Pure arithmetic.

What all stores have in common (weather, a holiday, pay day) is taken out by the chain's median. A day may be looked at every
hour without more false alarms: early scores count for less, by the root of the share of the day that has passed (O'Brien and
Fleming 1979). Among many stores some are low by chance, so what is reported follows Benjamini and Hochberg (1995).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from processors.rules.sales.baseline import Bools, Floats, deviation

COMPARABLE = 10
"""From so many stores on their median says what the whole chain does; with fewer it says too little."""
_SCALE_WEIGHT = 20
"""How many stores the scale of a bucket needs to weigh as much as the stores' own spreads."""
_DEGREES = 30.0
"""Of Student's t: days stray further than normal ones would."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Residuals of the stores less what they have in common (a logarithm), in units of the spread that they show."""

    score: Floats
    common: float


def scores(residual: Floats, spread: Floats, heard: Bools) -> Scores:
    """Compare the stores of one bucket; those that were not heard of say nothing about the others."""
    if int(heard.sum()) < COMPARABLE:
        return Scores(residual, 0.0)
    logarithm = residual * spread
    common = float(np.median(logarithm[heard]))
    score = (logarithm - common) / spread
    count, shown = int(heard.sum()), float(deviation(score[heard]))
    return Scores(score / ((count * shown**2 + _SCALE_WEIGHT) / (count + _SCALE_WEIGHT)) ** 0.5, common)


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
