"""Which cashiers stand out, on a business date or in four weeks of them: counts against those of the store's other cashiers. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from processors.rules.fraud import tails
from processors.rules.fraud.day_summaries import Day
from processors.rules.fraud.deeds import DISCOUNT, MEASURES, Deed
from processors.rules.fraud.tails import SURPRISING, Floats

WINDOW_DAYS = 28
_WINDOW_SPREAD = 0.3


@dataclass(frozen=True, slots=True)
class Stray:
    """A cashier whose counts are unlikely: how unlikely, by which measures, and the deeds that they are made of."""

    cashier: str
    probability: float
    measures: tuple[int, ...]
    counts: tuple[int, ...]
    expected: tuple[float, ...]
    receipts: int
    taken: int
    deeds: tuple[Deed, ...]

    @property
    def at_risk(self) -> int:
        """Return the money that the surprising deeds paid back or gave away."""
        return sum(deed.amount for deed in self.deeds if deed.measure in self.measures)

    @property
    def surprising(self) -> int:
        """Return how many deeds are surprising; of discounts all are counted, though few are named."""
        return sum(self.counts[measure] for measure in self.measures)


@dataclass(frozen=True, slots=True)
class Table:
    """Cashier-days as arrays: day, cashier, receipts, counts by measure, takings."""

    day: tuple[int, ...]
    cashier: tuple[str, ...]
    receipts: Floats
    counts: Floats
    taken: tuple[int, ...]

    def rows(self, first: int, last: int, cashier: str | None = None, but: str | None = None) -> list[int]:
        """Return the numbers of the rows of some days, of one cashier or of all but one."""
        return [
            number
            for number, day in enumerate(self.day)
            if first <= day <= last and cashier in {None, self.cashier[number]} and self.cashier[number] != but
        ]


def table_of(days: Mapping[int, Day], without: frozenset[tuple[int, str]] = frozenset()) -> Table:
    """Put the tallies of days side by side; `without` are days and cashiers to leave out."""
    found = [(day, each) for day in sorted(days) for each in days[day].tallies if (day, each.cashier) not in without]
    counts = np.array([each.counts for _, each in found], dtype=float).reshape(len(found), len(MEASURES))
    return Table(
        tuple(day for day, _ in found),
        tuple(each.cashier for _, each in found),
        np.array([each.receipts for _, each in found], dtype=float),
        counts,
        tuple(each.taken for _, each in found),
    )


def strays_of_day(day: int, table: Table, done: Sequence[Deed]) -> list[Stray]:
    """Judge each cashier of a day by the cashier's own past, drawn to the peers' past."""
    found = []
    for number in table.rows(day, day):
        if not table.counts[number].any():
            continue
        cashier, receipts = table.cashier[number], float(tails.exposed(table.receipts[number]))
        others = table.rows(day - WINDOW_DAYS, day - 1, but=cashier)
        own = table.rows(day - WINDOW_DAYS, day - 1, cashier)
        peers = tails.peers_of(table.counts[others], table.receipts[others])
        past = float(tails.exposed(table.receipts[own]).sum())
        mean = tails.own_rate(peers, table.counts[own].sum(axis=0), past) * receipts
        found.append(_stray(cashier, table, [number], mean, peers.shape, done))
    return found


def strays_of_window(last: int, table: Table, done: Iterable[Deed]) -> list[Stray]:
    """Judge each cashier's four weeks by those of the peers alone: a habit is no excuse."""
    first = last - WINDOW_DAYS + 1
    people = sorted({table.cashier[number] for number in table.rows(first, last)})
    totals = {person: table.rows(first, last, person) for person in people}
    deeds_of: dict[str, list[Deed]] = {}
    for deed in done:
        deeds_of.setdefault(deed.cashier, []).append(deed)
    found = []
    for person in people:
        others = [totals[other] for other in people if other != person]
        if not others or not table.counts[totals[person]].any():
            continue
        counts = np.array([table.counts[rows].sum(axis=0) for rows in others])
        receipts = np.array([tails.exposed(table.receipts[rows]).sum() for rows in others])
        peers = tails.peers_of(counts, receipts, _WINDOW_SPREAD)
        mean = peers.rate * float(tails.exposed(table.receipts[totals[person]]).sum())
        found.append(_stray(person, table, totals[person], mean, peers.shape, deeds_of.get(person, [])))
    return found


def _stray(cashier: str, table: Table, rows: Sequence[int], mean: Floats, shape: Floats, done: Iterable[Deed]) -> Stray:
    counts = table.counts[list(rows)].sum(axis=0)
    each = tails.tails(counts, mean, shape)
    surprising = tuple(int(measure) for measure in np.flatnonzero(each <= SURPRISING))
    return Stray(
        cashier,
        tails.combined(each),
        surprising,
        tuple(int(count) for count in counts),
        tuple(round(float(expected), 2) for expected in mean),
        int(table.receipts[list(rows)].sum()),
        sum(table.taken[row] for row in rows),
        tuple(deed for deed in done if deed.cashier == cashier and (deed.measure != DISCOUNT or DISCOUNT in surprising)),
    )
