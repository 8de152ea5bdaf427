"""Hourly sales of chains to judge detectors by: simulated from the simulator's own rate model, and real ones."""

import csv
import gzip
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from producers.simulator.baskets import DAY_SHAPE, HOUR_SHAPE, expected_receipts
from producers.simulator.business_day import BusinessDay
from producers.simulator.goods import LINES_A_RECEIPT, UNITS_A_LINE
from producers.simulator.options import SimulationOptions
from producers.simulator.seasons import HOURS
from producers.simulator.world import World

Totals = NDArray[np.int64]
_CUT_OFF = 4
_BASKET_SPREAD = 0.8
"""Standard deviation of a receipt ÷ its mean."""


@dataclass
class Chain:
    """Net sales and receipts by store, day and hour of the business date; `rate` is the true expectation where it is known."""

    net: Totals
    receipts: Totals
    promoted: NDArray[np.bool_]
    rate: NDArray[np.float64] | None = None
    invoices: dict[tuple[int, int], list[tuple[int, int]]] = field(default_factory=dict)

    @property
    def stores(self) -> int:
        """How many stores."""
        return len(self.net)

    @property
    def days(self) -> int:
        """How many days."""
        return len(self.net[0])

    def without(self, rng: np.random.Generator, store: int, day: int, share: float) -> tuple[Totals, Totals]:
        """Return a day's hours of a store as they are when a share of its customers stays away."""
        if self.invoices:
            net, receipts = np.zeros(24, np.int64), np.zeros(24, np.int64)
            for hour, amount in self.invoices.get((store, day), []):
                if rng.random() >= share:
                    net[hour] += amount
                    receipts[hour] += 1
            return net, receipts
        before = self.receipts[store, day]
        after = rng.binomial(before, 1 - share)
        return (self.net[store, day] * (after / np.maximum(before, 1))).astype(np.int64), after


def simulated(stores: int, days: int, seed: int, day_shape: int | Sequence[int] = DAY_SHAPE) -> Chain:
    """Draw a chain's hours as the simulator draws its customers; `day_shape` is the gamma shape of the luck of a store's day, or each's."""
    day_shapes = [day_shape] * stores if isinstance(day_shape, int) else day_shape
    world = World(SimulationOptions(seed=seed, stores=stores, days=days, start=date(2025, 3, 3)))
    rng = np.random.default_rng(seed)
    shape = (stores, days, 24)
    chain = Chain(np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape[:2], np.bool_), np.zeros(shape))
    assert chain.rate is not None
    for number in range(days):
        day = world.calendar.day(number)
        prices = [_receipt_value(day, even) for even in (False, True)]
        for store in world.stores:
            hours = np.arange(store.opens, store.closes)
            share = np.array([HOURS[store.neighbourhood][hour % 24] for hour in hours], np.float64)
            expected = expected_receipts(world, store, day) * share / share.sum()
            luck = day_shapes[store.number - 1]
            lucky = expected * rng.gamma(luck, 1 / luck) * rng.gamma(HOUR_SHAPE, 1 / HOUR_SHAPE, len(hours))
            count, price = rng.poisson(lucky), prices[store.number % 2 == 0]
            value = price * np.maximum(0.05, 1 + rng.normal(0, _BASKET_SPREAD, len(hours)) / np.sqrt(np.maximum(count, 1)))
            place = store.number - 1, number, hours - _CUT_OFF
            chain.receipts[place], chain.net[place], chain.rate[place] = count, (count * value).astype(np.int64), expected
            chain.promoted[place[:2]] = bool(day.offers[store.number % 2 == 0].promotions)
    return chain


def _receipt_value(day: BusinessDay, even: bool) -> float:
    offer = day.offers[even]
    prices = [good.price * (1 - offer.promotions.get(good.place, ("", 0))[1] / 100) for good in offer.demanded[::8]]
    return float(np.mean(prices)) * LINES_A_RECEIPT * UNITS_A_LINE


def data_file(name: str) -> Path | None:
    """Return a file of the real data, None where it is not here."""
    named = os.environ.get("TILLSTREAM_REAL_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[3] / "shared" / "data"
    return folder / name if (folder / name).exists() else None


def wholesaler(file: Path, stores: int) -> Chain:
    """Read the public file of a wholesaler, its invoices dealt out to so many stores by their numbers."""
    invoices: dict[str, tuple[datetime, int]] = {}
    with gzip.open(file, "rt", encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            pence = round(int(row["Quantity"]) * float(row["UnitPrice"]) * 100)
            if pence > 0:
                at, sum_before = invoices.get(row["InvoiceNo"], (datetime.fromisoformat(row["InvoiceDate"]), 0))
                invoices[row["InvoiceNo"]] = at, sum_before + pence
    first = min(at for at, _ in invoices.values()).date()
    days = (max(at for at, _ in invoices.values()).date() - first).days + 1
    shape = (stores, days, 24)
    chain = Chain(np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape[:2], np.bool_))
    for name, (at, amount) in invoices.items():
        store, day = blake2b(name.encode(), digest_size=8).digest()[0] % stores, (at.date() - first).days
        chain.net[store, day, at.hour] += amount
        chain.receipts[store, day, at.hour] += 1
        chain.invoices.setdefault((store, day), []).append((at.hour, amount))
    return chain
