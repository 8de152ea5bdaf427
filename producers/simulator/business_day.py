"""A business date of the chain: its moments, and what is asked for on it. Shared by all stores and dropped when all have passed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from contracts.business_time import business_date, in_zone
from producers.simulator.goods import Good
from producers.simulator.options import SimulationOptions
from producers.simulator.promotions import promotions_around
from producers.simulator.seasons import category_factor, holiday_factor, month_factor
from producers.simulator.streams import stream

_SLOTS = 4096
_WEATHER_SHAPE = 300
"""Gamma shape of what a day is like for all stores: 6 percent, which is what drugstores have in common."""
_DAY, _NOON = 86_400, 43_200


@dataclass(frozen=True, slots=True)
class Offer:
    """What a group of stores sells on a day: goods in proportion to their demand, and the discounts of promotions by place."""

    demanded: tuple[Good, ...]
    promotions: Mapping[int, tuple[str, int]]
    factors: tuple[float, ...]


class BusinessDay:
    """Day `number` of a simulation. Seconds are counted from its midnight and may be above 24 hours.

    Where the clocks change they are counted from noon backwards and forwards, so that they go on without a gap or a repeat.
    """

    def __init__(self, options: SimulationOptions, goods: tuple[Good, ...], number: int) -> None:
        self._options = options
        self.number = number
        self.date = options.start + timedelta(days=number)
        self.label = f"{self.date:%Y%m%d}"
        weather = stream(options.seed, "weather", number).gammavariate(_WEATHER_SHAPE, 1 / _WEATHER_SHAPE)
        self.trade = month_factor(self.date) * holiday_factor(self.date, options.country) * weather
        self.offers = tuple(_offer(options, goods, self.date, even) for even in (False, True))
        self._from, self._until = options.cut_off_hour * 3600, options.cut_off_hour * 3600 + _DAY
        self._noon = local_moment(self.date, time(12), options.timezone)
        begin, end = self._slow(0), self._slow(2 * _DAY)
        self._midnight = begin if begin.utcoffset() == end.utcoffset() else None

    def moment(self, seconds: float) -> datetime:
        """Return a moment with the local offset, to the millisecond."""
        if self._midnight is not None:
            return self._midnight + timedelta(milliseconds=int(seconds * 1000))
        return self._slow(seconds)

    def date_at(self, seconds: float) -> date:
        """Return the business date of a moment, which is another one after the cut-off."""
        if self._midnight is not None and self._from <= seconds < self._until:
            return self.date
        return business_date(self.moment(seconds), self._options.timezone, self._options.cut_off_hour)

    def _slow(self, seconds: float) -> datetime:
        elapsed = timedelta(milliseconds=int(seconds * 1000) - _NOON * 1000)
        return _with_fixed_offset((self._noon.astimezone(UTC) + elapsed), self._options.timezone)


def local_moment(day: date, at: time, zone: str) -> datetime:
    """Return the moment of a local date and time, with its offset."""
    return _with_fixed_offset(datetime.combine(day, at, ZoneInfo(zone)), zone)


def _with_fixed_offset(moment: datetime, zone: str) -> datetime:
    """Return a moment with the offset that is in force, not with the zone: sums of zoned times would be sums of wall clocks."""
    offset = in_zone(moment, zone).utcoffset()
    return moment.astimezone(timezone(offset or timedelta()))


def _offer(options: SimulationOptions, goods: tuple[Good, ...], day: date, even: bool) -> Offer:
    """Work out the goods of a day as a table of which a uniform number picks one."""
    running = [row for row in promotions_around(options, goods, day) if even or not row.even_stores_only]
    factors = [category_factor(good.category, day) for good in goods]
    for promotion in running:
        for good in promotion.goods:
            factors[good.place] *= promotion.factor(day)
    weights = [good.share * factor for good, factor in zip(goods, factors, strict=True)]
    table: list[Good] = []
    total, reached = sum(weights), 0.0
    for good, weight in zip(goods, weights, strict=True):
        reached += weight / total
        table += [good] * (round(reached * _SLOTS) - len(table))
    discounts = {good.place: (row.promotion_id, row.percent) for row in running if row.is_on(day) for good in row.goods}
    return Offer(tuple(table), discounts, tuple(factors))


class Calendar:
    """The business days of a simulation; keeps the few that stores are in just now."""

    def __init__(self, options: SimulationOptions, goods: tuple[Good, ...]) -> None:
        self._options, self._goods = options, goods
        self._days: dict[int, BusinessDay] = {}

    def day(self, number: int) -> BusinessDay:
        """Return a day by its number from 0."""
        if number not in self._days:
            self._days[number] = BusinessDay(self._options, self._goods, number)
            self._days.pop(number - 4, None)
        return self._days[number]

    def start(self, number: int) -> datetime:
        """Return when a business date begins."""
        return self.day(number).moment(self._options.cut_off_hour * 3600)
