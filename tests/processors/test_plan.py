"""What a forecast comes to as levels: a point for each weekday on which an order may go out, how far it fills up, and why."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from statistics import mean

import numpy as np
import pytest

from contracts.policies.reorder_point import ReorderPointPolicy
from processors.rules.demand.backtest import achieved
from processors.rules.demand.forecast import Daily, forecast
from processors.rules.demand.plan import levelled, weekday_of
from processors.rules.demand.protection import LeadTime, Levels, Terms, levels
from processors.rules.rule import microseconds
from processors.rules.stock_rows import UNITS
from tests.processors.events import START

_LOW = Decimal("0.3")
LEAD = LeadTime(3.0, 1.44, 7)
POLICY = ReorderPointPolicy(mode="demand", level_smooth=_LOW, level_erratic=_LOW, level_intermittent=_LOW, level_lumpy=_LOW)
"""Levels so low that not everything is supplied."""
EVEN_DAYS: Daily = np.tile([0.0, 0.0, 7.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 0.0], 12)
"""A few sales, on weekdays that change: goods of which no weekday is known to differ."""
WEEKLY: Daily = np.tile([6.0, 7.0, 8.0, 9.0, 12.0, 24.0, 18.0], 20)
TUESDAY = 1


@pytest.mark.parametrize("days", range(7))
def test_a_weekday_is_that_of_the_calendar(days: int) -> None:
    """Also where the business date begins at another hour than the day of UTC."""
    midnight = START.replace(hour=0) + timedelta(days=days)
    assert weekday_of(microseconds(midnight), 0) == midnight.weekday()
    assert weekday_of(microseconds(midnight - timedelta(hours=9)), 9 * 3_600_000_000) == midnight.weekday()


def test_goods_without_weekdays_have_one_point() -> None:
    """The whole numbers of the state are those of the levels, and the basis says where they are from."""
    found = levelled(EVEN_DAYS, TUESDAY, LEAD, Terms(), POLICY)
    expected = forecast(EVEN_DAYS, (TUESDAY - len(EVEN_DAYS)) % 7)
    assert found is not None
    assert expected is not None
    assert expected.is_even
    reached = levels(expected, LEAD, Terms(), found.basis.service_level, 0)
    assert found.points == (round(reached.point * UNITS),) * 7
    assert found.batch == round((reached.up_to - reached.point) * UNITS) > 0
    basis = found.basis
    assert (basis.lead_days, basis.lead_deviation, basis.deliveries, basis.review_days) == (3.0, 1.2, 7, 1.0)
    assert basis.achieved == round(achieved(EVEN_DAYS.tolist(), reached, Terms(), LEAD.mean), 4)


@pytest.mark.parametrize("order_weekdays", [frozenset[int](), frozenset({0, 3})])
def test_each_weekday_has_the_point_of_the_days_until_the_next_goods(order_weekdays: frozenset[int]) -> None:
    """What a week sells is uneven, or orders go out on some days only; what was achieved is judged by the average week."""
    terms = replace(Terms(pack=6.0), order_weekdays=order_weekdays)
    found = levelled(WEEKLY, TUESDAY, LEAD, terms, POLICY)
    expected = forecast(WEEKLY, (TUESDAY - len(WEEKLY)) % 7)
    assert found is not None
    assert expected is not None
    reached = [levels(expected, LEAD, terms, found.basis.service_level, day) for day in range(7)]
    assert found.points == tuple(round(row.point * UNITS) for row in reached)
    assert len(set(found.points)) > 1
    assert found.batch == round((reached[0].up_to - reached[0].point) * UNITS)
    assert found.basis.review_days == (4.0 if order_weekdays else 1.0)
    average = Levels(mean(row.point for row in reached), mean(row.up_to for row in reached), 0.0, 0.0)
    assert found.basis.achieved == round(achieved(WEEKLY.tolist(), average, terms, LEAD.mean), 4)
    assert order_weekdays or found.basis.achieved < 1


def test_order_days_make_a_week_uneven_where_demand_is_not() -> None:
    """What is ordered on the last of them lasts until the goods of the next week."""
    found = levelled(EVEN_DAYS, TUESDAY, LEAD, Terms(order_weekdays=frozenset({0, 1})), POLICY)
    assert found is not None
    assert found.points[1] > found.points[0]
