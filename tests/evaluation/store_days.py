"""Store-days to judge detectors on: a chain with drops put in, what its past let expect, and which days are which."""

from dataclasses import dataclass, replace

import numpy as np

from processors.rules.sales.baseline import Baseline, Bools, Days, Floats, Terms, baseline, elapsed, expected_amount, levels, residual
from tests.evaluation.chains import Chain, Totals

SIZES = (0.15, 0.25, 0.4)
DROPPED_SHARE = 0.03
WARM_UP = 84


@dataclass(frozen=True)
class Looks:
    """What the stores of a chain observe, by store, day and hour."""

    residual: Floats
    spread: Floats
    elapsed: Floats
    expected: Floats
    net: Totals


@dataclass(frozen=True)
class Trial:
    """A chain after its first weeks: the `first` days are there to set thresholds on, the `later` ones to test them on."""

    chain: Chain
    dropped: Bools
    open: Bools
    first: Bools
    later: Bools
    net: Totals
    receipts: Totals
    baselines: dict[tuple[int, int], Baseline]

    def with_drops(self, size: float, seed: int) -> "Trial":
        """Put drops of one size into the later days, three store-days in a hundred."""
        rng = np.random.default_rng(seed)
        chosen = (rng.random(self.open.shape) < DROPPED_SHARE) & self.open & self.later
        net, receipts = self.net.copy(), self.receipts.copy()
        for store, day in np.argwhere(chosen):
            net[store, day], receipts[store, day] = self.chain.without(rng, store, day, size)
        return replace(self, dropped=(self.dropped & self.first) | chosen, net=net, receipts=receipts)

    def looks(self) -> Looks:
        """Return what the stores observe at the end of each hour."""
        shape = self.net.shape
        made = Looks(np.zeros(shape), np.ones(shape), np.zeros(shape), np.zeros(shape), np.cumsum(self.net, axis=-1))
        for place, expected in self.baselines.items():
            made.residual[place] = residual(expected, levels(self.net[place], self.receipts[place]))
            made.spread[place], made.elapsed[place], made.expected[place] = expected.spread, elapsed(expected), expected_amount(expected)
        return made


def trial(chain: Chain, seed: int) -> Trial:
    """Put drops of mixed sizes into the first days of a chain, and work out what each day's past lets expect."""
    rng = np.random.default_rng(seed)
    is_open = chain.receipts.sum(axis=-1) > 0
    number = np.broadcast_to(np.arange(chain.days), is_open.shape)
    first = (number >= WARM_UP) & (number < (WARM_UP + chain.days) // 2)
    dropped = (rng.random(is_open.shape) < DROPPED_SHARE) & is_open & first
    net, receipts = chain.net.copy(), chain.receipts.copy()
    for store, day in np.argwhere(dropped):
        net[store, day], receipts[store, day] = chain.without(rng, store, day, rng.choice(SIZES))
    made: dict[tuple[int, int], Baseline] = {}
    for store in range(chain.stores):
        usable = is_open[store]
        days = Days(np.flatnonzero(usable), chain.promoted[store][usable], levels(net[store], receipts[store])[usable])
        for day in np.flatnonzero(usable[WARM_UP:]) + WARM_UP:
            expected = baseline(days, int(day), bool(chain.promoted[store, day]), Terms())
            if expected is not None:
                made[store, int(day)] = expected
    return Trial(chain, dropped, is_open, first, number >= (WARM_UP + chain.days) // 2, net, receipts, made)
