"""Daily demand to order for: that of a wholesaler's public file, and that of simulated chains, each with its supplier's ways."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np

from processors.rules.demand.forecast import Daily
from processors.rules.demand.protection import LeadTime, Terms
from producers.simulator.baskets import DAY_SHAPE, expected_receipts
from producers.simulator.goods import LINES_A_RECEIPT, UNITS_A_LINE
from producers.simulator.options import SimulationOptions
from producers.simulator.world import World

WARM_UP = 120
_YEAR = 364
_NEW_AFTER, _LEAST_SELLING_DAYS, _SKUS = 60, 3, 500
_LATE_SHARE = 0.05
_NIGHT = 0.7
"""Orders go out after closing and goods come before opening: a day's lead time is a night, as the rule measures it."""


@dataclass(frozen=True)
class Item:
    """One SKU of one store: what is asked for by day, and how its supplier delivers."""

    daily: Daily
    first_weekday: int
    leads: tuple[int, ...]
    lead: LeadTime
    terms: Terms
    order_weekdays: frozenset[int] = frozenset(range(7))
    group: str = ""
    """Store and category: goods that a new one may borrow from."""


def wholesaler(file: Path, seed: int = 5) -> list[Item]:
    """Return 500 SKUs of the public file: what was taken less what was cancelled on a day; 5 to 10 days to the goods."""
    sold: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    with gzip.open(file, "rt", encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["StockCode"][:5].isdigit() and float(row["UnitPrice"]) > 0:
                sold[row["StockCode"].upper()][datetime.fromisoformat(row["InvoiceDate"]).date()] += int(row["Quantity"])
    first = min(day for days in sold.values() for day in days)
    length = (max(day for days in sold.values() for day in days) - first).days + 1
    series = np.zeros((len(sold), length))
    for place, code in enumerate(sorted(sold)):
        for day, units in sold[code].items():
            series[place, (day - first).days] = max(units, 0)
    begun = (series[:, :_NEW_AFTER] > 0).any(axis=1) & ((series[:, :WARM_UP] > 0).sum(axis=1) >= _LEAST_SELLING_DAYS)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(np.flatnonzero(begun), _SKUS, replace=False)
    lead = LeadTime(7.5, 35 / 12, 50)
    return [Item(series[place], first.weekday(), tuple(rng.integers(5, 11, length).tolist()), lead, Terms()) for place in chosen]


def simulated(scale: float, stores: int = 3, days: int = WARM_UP + 2 * _YEAR, seed: int = 7) -> list[Item]:
    """Return every good of a simulated chain: the simulator's own rates and suppliers, with the luck of each day.

    Two years after the warm-up: what is set on one is tried on the other, and no season is in one of them alone.
    """
    options = SimulationOptions(seed=seed, stores=stores, days=days, start=date(2025, 3, 3), scale=scale)
    world, rng = World(options), np.random.default_rng(seed)
    share = np.array([good.share for good in world.goods])
    asked = np.zeros((stores, len(share), days))
    for number in range(days):
        day = world.calendar.day(number)
        for store in world.stores:
            offer = day.offers[store.number % 2 == 0]
            weights = share * np.array(offer.factors)
            units = expected_receipts(world, store, day) * LINES_A_RECEIPT * UNITS_A_LINE * rng.gamma(DAY_SHAPE, 1 / DAY_SHAPE)
            asked[store.number - 1, :, number] = rng.poisson(units * weights / weights.sum())
    return list(_items(world, asked, rng))


def _items(world: World, asked: np.ndarray, rng: np.random.Generator) -> Iterator[Item]:
    for store, goods in enumerate(asked):
        for good, daily in zip(world.goods, goods, strict=True):
            supplier = good.supplier
            late = rng.random(len(daily)) < _LATE_SHARE
            leads = tuple((supplier.lead_days + late).tolist())
            lead = LeadTime(supplier.lead_days + _LATE_SHARE - _NIGHT, _LATE_SHARE * (1 - _LATE_SHARE), 50)
            terms = Terms(pack=float(good.pack), order_weekdays=frozenset(supplier.weekdays))
            yield Item(daily, world.options.start.weekday(), leads, lead, terms, frozenset(supplier.weekdays), f"{store}/{good.category}")
