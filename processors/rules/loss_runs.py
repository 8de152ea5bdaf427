"""Losses at counts: single ones that are too large, and runs of small ones that add up. Pure.

A loss is standardised by what is usual for its count, z = (usual − variance) ÷ noise. Slow losses are added up by Page's one-sided
CUSUM, C = max(0, C + min(z, 3) − slack); a run begins where C leaves 0 and ends where it comes back. The cap leaves what one
count alone shows to the other test, the normal tail of z.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from processors.rules.count_variances import Counted

_CAP = 3.0
_LEAST_SLACK = 0.25


@dataclass(frozen=True, slots=True)
class Run:
    """Losses in a row: since when, their sum C, units lost (whole), the sum of z, how many counts, the last of them."""

    since: int
    level: float = 0.0
    lost: int = 0
    total: float = 0.0
    counts: int = 0
    until: int = 0

    @property
    def probability(self) -> float:
        """Return the probability that chance alone takes so much in so many counts."""
        return tail(self.total / math.sqrt(self.counts)) if self.counts else 1.0


@dataclass(frozen=True, slots=True)
class Judged:
    """A count with its usual noise, units, how many times that is missing beyond the usual, and the usual loss of a unit moved."""

    row: Counted
    noise: float
    z: float
    rate: float = 0.0


def tail(z: float) -> float:
    """Return the upper tail of the standard normal distribution."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def limit_for(share: float, limit: float, slack: float) -> float:
    """Return the limit that chance reaches only a share as often: it does so about exp(2 · slack · limit) counts apart (Siegmund 1985).

    Never below half of the limit; a slack below a quarter counts as one.
    """
    return max(0.5 * limit, limit - math.log(share) / (2 * max(slack, _LEAST_SLACK)))


def after(run: Run, judged: Judged, slack: float) -> Run:
    """Return the run after one more count; one whose level is 0 has ended, and begins anew at that count."""
    started = run if run.level > 0 else Run(judged.row.since)
    level = max(0.0, started.level + min(judged.z, _CAP) - slack)
    return Run(
        started.since,
        level,
        started.lost - judged.row.variance,
        started.total + judged.z,
        started.counts + 1,
        judged.row.at,
    )


def runs(rows: Sequence[Judged], slack: float) -> list[tuple[Run, Judged | None]]:
    """Return every run of losses, each as it stood at its highest and with the count that ended it (None: it goes on)."""
    found: list[tuple[Run, Judged | None]] = []
    run = highest = Run(0)
    for judged in rows:
        before, run = run, after(run, judged, slack)
        if run.level == 0:
            if before.level > 0:
                found.append((highest, judged))
            highest = run
        elif before.level == 0 or run.level >= highest.level:
            highest = run
    return [*found, (highest, None)] if run.level > 0 else found
