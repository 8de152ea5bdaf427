"""Whether the simulated chain looks like trade: figures of its receipts beside those measured on real data.

`MEASURED` are figures of public data sets: the receipts of a coffee chain (variance to mean) and the returns of a wholesaler. Where
the wholesaler's file is here, its own are computed from it. What does not match is asserted too, so that the guide stays true.

How much the days of a store stray is taken from 933 drugstores by what can be told of it: the share of injected drops that one and the
same detector finds at one false alert in a hundred store-days (`DROPS_FOUND`, without and with the chain's median of the day).
"""

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from statistics import mean, median, quantiles, variance

import numpy as np
import pytest
from numpy.typing import NDArray

from producers.simulator.baskets import customers
from producers.simulator.generate import generate
from producers.simulator.options import SimulationOptions
from producers.simulator.world import World

MEASURED = {"dispersion, coffee chain": 4.6, "dispersion, wholesaler": 2.1, "linked returns": 0.84, "days to return": 9.0}
DROPS_FOUND = {"alone": {0.15: 0.14, 0.25: 0.46, 0.4: 0.89}, "with its chain": {0.15: 0.20, 0.25: 0.64, 0.4: 0.96}}
WEEKS, SETTLED_DAYS, FIRST_JUDGED = 8, 100, 84


@dataclass
class Trade:
    """Receipts by place and hour, their lines, and what came back."""

    hourly: Counter[tuple[str, date, int]] = field(default_factory=Counter)
    days: set[tuple[str, date]] = field(default_factory=set)
    lines: list[int] = field(default_factory=list)
    repeated_lines: int = 0
    returns: int = 0
    returned_after: list[float] = field(default_factory=list)

    def ring(self, store: str, at: datetime, lines: Iterable[object]) -> None:
        """Take a receipt."""
        rows = Counter(lines)
        self.hourly[store, at.date(), at.hour] += 1
        self.days.add((store, at.date()))
        self.lines.append(sum(rows.values()))
        self.repeated_lines += sum(rows.values()) - len(rows)

    def dispersion(self, hours: range) -> list[float]:
        """Return variance over mean of the receipts of an hour, for every store, weekday and hour that has five on average."""
        groups = defaultdict(list)
        for store, day in self.days:
            for hour in hours:
                groups[store, day.weekday(), hour].append(self.hourly[store, day, hour])
        return [variance(row) / mean(row) for row in groups.values() if len(row) >= 4 and mean(row) >= 5]

    def share(self, of: Iterable[tuple[str, date, int]]) -> float:
        """Return the share of all receipts that some hours have."""
        return sum(self.hourly[place] for place in of) / sum(self.hourly.values())


@cache
def simulated(stores: int, days: int, scale: float) -> Trade:
    """Simulate with the usual troubles and tally the trade; a return may arrive before its sale, so they are matched at the end."""
    trade, sold, returned = Trade(), {}, []
    options = SimulationOptions(seed=3, stores=stores, days=days, scale=scale, start=date(2026, 4, 6), ticks=False)
    settled = options.start + timedelta(days=SETTLED_DAYS)
    for record in generate(options):
        event, at = record.event, record.event.envelope.occurred_at
        if record.repeat:
            continue
        if event.type == "sale.completed.v1":
            trade.ring(event.store_id, at, [(row.sku, row.quantity, row.discount) for row in event.data.lines if row.kind == "item"])
            sold[event.id] = at
        elif event.type == "sale.returned.v1" and at.date() >= settled:
            trade.returns += 1
            returned.append((event.data.original_event_id, at))
    trade.returned_after = [(at - sold[sale]) / timedelta(days=1) for sale, at in returned if sale is not None]
    return trade


def usual_trade() -> Trade:
    """Four weeks of two stores: enough for all that is asked of it."""
    return simulated(2, 28, 1.0)


