"""Store-days to judge detectors on: a chain with drops put in, what its past let expect, and which days are which."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from processors.rules.sales.baseline import Baseline, Bools, Days, Floats, Terms, baseline, elapsed, expected_amount, levels, residual
from tests.evaluation.chains import Chain, Totals

SIZES = (0.15, 0.25, 0.4)
DROPPED_SHARE = 0.03
WARM_UP = 84


@dataclass(frozen=True)
class Looks:
    """What the stores of a chain sold, by store, day and hour, and how far it was from what was to be expected."""

    net: Totals
    receipts: Totals
    residual: Floats
    dropped: Bools


@dataclass(frozen=True)
class Trial:
    """A chain after its first weeks: the `first` days are there to set thresholds on, the `later` ones to test them on.

    `past` is what stores learn from: three store-days in a hundred have drops of mixed sizes, in both halves alike. Days are
    judged one by one, each after the same past.
    """

    chain: Chain
    open: Bools
    first: Bools
    later: Bools
    past: Looks
    spread: Floats
    elapsed: Floats
    expected: Floats
    baselines: dict[tuple[int, int], Baseline]

    @property
    def half(self) -> int:
        """Return the first of the later days."""
        return int(self.later[0].argmax())

    def with_drops(self, size: float, seed: int) -> Looks:
        """Return the days as they are when there are drops of one size on three later store-days in a hundred, and no others."""
        rng = np.random.default_rng(seed)
        dropped = (rng.random(self.open.shape) < DROPPED_SHARE) & self.open & self.later
        net, receipts = self.chain.net.copy(), self.chain.receipts.copy()
        for store, day in np.argwhere(dropped):
            net[store, day], receipts[store, day] = self.chain.without(rng, store, day, size)
        return self._seen(replace(self.past, net=net, receipts=receipts, dropped=dropped), np.argwhere(self.later & self.open))

    def _seen(self, looks: Looks, places: Iterable[Iterable[int]]) -> Looks:
        """Work out how far some store-days are from what was to be expected."""
        far = looks.residual.copy()
        for store, day in places:
            known = self.baselines.get((int(store), int(day)))
            if known is not None:
                far[store, day] = residual(known, levels(looks.net[store, day], looks.receipts[store, day]))
        return replace(looks, residual=far)


def trial(chain: Chain, seed: int) -> Trial:
    """Put drops of mixed sizes into the days of a chain, and work out what each day's past lets expect."""
    rng = np.random.default_rng(seed)
    is_open = chain.receipts.sum(axis=-1) > 0
    number = np.broadcast_to(np.arange(chain.days), is_open.shape)
    later = number >= (WARM_UP + chain.days) // 2
    dropped = (rng.random(is_open.shape) < DROPPED_SHARE) & is_open
    net, receipts = chain.net.copy(), chain.receipts.copy()
    for store, day in np.argwhere(dropped):
        net[store, day], receipts[store, day] = chain.without(rng, store, day, rng.choice(SIZES))
    past = Looks(net, receipts, np.zeros(net.shape), dropped)
    made = Trial(
        chain,
        is_open,
        (number >= WARM_UP) & ~later,
        later,
        past,
        np.ones(net.shape),
        np.zeros(net.shape),
        np.zeros(net.shape),
        dict(_baselines(chain, past, is_open)),
    )
    for place, expected in made.baselines.items():
        made.spread[place], made.elapsed[place], made.expected[place] = expected.spread, elapsed(expected), expected_amount(expected)
    return replace(made, past=made._seen(past, made.baselines))


def _baselines(chain: Chain, past: Looks, is_open: Bools) -> Iterable[tuple[tuple[int, int], Baseline]]:
    for store in range(chain.stores):
        usable = is_open[store]
        known = Days(np.flatnonzero(usable), chain.promoted[store][usable], levels(past.net[store], past.receipts[store])[usable])
        for day in np.flatnonzero(usable[WARM_UP:]) + WARM_UP:
            expected = baseline(known, int(day), bool(chain.promoted[store, day]), Terms())
            if expected is not None:
                yield (store, int(day)), expected
