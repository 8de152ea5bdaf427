"""How far back the days of a SKU speak for its next ones: what each day weighs, learned from the days themselves. Pure.

Where demand moves, a short memory follows it; where nothing moves, the luck of a few weeks is all that it adds. Which of the two
a SKU is, its own days tell: three memories, with half-lives of 28 and 91 days and one that forgets nothing, are averaged by how
well each would have foretold every day from the days before it (Bayesian model averaging; Hoeting, Madigan, Raftery and
Volinsky, 1999). What a day says for a memory is the quasi-likelihood of Wedderburn (1974) for a variance in proportion to the mean:
(y log m - m) ÷ φ, with y the demand of the day, m what the memory foretold and φ = variance ÷ mean of all days. It
is the same in pieces, in boxes and in grams.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

HALF_LIVES = (28.0, 91.0, float("inf"))
"""Days after which a day weighs half as much, by memory."""
PRIOR = (1 / 7, 2 / 7, 4 / 7)
"""What each memory weighs before a day has said anything: most goods move little from one month to the next."""
BEGINNING = 28
"""Days that only teach the memories; those after them judge."""
MEAN_DAYS = 2
"""Each memory begins as if it had seen so many days of the mean, so that none foretells nothing at all."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The weights of the days, the newest last, which add up to one; `short` is the share of the shortest memory in them."""

    weights: NDArray[np.float64]
    short: float


def remembered(days: NDArray[np.float64]) -> Memory:
    """Return what each of the days weighs, at least one; nothing is below 0, all are known."""
    count = len(days)
    powers = _powers(1 << (count - 1).bit_length())
    shares = _shares(days, powers)
    weights = powers.falling[:, :count][:, ::-1] / powers.sums[:, count - 1 : count]
    return Memory(shares @ weights, float(shares[0]))


@dataclass(frozen=True, slots=True)
class _Powers:
    """By memory, λ to the power of t and of -t, and the sum of its powers until t, for the first days t; not to be changed."""

    falling: NDArray[np.float64]
    rising: NDArray[np.float64]
    sums: NDArray[np.float64]


@lru_cache(maxsize=16)
def _powers(days: int) -> _Powers:
    falling = np.power(0.5, np.arange(days) / np.array(HALF_LIVES)[:, np.newaxis])
    return _Powers(falling, 1 / falling, np.cumsum(falling, axis=1))


def _shares(days: NDArray[np.float64], powers: _Powers) -> NDArray[np.float64]:
    """Return what each memory weighs after all days."""
    prior, count, mean = np.array(PRIOR), len(days), float(days.mean())
    scatter = float(days.var()) / mean if mean else 0.0
    if count <= BEGINNING or not scatter:
        return prior
    before = slice(BEGINNING - 1, count - 1)
    faded = np.cumsum(days * powers.rising[:, :count], axis=1)[:, before] * powers.falling[:, before]
    foretold = (faded + MEAN_DAYS * mean) / (powers.sums[:, before] + MEAN_DAYS)
    evidence = (np.log(foretold) @ days[BEGINNING:] - foretold.sum(axis=1)) / scatter
    shares = prior * np.exp(evidence - evidence.max())
    return np.asarray(shares / shares.sum())
