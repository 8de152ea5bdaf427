"""How likely a cashier's counts are, if the cashier were as the peers are. Pure arithmetic.

Gamma-Poisson: a count of deeds in `n` receipts is Poisson with a rate that differs between people and days as a gamma variable
does; so the count is negative binomial. Not Beta-binomial, for deeds are no share of the receipts: a drawer opens and goods
come back without one. The gamma's mean is the peers' pooled rate and its shape is fitted by moments, each drawn to a prior
that counts as `PRIOR_RECEIPTS` receipts, so a new store judges mildly.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, chdtrc

PRIOR_RATES = (0.0005, 0.002, 0.01, 0.0005, 0.006, 0.006, 0.08)
"""Deeds by measure for each receipt, before a store has peers to learn from; roughly those of a convenience store."""
PRIOR_RECEIPTS = 1000.0
SURPRISING = 0.01
"""A measure whose own tail is at or below this is named in an alert."""

_PRIOR_SPREAD, _LEAST_SPREAD, _MOST_SPREAD = 0.5, 0.05, 5.0
_LEAST_RECEIPTS = 20.0
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Peers:
    """The gamma of each measure: rates for a receipt, and shapes."""

    rate: Floats
    shape: Floats


def peers_of(counts: Floats, receipts: Floats, prior_spread: float = _PRIOR_SPREAD) -> Peers:
    """Fit the peers (rows × measures, rows). Rows far beyond the rest are left out of the rate, or one thief would hide another."""
    exposure = exposed(receipts)
    rate = _pooled(counts, exposure, np.ones_like(counts, dtype=bool))
    usual = counts <= rate * exposure[:, None] + 4 * np.sqrt(rate * exposure[:, None]) + 2
    rate = _pooled(counts, exposure, usual)
    mean = rate * exposure[:, None]
    excess = np.where(usual, (counts - mean) ** 2 - mean, 0.0).sum(axis=0)
    squares = np.where(usual, mean**2, 0.0).sum(axis=0)
    spread = np.clip((excess + prior_spread) / (squares + 1.0), _LEAST_SPREAD, _MOST_SPREAD)
    return Peers(rate, 1.0 / spread)


def own_rate(peers: Peers, counts: Floats, receipts: float) -> Floats:
    """Return the cashier's own rate drawn to the peers': the mean of the gamma after the cashier's counts."""
    strength = peers.shape / peers.rate
    return np.asarray((peers.shape + counts) / (strength + receipts))


def tails(counts: Floats, mean: Floats, shape: Floats) -> Floats:
    """Return by measure how likely as many deeds or more are; 1 where there are none."""
    some = np.maximum(counts, 1.0)
    return np.where(counts > 0, betainc(some, shape, mean / (mean + shape)), 1.0)


def combined(probabilities: Floats) -> float:
    """Return one tail for all measures: twice the smaller of Bonferroni's and Fisher's.

    Bonferroni sees one measure that is far out, Fisher several that are somewhat out; twice, for the better of two is taken.
    Fisher, R. A. (1932), Statistical Methods for Research Workers, section 21.1; counts make both cautious.
    """
    probabilities = np.maximum(probabilities, 1e-300)
    size = len(probabilities)
    fisher = float(chdtrc(2 * size, -2.0 * np.log(probabilities).sum()))
    return min(1.0, 2 * min(size * float(probabilities.min()), fisher))


def exposed(receipts: Any) -> Any:
    """Return receipts as a measure of time at the till: who only takes goods back has few, but was there."""
    return np.maximum(receipts, _LEAST_RECEIPTS)


def _pooled(counts: Floats, exposure: Floats, usual: NDArray[np.bool_]) -> Floats:
    prior = np.array(PRIOR_RATES) * PRIOR_RECEIPTS
    seen = np.where(usual, exposure[:, None], 0.0).sum(axis=0)
    return np.asarray((np.where(usual, counts, 0.0).sum(axis=0) + prior) / (seen + PRIOR_RECEIPTS))
