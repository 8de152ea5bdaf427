"""What answers to alerts of sales drops are worth, in chains of which some stores stray more from day to day than the others.

Every alert is answered, and rightly, before the next day: a drop that was put in is a true alarm, anything else a false one. The first
half of the days is there to learn the answers; figures are those of the second, with the policy as shipped.
"""

from collections.abc import Sequence

import numpy as np

from contracts.policies.sales_deviation import SalesDeviationPolicy
from processors.rules.feedback import trust
from processors.rules.rule import Feedback
from processors.rules.sales import comparison
from processors.rules.sales.baseline import Bools
from producers.simulator.baskets import DAY_SHAPE
from tests.benchmarks.results import Metric
from tests.evaluation.chains import simulated
from tests.evaluation.drop_detectors import Odds, odds
from tests.evaluation.processes import in_processes
from tests.evaluation.sales_drop import BUDGET, RESTLESS, mean_metric
from tests.evaluation.store_days import WARM_UP, trial

STORES, RESTLESS_STORES, DAYS, CHAINS = 20, 4, 728, 4
_RATE = float(SalesDeviationPolicy().false_discovery_rate)


def evaluate() -> list[Metric]:
    """Live through the same chains with and without answers."""
    found = list(in_processes(judged, {f"chain {seed}": (seed,) for seed in range(1, CHAINS + 1)}).values())
    return [row for name in found[0] for row in _figures(name, [chain[name] for chain in found])]


def judged(seed: int) -> dict[str, tuple[float, float]]:
    """Return by group of stores, with answers and without: false alerts in 100 store-days, and percent of drops found."""
    made = trial(simulated(STORES, WARM_UP + DAYS, seed, [RESTLESS] * RESTLESS_STORES + [DAY_SHAPE] * (STORES - RESTLESS_STORES)), seed)
    seen = odds(made, made.past, WARM_UP, made.chain.days)
    dropped, is_open = made.past.dropped[:, WARM_UP:], made.open[:, WARM_UP:]
    measured = made.later[:, WARM_UP:] & is_open
    groups = {"restless stores": np.arange(STORES) < RESTLESS_STORES, "other stores": np.arange(STORES) >= RESTLESS_STORES}
    found = {}
    for way, answered in (("without answers", False), ("with answers", True)):
        told = lived(seen, dropped, answered)
        for group, are_there in groups.items():
            here = measured & are_there[:, None]
            found[f"{group}, {way}"] = 100 * float(told[here & ~dropped].mean()), 100 * float(told[here & dropped].mean())
    return found


def lived(seen: Odds, dropped: Bools, are_answered: bool) -> Bools:
    """Return for which store-days an alert was told; each day's alerts are answered before the next."""
    told = np.zeros(dropped.shape, np.bool_)
    answers = [Feedback(0, 0)] * len(dropped)
    for day in range(dropped.shape[1]):
        trusted = np.array([trust(each) for each in answers])
        for hour in np.flatnonzero(seen.heard[:, day].any(axis=0)):
            heard = np.flatnonzero(seen.heard[:, day, hour])
            found = comparison.discoveries(seen.probability[heard, day, hour].tolist(), trusted[heard].tolist(), _RATE, BUDGET)
            told[heard, day] |= np.array(found) & seen.is_enough[heard, day, hour]
        for store in np.flatnonzero(told[:, day]) if are_answered else ():
            before, is_true = answers[store], bool(dropped[store, day])
            answers[store] = Feedback(before.true_alarms + is_true, before.false_alarms + (not is_true))
    return told


def _figures(name: str, chains: Sequence[tuple[float, float]]) -> list[Metric]:
    return [
        mean_metric(f"{name}: false alerts", [false for false, _ in chains], 2, "per 100 store-days"),
        mean_metric(f"{name}: drops found", [hit for _, hit in chains], 1, "%"),
    ]