@cache
def wholesaler(file: Path) -> Trade:
    """Read the invoices of the public file, without its cancellations and write-offs."""
    trade, invoices = Trade(), defaultdict[str, list[dict[str, str]]](list)
    with gzip.open(file, "rt", encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            if row["InvoiceNo"].isdigit() and int(row["Quantity"]) > 0 and float(row["UnitPrice"]) > 0:
                invoices[row["InvoiceNo"]].append(row)
    for lines in invoices.values():
        goods = [(row["StockCode"], row["Quantity"], row["UnitPrice"]) for row in lines]
        trade.ring("wholesaler", datetime.fromisoformat(lines[0]["InvoiceDate"]), goods)
    return trade


@cache
def strays(stores: int, days: int) -> NDArray[np.float64]:
    """Return by store how far each day is from the median of its last eight like days (weekday, promotion), as logarithms of net sales.

    The customers are the simulator's; what they spend strays by 0.8 of its mean. March to September, without holidays.
    """
    world = World(SimulationOptions(seed=3, stores=stores, days=days, start=date(2026, 3, 2)))
    rng, shape = np.random.default_rng(3), (stores, days)
    count, promoted = np.zeros(shape), np.zeros(shape, np.bool_)
    for number in range(days):
        day = world.calendar.day(number)
        for store in world.stores:
            count[store.number - 1, number] = sum(1 for _ in customers(world, store, day))
            promoted[store.number - 1, number] = bool(day.offers[store.number % 2 == 0].promotions)
    level = np.log(count * (1 + rng.normal(0, 0.8, shape) / np.sqrt(count)))
    found = np.zeros((stores, days - FIRST_JUDGED))
    for store, day in np.ndindex(found.shape):
        today = day + FIRST_JUDGED
        like = [past for past in range(today - 7, -1, -7) if promoted[store, past] == promoted[store, today]][:8]
        found[store, day] = level[store, today] - np.median(level[store, like])
    return found


def found_of(strays: NDArray[np.float64], drop: float) -> float:
    """Return the share of days with a drop that are below what one day in a hundred is without one."""
    return float(np.mean(strays + np.log(1 - drop) < np.quantile(strays, 0.01)))


def test_drops_are_as_hard_to_find_as_in_933_drugstores() -> None:
    """One detector finds what it finds there, within six points, with the chain's common part and without it: luck is as large."""
    alone = strays(40, 196)
    with_its_chain = alone - np.median(alone, axis=0)

    for drop in (0.15, 0.25):
        assert abs(found_of(alone, drop) - DROPS_FOUND["alone"][drop]) < 0.06
        assert abs(found_of(with_its_chain, drop) - DROPS_FOUND["with its chain"][drop]) < 0.06


def test_no_simulated_day_is_as_odd_as_the_oddest_of_real_ones() -> None:
    """Drops of 40 percent are found a little more often than there: nothing odd happens to a shop that is not asked for."""
    alone = strays(40, 196)

    assert DROPS_FOUND["alone"][0.4] < found_of(alone, 0.4)
    assert DROPS_FOUND["with its chain"][0.4] < found_of(alone - np.median(alone, axis=0), 0.4)


@pytest.mark.long
def test_hourly_receipts_vary_as_those_of_a_coffee_chain_and_more_than_a_poisson_count() -> None:
    """Variance over mean is from 2 to 6 for stores of medium size, on average and in the middle, with a long tail like the real one."""
    found = simulated(4, 7 * WEEKS, 1.0).dispersion(range(8, 23))

    assert 2 < median(found) < mean(found) < 6
    assert abs(mean(found) - MEASURED["dispersion, coffee chain"]) < 1.5
    assert 4 < quantiles(found, n=10)[-1] < 14


@pytest.mark.real_data
def test_hourly_receipts_vary_more_than_those_of_the_wholesaler(real_data: Path) -> None:
    """The file's invoices come at 2.1 times a Poisson count or a little less; a shop has more of a shared mood."""
    found = wholesaler(real_data / "online_retail.csv.gz").dispersion(range(9, 18))

    assert abs(mean(found) - MEASURED["dispersion, wholesaler"]) < 0.4
    assert mean(found) < mean(usual_trade().dispersion(range(8, 23)))


def test_baskets_are_those_of_a_convenience_store() -> None:
    """Two lines on average, almost half of one line, never more than five of goods and one given away."""
    lines = usual_trade().lines

    assert 1.9 < mean(lines) < 2.1
    assert 0.4 < lines.count(1) / len(lines) < 0.5
    assert max(lines) <= 6


@pytest.mark.real_data
def test_baskets_are_not_those_of_the_wholesaler(real_data: Path) -> None:
    """His invoices have 15 lines in the middle and 27 on average: a simulation says nothing about long receipts."""
    real = wholesaler(real_data / "online_retail.csv.gz").lines

    assert (median(real), round(mean(real))) == (15, 27)
    assert max(usual_trade().lines) < median(real)


def test_equal_lines_on_one_receipt_occur_and_are_legal() -> None:
    """Some two in a hundred lines repeat another of their receipt: content never tells a duplicate."""
    trade = usual_trade()

    assert 0.005 < trade.repeated_lines / sum(trade.lines) < 0.04


@pytest.mark.real_data
def test_the_wholesaler_repeats_lines_too(real_data: Path) -> None:
    """About one in a hundred of his; the simulation has the case more often, not less."""
    real, trade = wholesaler(real_data / "online_retail.csv.gz"), usual_trade()

    assert 0.005 < real.repeated_lines / sum(real.lines) < trade.repeated_lines / sum(trade.lines)


def test_hours_and_weekdays_have_the_shape_of_a_neighbourhood() -> None:
    """A peak at noon and a higher one in the evening, little at night; Fridays above Mondays, by a fifth at most."""
    trade = usual_trade()
    hours = {hour: trade.share(place for place in trade.hourly if place[2] == hour) for hour in range(24)}
    weekdays = Counter[int]()
    for (_, day, _), count in trade.hourly.items():
        weekdays[day.weekday()] += count

    assert hours[12] > 1.3 * hours[10]
    assert max(hours, key=lambda hour: hours[hour]) in {12, 17, 18, 19}
    assert sum(hours[hour] for hour in range(6)) < 0.05
    assert 1.0 < weekdays[4] / weekdays[0] < 1.3


@pytest.mark.real_data
def test_the_wholesaler_keeps_office_hours_and_a_chain_does_not(real_data: Path) -> None:
    """He sells nothing on Saturdays and nothing in the evening: shapes of hours cannot be compared, only that there are any."""
    real, trade = wholesaler(real_data / "online_retail.csv.gz"), usual_trade()

    assert {day.weekday() for _, day in real.days} == {0, 1, 2, 3, 4, 6}
    assert real.share(place for place in real.hourly if place[2] >= 18) < 0.03
    assert trade.share(place for place in trade.hourly if place[2] >= 18) > 0.3


@pytest.mark.long
def test_returns_come_as_late_and_as_often_linked_as_measured() -> None:
    """Once the first sales are old enough: 84 percent name their sale, and half of those come within 9 days, some after two months."""
    trade = simulated(1, SETTLED_DAYS + 60, 1.0)

    assert trade.returns > 200
    assert abs(len(trade.returned_after) / trade.returns - MEASURED["linked returns"]) < 0.06
    assert abs(median(trade.returned_after) - MEASURED["days to return"]) < 3.5
    assert max(trade.returned_after) > 60
