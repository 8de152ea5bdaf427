"""Which goods a store has in a category, as state: whom a young SKU may borrow from. Pure, any order of arrival."""

from collections.abc import Iterable, Sequence

from contracts.events.reference import SkuDefined
from processors.rules.demand.days import DEMAND, Demand, daily
from processors.rules.demand.forecast import Forecast, forecast
from processors.rules.rule import Entity, Kind, State, View

_KEPT = 24
"""So many goods tell enough of a category, and are read for each young SKU once a week."""
_LIVELY_DAYS = 84
"""Goods that have not sold for so long are not like those that are new."""
_THURSDAY = 3
"""The weekday of day 0."""


class Assortment(State, frozen=True, array_like=True):
    """The goods of a category that were seen for the first time last, the newest at the end."""

    skus: tuple[str, ...] = ()


ASSORTMENT = Kind("assortment", Assortment, 1, 1)


def list_of(category: str) -> Entity:
    """Return the list of a category; its text may hold the sign that separates the parts of a key."""
    return Entity(ASSORTMENT, category.replace("|", "/"))


def with_goods(known: Assortment, skus: Iterable[str]) -> Assortment:
    """Add goods that are seen for the first time."""
    new = [sku for sku in skus if sku not in known.skus]
    return Assortment((*known.skus, *new)[-_KEPT:]) if new else known


def alike(goods: SkuDefined | None, least_days: int, view: View) -> Sequence[Forecast]:
    """Return what is expected of the other goods of a category, of which at least so many days are known and which still sell."""
    if goods is None or goods.category is None:
        return ()
    known = view.state(list_of(goods.category))
    others = known.skus if isinstance(known, Assortment) else ()
    states = (view.state(Entity(DEMAND, sku)) for sku in others if sku != goods.sku)
    found = (_expected(state, least_days) for state in states if isinstance(state, Demand))
    return [each for each in found if each is not None]


def _expected(known: Demand, least_days: int) -> Forecast | None:
    if known.first_day is None or known.until - known.first_day < least_days:
        return None
    series = daily(known)
    if not (series[-_LIVELY_DAYS:] > 0).any():
        return None
    return forecast(series, (known.until - len(series) + _THURSDAY) % 7)
