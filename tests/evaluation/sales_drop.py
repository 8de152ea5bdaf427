"""How many drops of sales are found at one false alert in a hundred store-days, beside what dashboards usually do.

Each chain sets the threshold of each detector on the first half of its days, at one clean store-day in a hundred; in the second,
false alarms and recall are counted. Small chains have a year in each half, so that a threshold is not that of a season; in large ones
what they have in common takes the season out. Figures are means of chains, with their confidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtrit

from processors.rules.sales.baseline import Bools, Floats
from producers.simulator.baskets import DAY_SHAPE
from tests.benchmarks.results import Metric
from tests.evaluation.chains import Chain, data_file, simulated, wholesaler
from tests.evaluation.drop_detectors import AS_SHIPPED, RULE, said
from tests.evaluation.processes import in_processes
from tests.evaluation.store_days import DROPPED_SHARE, SIZES, WARM_UP, Looks, Trial, trial

BUDGET, CONFIDENCE = 0.01, 0.95
_FEW, _LEAST_DROPS = 2, 200
_TWO_YEARS, _SIXTEEN_WEEKS = 728, 112
RESTLESS = 60
"""Gamma shape of the luck of a store's day in a chain whose stores stray more: 13 percent of a day, not 5 as in the simulator."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a detector found in a chain with drops of one size: which drops, after how many hours of trade, and false alarms."""

    hit: Bools
    hours: Floats
    false: Bools


@dataclass(frozen=True, slots=True)
class Course:
    """A detector in one chain: its threshold, and what it found with drops of each size."""

    limit: float
    found: dict[float, Found] = field(default_factory=dict)


def threshold(oddness: Floats, clean: Bools) -> float:
    """Return the score at or below which no more of the clean days are than the budget."""
    ranked = np.sort(oddness[clean])
    return float(np.nextafter(ranked[int(BUDGET * len(ranked))], -np.inf))


def judged(chain: Chain, seed: int) -> dict[str, Course]:
    """Set the threshold of each detector on the first half of a chain, and try it on the second."""
    made = trial(chain, seed)
    clean = (made.first & made.open & ~made.past.dropped)[:, WARM_UP : made.half]
    courses = {
        name: Course(BUDGET if name == AS_SHIPPED else threshold(oddness.min(axis=-1), clean))
        for name, oddness in said(made, made.past, WARM_UP, made.half).items()
    }
    for size in SIZES:
        for name, found in _tried(made, courses, size, seed).items():
            courses[name].found[size] = found
    return courses


def judged_simulated(stores: int, days: int, seed: int, day_shape: int) -> dict[str, Course]:
    """Judge on a simulated chain."""
    return judged(simulated(stores, WARM_UP + days, seed, day_shape), seed)


def _tried(made: Trial, courses: Mapping[str, Course], size: float, seed: int) -> dict[str, Found]:
    """Try all detectors; repeat short series with drops on other days, so that each figure comes from hundreds of drops."""
    is_open = made.open[:, made.half :]
    repeats = max(1, round(_LEAST_DROPS / (DROPPED_SHARE * is_open.sum()))) if made.chain.invoices else 1
    found: dict[str, list[Found]] = {name: [] for name in courses}
    for number in range(repeats):
        looks = made.with_drops(size, 1000 * number + seed)
        for name, oddness in said(made, looks, made.half, made.chain.days).items():
            found[name].append(_found(made, looks, np.less_equal(oddness, courses[name].limit)))
    return {name: _together(rows) for name, rows in found.items()}


def _found(made: Trial, looks: Looks, told: Bools) -> Found:
    alarmed, dropped = np.asarray(told.any(axis=-1)), looks.dropped[:, made.half :]
    begun = (made.expected > made.expected[..., -1:] / 500).argmax(axis=-1)[:, made.half :]
    hours = (told.argmax(axis=-1) - begun + 1)[dropped & alarmed].astype(np.float64)
    return Found(alarmed[dropped], hours, alarmed[made.open[:, made.half :] & ~dropped])


def _together(rows: Sequence[Found]) -> Found:
    return Found(*(np.concatenate([getattr(row, name) for row in rows]) for name in ("hit", "hours", "false")))


def _metrics(name: str, chains: Sequence[Mapping[str, Course]]) -> list[Metric]:
    metrics = []
    for detector in chains[0]:
        courses = [each[detector] for each in chains]
        if detector == RULE:
            metrics.append(mean_metric(f"{name}: rule, probability set on the first half", [each.limit for each in courses], 4, "of 1"))
        for size in SIZES:
            metrics += _figures(f"{name}: {detector}", size, [each.found[size] for each in courses], detector in {RULE, AS_SHIPPED})
    return metrics


def _figures(name: str, size: float, found: Sequence[Found], by_hour: bool) -> list[Metric]:
    rows = [mean_metric(f"{name}, {size:.0%} drop found", [100 * float(each.hit.mean()) for each in found], 1, "%")]
    if size == SIZES[1]:
        rows.append(mean_metric(f"{name}, false alerts", [100 * float(each.false.mean()) for each in found], 2, "per 100 store-days"))
    hours = np.concatenate([each.hours for each in found])
    if by_hour and hours.size:
        rows.append(Metric(f"{name}, {size:.0%} drop, median delay", float(np.median(hours)), "h of trade"))
    return rows


def mean_metric(name: str, values: Sequence[float], places: int, unit: str) -> Metric:
    """Return the mean of the chains, from three on with its interval of confidence (Student's t)."""
    mean, count = float(np.mean(values)), len(values)
    against = f"mean of {count} chains" if count > 1 else None
    if count > _FEW:
        reach = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2) * np.std(values, ddof=1) / count**0.5)
        against = f"{against}, ± {reach:.{places}f}"
    return Metric(name, round(mean, places), unit, against)


def _tasks() -> dict[str, dict[str, tuple[object, ...]]]:
    cases: dict[str, dict[str, tuple[object, ...]]] = {}
    for stores, days, usual, restless in ((5, _TWO_YEARS, 8, 2), (20, _TWO_YEARS, 8, 2), (200, _SIXTEEN_WEEKS, 4, 2)):
        for name, shape, chains in ((f"{stores} stores", DAY_SHAPE, usual), (f"{stores} restless stores", RESTLESS, restless)):
            cases[name] = {f"{name}, chain {seed}": (stores, days, seed, shape) for seed in range(1, chains + 1)}
    return cases


def evaluate() -> list[Metric]:
    """Judge on simulated chains of 5, 20 and 200 stores, and on the public file where it is here."""
    cases = _tasks()
    done = in_processes(judged_simulated, {name: task for tasks in cases.values() for name, task in tasks.items()})
    metrics = [row for name, tasks in cases.items() for row in _metrics(name, [done[each] for each in tasks])]
    file = data_file("online_retail.csv.gz")
    if file is None:
        print("  online_retail.csv.gz is not here: name its folder in TILLSTREAM_REAL_DATA")
        return metrics
    return metrics + _metrics("public wholesaler, one store", [judged(wholesaler(file, 1), seed=1)])
