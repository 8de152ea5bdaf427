"""Which promotions run when: two in every fortnight, one of them in half of the stores, with a dip of demand after each."""

from dataclasses import dataclass
from datetime import date, timedelta

from producers.simulator.goods import Good
from producers.simulator.options import SimulationOptions
from producers.simulator.streams import stream

ANNOUNCED_DAYS = 2
_FORTNIGHT = 14
_EPOCH = date(2024, 1, 1)
"""Fortnights are counted from a Monday, so that a promotion does not depend on when the simulation begins."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """Lower prices of some goods from a day until before another; in every store, or in those of even number."""

    promotion_id: str
    name: str
    first: date
    until: date
    percent: int
    uplift: float
    goods: tuple[Good, ...]
    even_stores_only: bool

    def factor(self, day: date) -> float:
        """Return what it does to the demand of its goods on a day."""
        if self.first <= day < self.until:
            return self.uplift
        dip = timedelta(days=max(2, (self.until - self.first).days // 2))
        return 0.75 if self.until <= day < self.until + dip else 1.0

    def is_on(self, day: date) -> bool:
        """Tell whether its prices hold on a day."""
        return self.first <= day < self.until


def promotions_around(options: SimulationOptions, goods: tuple[Good, ...], day: date) -> list[Promotion]:
    """Return the promotions of the fortnight of a day and of the one before it."""
    number = (day - _EPOCH).days // _FORTNIGHT
    return [row for fortnight in (number - 1, number) for row in promotions_of(options, goods, fortnight)]


def promotions_of(options: SimulationOptions, goods: tuple[Good, ...], fortnight: int) -> list[Promotion]:
    """Return the two promotions of a fortnight."""
    rng = stream(options.seed, "promotions", fortnight)
    begin = _EPOCH + timedelta(days=fortnight * _FORTNIGHT)
    found = []
    for number, even_only in enumerate((False, True)):
        first = begin + timedelta(days=rng.randrange(7))
        percent = rng.choice((10, 20, 30))
        chosen = tuple(rng.sample([good for good in goods if not good.by_weight], rng.randrange(3, 7)))
        found.append(
            Promotion(
                promotion_id=f"P-{begin:%Y%m%d}-{number + 1}",
                name=f"{percent} percent off {chosen[0].name} and more",
                first=first,
                until=first + timedelta(days=rng.randrange(4, 8)),
                percent=percent,
                uplift=round(1 + percent / 100 * rng.uniform(3, 6), 3),
                goods=chosen,
                even_stores_only=even_only,
            )
        )
    return found


def promotions_within(options: SimulationOptions, goods: tuple[Good, ...], first: date, until: date) -> list[Promotion]:
    """Return the promotions that run on any day from `first` until before `until`."""
    begin, end = (first - _EPOCH).days // _FORTNIGHT - 1, (until - _EPOCH).days // _FORTNIGHT
    rows = (row for number in range(begin, end + 1) for row in promotions_of(options, goods, number))
    return [row for row in rows if row.first < until and row.until > first]
