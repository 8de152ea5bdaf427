"""The levels of a SKU that follow its demand: worked out at each closing, held as whole numbers, judged at each event. Pure."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from contracts.events.reference import SkuDefined, SupplierDefined
from contracts.policies.reorder_point import ReorderPointPolicy
from processors.rules.demand.backtest import achieved
from processors.rules.demand.borrowing import borrowed
from processors.rules.demand.forecast import Daily, Forecast, forecast
from processors.rules.demand.protection import LeadTime, Levels, Terms, levels
from processors.rules.stock_rows import UNITS

DAY = 86_400_000_000
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Basis(msgspec.Struct, frozen=True, array_like=True):
    """What the levels were worked out from."""

    rate: float
    growth: float
    demand_class: str
    days: int
    lead_days: float
    lead_deviation: float
    deliveries: int
    review_days: float
    service_level: float
    achieved: float
    borrowed: float = 0.0


class Levelled(msgspec.Struct, frozen=True, array_like=True):
    """A point for each weekday (0 is Monday) on which an order may go out, how much above it an order fills up, and why."""

    points: tuple[int, ...]
    batch: int
    basis: Basis


def weekday_of(moment: int, shift: int) -> int:
    """Return the weekday of the business date of a moment; `shift` as at the last closing."""
    return ((moment + shift) // DAY + 3) % 7


def terms_of(policy: ReorderPointPolicy, sku: SkuDefined | None, supplier: SupplierDefined | None) -> Terms:
    """Return what goods, supplier and policy allow."""
    return Terms(
        pack=float(sku.pack_size) if sku else 1.0,
        review_days=float(policy.review_days),
        counted=sku is None or sku.unit == "piece",
        least_order=float(policy.least_order),
        most_order=float(policy.most_order) if policy.most_order is not None else None,
        most_days=float(sku.shelf_life_days) if sku and sku.shelf_life_days else None,
        order_weekdays=frozenset(_WEEKDAYS.index(name) for name in supplier.order_weekdays) if supplier else frozenset(),
    )


def service_level(policy: ReorderPointPolicy, demand_class: str) -> float:
    """Return the policy's level for a class of demand."""
    by_class = {
        "smooth": policy.level_smooth,
        "erratic": policy.level_erratic,
        "intermittent": policy.level_intermittent,
        "lumpy": policy.level_lumpy,
    }
    return float(by_class[demand_class])


def levelled(
    daily: Daily,
    weekday: int,
    lead: LeadTime,
    terms: Terms,
    policy: ReorderPointPolicy,
    alike: Callable[[], Sequence[Forecast]] = tuple,
) -> Levelled | None:
    """Return the levels after the last day of the series, whose next weekday is given; None where too little is known.

    `alike` gives the forecasts of goods that a young SKU borrows from; where the policy has a fixed point, that one is used meanwhile.
    """
    if int((~np.isnan(daily)).sum()) >= policy.min_history_days:
        expected = forecast(daily, (weekday - len(daily)) % 7)
    else:
        expected = None if policy.reorder_point else borrowed(daily, alike())
    if expected is None:
        return None
    level = service_level(policy, expected.demand_class)
    is_even = expected.is_even and not terms.order_weekdays
    reached = [levels(expected, lead, terms, level, 0)] * 7 if is_even else [levels(expected, lead, terms, level, day) for day in range(7)]
    mean = Levels(_mean([row.point for row in reached]), _mean([row.up_to for row in reached]), reached[0].mean, reached[0].deviation)
    known = daily[~np.isnan(daily)].tolist()
    basis = Basis(
        round(expected.rate, 4),
        round(expected.growth, 3),
        expected.demand_class,
        expected.days,
        round(lead.mean, 3),
        round(lead.variance**0.5, 3),
        lead.observed,
        max(map(terms.review_from, terms.order_weekdays or (0,))),
        level,
        round(achieved(known, mean, terms, lead.mean), 4),
        round(expected.borrowed, 3),
    )
    points = tuple(round(row.point * UNITS) for row in reached)
    return Levelled(points, round((reached[0].up_to - reached[0].point) * UNITS), basis)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
