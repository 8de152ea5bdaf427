"""What a customer takes to the till, drawn in one go, so that what goes wrong with it later changes no later customer."""

from collections.abc import Iterator
from math import exp
from random import Random
from typing import Literal, NamedTuple

from producers.simulator.business_day import BusinessDay, Offer
from producers.simulator.goods import GRAMS, RECEIPTS_A_DAY, Good
from producers.simulator.seasons import HOURS, WEEKDAYS
from producers.simulator.streams import stream
from producers.simulator.world import SimulatedStore, World

Undone = Literal["kept", "returned", "voided", "abandoned"]
RETURN_CHANCE, _VOID_CHANCE, _ABANDON_CHANCE, _BAG_CHANCE, _DISCOUNT_CHANCE = 0.01, 0.005, 0.004, 0.06, 0.03
_MEDIAN_DAYS, _SPREAD = 10.0, 1.54
"""A log-normal with which half of what comes back does so within 9 days and one in ten after 65, as with a wholesaler."""
HOUR_SHAPE, DAY_SHAPE = 20, 400
"""Gamma shapes of the luck of an hour and of a store's day. With them the days of a store stray by 9 percent once the chain's common
part is taken out, as those of 933 drugstores do, and hourly receipts vary about three times as much as a Poisson count."""


class Item(NamedTuple):
    """A line to be: a good, thousandths of its unit, and the discount in percent, with the promotion that gives it."""

    good: Good
    quantity: int
    percent: int = 0
    promotion_id: str | None = None
    free: bool = False


class Basket(NamedTuple):
    """Goods, and what chance has in store for them; `pay`, `till` and `cashier` are uniform numbers."""

    items: tuple[Item, ...]
    bag: bool
    pay: float
    till: float
    cashier: float
    undone: Undone
    after_days: float


def basket(rng: Random, offer: Offer) -> Basket:
    """Draw a customer."""
    random, demanded, promotions = rng.random, offer.demanded, offer.promotions
    many, size = random(), len(demanded)
    count = 1 if many < 0.45 else 2 if many < 0.73 else 3 if many < 0.88 else 4 if many < 0.96 else 5
    items = []
    for _ in range(count):
        good, much, lucky = demanded[int(random() * size)], random(), random() < _DISCOUNT_CHANCE
        quantity = (120 + int(much * 780)) if good.by_weight else GRAMS if much < 0.85 else 2 * GRAMS if much < 0.97 else 3 * GRAMS
        promotion = promotions.get(good.place)
        if promotion is not None:
            items.append(Item(good, quantity, promotion[1], promotion[0]))
        else:
            items.append(Item(good, quantity, 10 if lucky else 0))
    undone, days = _undone(random()), 0.0
    if undone == "returned":
        days = _MEDIAN_DAYS * exp(rng.gauss(0, _SPREAD))
    return Basket(tuple(items), random() < _BAG_CHANCE, random(), random(), random(), undone, days)


def _undone(chance: float) -> Undone:
    if chance < RETURN_CHANCE:
        return "returned"
    if chance < RETURN_CHANCE + _VOID_CHANCE:
        return "voided"
    return "abandoned" if chance < RETURN_CHANCE + _VOID_CHANCE + _ABANDON_CHANCE else "kept"


def expected_receipts(world: World, store: SimulatedStore, day: BusinessDay) -> float:
    """Return how many receipts a store has on average on such a day."""
    weekday = WEEKDAYS[store.neighbourhood][day.date.weekday()]
    return RECEIPTS_A_DAY * world.options.scale * store.footfall * weekday * day.trade


def customers(world: World, store: SimulatedStore, day: BusinessDay) -> Iterator[float]:
    """Yield when customers come to the till: seconds of the day, in order; more or fewer on some days and in some hours."""
    rng = stream(world.options.seed, "customers", store.number, day.number)
    hours = range(store.opens, store.closes)
    shape = [HOURS[store.neighbourhood][hour % 24] for hour in hours]
    expected = expected_receipts(world, store, day) * rng.gammavariate(DAY_SHAPE, 1 / DAY_SHAPE) / sum(shape)
    for hour, share in zip(hours, shape, strict=True):
        rate = expected * share * rng.gammavariate(HOUR_SHAPE, 1 / HOUR_SHAPE)
        since = rng.expovariate(rate)
        while since < 1:
            yield (hour + since) * 3600
            since += rng.expovariate(rate)
