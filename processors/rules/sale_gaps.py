"""How many trading days a SKU may go unsold by chance: the beta-geometric tail of its own history. Pure.

A trading day with stock sells it or does not. After `sold` of `tried` such days the chance to sell on the next is
Beta(½ + sold, ½ + tried − sold) (Jeffreys' prior), so a gap of at least g days has the probability

    Π i = 0 … g − 1 of (½ + tried − sold + i) ÷ (1 + tried + i)

which allows for the little that a short history knows. The gap that still runs is censored: it is compared, never learned from.
"""

from functools import lru_cache

LONGEST = 90
"""Trading days; what needs a longer gap to be surprising is never told."""


def gap_probability(sold: int, tried: int, gap: int) -> float:
    """Return the probability that a SKU sells on none of the next `gap` trading days."""
    tail = 1.0
    for day in range(gap):
        tail *= (0.5 + tried - sold + day) / (1.0 + tried + day)
    return tail


@lru_cache(maxsize=16_384)
def surprising_gap(sold: int, tried: int, probability: float) -> int | None:
    """Return the shortest gap in trading days that has at most a probability; None where even the longest has more."""
    tail = 1.0
    for day in range(LONGEST):
        tail *= (0.5 + tried - sold + day) / (1.0 + tried + day)
        if tail <= probability:
            return day + 1
    return None
