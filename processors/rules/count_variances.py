"""What counts found beyond or short of the book, and how much of it is usual: the noise of counting. Pure.

    variance = counted − book just before, both as of the time of the count
    noise²   = scale · (count_noise² + moved_noise · units moved since the count before)
    usual    = − rate · units moved since the count before

The policy gives the two figures; the scale is what the store's own counts say of them: the mean of variance² ÷ noise² (each
at most 9, so that no thief teaches the rule to look away), shrunk to 1 as if that were seen in `prior_counts` counts. The rate
is what the store usually loses of a unit moved: losses (each at most 3 noises) ÷ units moved, shrunk to 0 in the same way.
"""

import math
from collections.abc import Iterable, Iterator

import msgspec

from contracts.policies.shrinkage import ShrinkagePolicy
from processors.rules.shelf_history import Shelf
from processors.rules.stock_rows import UNITS

_LARGEST_RATIO = 9.0
_LEAST_SCALE = 0.05
_MOST_NOISES = 3.0
FORGETTING = 0.95
"""What a week's counts still weigh a week later."""


class Counted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One count of a SKU: when, since which, what was found, what the book said, and what had moved, in whole quantities."""

    at: int
    since: int
    event: bytes
    counted: int
    book: int
    moved: int

    @property
    def variance(self) -> int:
        """Return what was found beyond the book; negative for what is missing."""
        return self.counted - self.book


def counted_of(shelf: Shelf) -> Iterator[Counted]:
    """Return every count that can still be corrected and has one before it to compare with, in time order."""
    since = shelf.counted_at if shelf.start is not None else None
    for count in shelf.counts:
        book = shelf.book_before(count)
        if book is not None and since is not None:
            moved = sum(abs(row.delta) for row in shelf.between(max(since, shelf.since), count.at))
            yield Counted(count.at, since, count.event, count.quantity, book, moved)
        since = count.at


def noise(row: Counted, terms: ShrinkagePolicy, scale: float = 1.0) -> float:
    """Return the usual standard deviation of a count, units."""
    return math.sqrt(scale * (float(terms.count_noise) ** 2 + float(terms.moved_noise) * row.moved / UNITS))


def ratios(rows: Iterable[Counted], terms: ShrinkagePolicy) -> list[float]:
    """Return for each count how many times the policy's noise² its variance² is."""
    return [min(_LARGEST_RATIO, (row.variance / UNITS / noise(row, terms)) ** 2) for row in rows]


def scale_of(total: float, counts: float, terms: ShrinkagePolicy) -> float:
    """Return the scale of a store's noise, from the sum of so many ratios."""
    return max(_LEAST_SCALE, (terms.prior_counts + total) / (terms.prior_counts + counts))


def capped_loss(rows: Iterable[Counted], terms: ShrinkagePolicy) -> float:
    """Return the units missing at some counts, what was found beyond the book taken off, no count for more than three noises."""
    limited = ((-row.variance / UNITS, _MOST_NOISES * noise(row, terms)) for row in rows)
    return sum(max(-most, min(most, loss)) for loss, most in limited)


def loss_rate(lost: float, moved: float, terms: ShrinkagePolicy) -> float:
    """Return what a store usually loses of a unit moved; nothing moved and nothing lost in as many units as the prior counts."""
    return max(0.0, lost / (moved + terms.prior_counts))
