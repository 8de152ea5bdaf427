"""How long a supplier takes: the days between its orders and their first deliveries, drawn to what it quotes. Pure."""

from collections.abc import Sequence
from statistics import fmean

from processors.rules.demand.protection import LeadTime

_TRUST = 5
"""Deliveries that weigh as much as the supplier's word."""
_QUOTED_DEVIATION = 0.25
"""Standard deviation of a quoted lead time, as a share of it, where nothing is known; half a day at least."""


def lead_time(observed: Sequence[float], quoted_days: float) -> LeadTime:
    """Return mean and variance of the lead time; with few deliveries mostly the quoted ones."""
    count = len(observed)
    weight = count / (count + _TRUST)
    prior = max(_QUOTED_DEVIATION * quoted_days, 0.5) ** 2
    mean = fmean(observed) if observed else quoted_days
    spread = fmean((days - mean) ** 2 for days in observed) if observed else 0.0
    between = weight * (1 - weight) * (mean - quoted_days) ** 2
    return LeadTime(weight * mean + (1 - weight) * quoted_days, weight * spread + (1 - weight) * prior + between, count)
