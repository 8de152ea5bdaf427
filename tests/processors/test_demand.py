"""Demand and its levels: the quantiles are scipy.stats', the estimates those of demand that is known, the walk adds up."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import repeat
from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from contracts.events.reference import SkuDefined
from processors.rules.demand.alike import Assortment, alike, list_of, with_goods
from processors.rules.demand.backtest import achieved, walk
from processors.rules.demand.borrowing import borrowed
from processors.rules.demand.days import DEMAND, Demand, close, daily
from processors.rules.demand.forecast import Forecast, demand_class, forecast
from processors.rules.demand.intermittent import SIZE_HALF_LIFE, rare_demand
from processors.rules.demand.lead_times import lead_time
from processors.rules.demand.memory import remembered
from processors.rules.demand.protection import LeadTime, Levels, Terms, levels, order_quantity, quantile
from processors.rules.on_hand import Stock
from processors.rules.rule import Entity, State
from processors.rules.stock_rows import UNITS, packed
from tests.examples import examples

EVEN = (1.0,) * 7
STEADY = Forecast(4.0, 4.0, 1.0, "smooth", 200, 190, EVEN)


@settings(max_examples=examples(150))
@given(st.floats(0.5, 0.9995), st.floats(0.05, 500), st.floats(0.3, 30))
def test_quantiles_are_those_of_the_gamma_distribution(probability: float, mean: float, ratio: float) -> None:
    """For whatever sells: by its mean and its variance."""
    variance = mean * ratio
    expected = stats.gamma.ppf(probability, mean * mean / variance, scale=variance / mean)
    assert quantile(probability, mean, variance) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_rate_and_variance_are_those_of_steady_demand() -> None:
    """Of a year of Poisson demand the forecast finds both."""
    found = forecast(np.random.default_rng(3).poisson(20, 400).astype(float), 0)
    assert found is not None
    assert found.rate == pytest.approx(20, rel=0.12)
    assert found.variance == pytest.approx(20, rel=0.3)
    assert found.demand_class == "smooth"


def test_days_with_an_empty_shelf_say_nothing() -> None:
    """Left out they change nothing; taken for days without demand they halve the rate (the negative control)."""
    full = np.full(120, 6.0)
    empty = np.where(np.arange(120) % 2 == 0, np.nan, full)
    left_out, taken = forecast(empty, 0), forecast(np.nan_to_num(empty), 0)
    assert left_out is not None
    assert taken is not None
    assert left_out.rate == pytest.approx(6)
    assert taken.rate < 4


def test_a_growing_season_is_carried_further() -> None:
    """The rate of a doubled month is nearer to the month than to the year."""
    found = forecast(np.concatenate([np.full(200, 5.0), np.full(28, 10.0)]), 0)
    assert found is not None
    assert found.rate > 8
    assert found.growth > 1


def test_growth_carries_the_spread_with_the_rate() -> None:
    """Twice as much is as uneven as before: the coefficient of variation stays."""
    daily = np.random.default_rng(2).poisson(np.repeat([9, 27], [336, 28])).astype(float)
    found, weights = forecast(daily, 0), remembered(daily).weights
    assert found is not None
    assert found.growth > 1.05
    spread = weights @ (daily - weights @ daily) ** 2
    assert found.variance / found.rate**2 == pytest.approx(spread / (weights @ daily) ** 2, rel=0.02)


def test_the_luck_of_a_month_is_not_growth() -> None:
    """Goods that sell two a day, always: four weeks stray by a tenth and more from the year, and the rate hardly follows."""
    every = [np.random.default_rng(seed).poisson(2, 364).astype(float) for seed in range(40)]
    strays = [daily[-28:].mean() / daily.mean() - 1 for daily in every]
    followed = [found.rate / daily.mean() - 1 for daily in every if (found := forecast(daily, 0)) is not None]
    assert len(followed) == len(every)
    assert np.std(strays) > 0.1
    assert np.std(followed) < 0.05


def test_a_week_has_its_shape() -> None:
    """Saturdays that sell three times as much need more before them than after them, and are no chance."""
    daily = np.array([30.0 if day % 7 == 5 else 10.0 for day in range(140)])
    found = forecast(daily, 0)
    assert found is not None
    assert found.mean_over(5, 1) > 2 * found.mean_over(0, 1)
    assert found.mean_over(0, 7) == pytest.approx(found.rate * 7)
    assert found.mean_over(4, 2) > found.mean_over(0, 2)
    assert found.variance < daily.var() / 4


def test_days_with_an_empty_shelf_do_not_shift_the_week() -> None:
    """Saturdays stay Saturdays where other days are left out."""
    daily = np.array([30.0 if day % 7 == 5 else 10.0 for day in range(140)])
    daily[np.arange(140) % 10 == 3] = np.nan
    found = forecast(daily, 0)
    assert found is not None
    assert max(range(7), key=lambda day: found.shape[day]) == 5
    assert found.shape[5] > 2 * found.shape[0]


@pytest.mark.parametrize(
    ("sold", "days", "expected"),
    [([5.0] * 30, 30, "smooth"), ([1.0, 9.0] * 15, 30, "erratic"), ([5.0] * 10, 30, "intermittent"), ([1.0, 30.0] * 5, 30, "lumpy")],
)
def test_demand_is_classified_by_interval_and_size(sold: list[float], days: int, expected: str) -> None:
    """1.32 days between demands, 0.49 of squared variation."""
    assert demand_class(np.array(sold), days) == expected


@settings(max_examples=examples(80))
@given(st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0, 12.0]), min_size=1, max_size=200).filter(any))
def test_rare_demand_is_smoothed_day_by_day_as_teunter_syntetos_and_babai_do(daily: list[float]) -> None:
    """The probability moves every day, the size with each demand; the first of each stands for itself, so the step begins at one."""
    fading = {"p": 0.5 ** (1 / 28), "z": 0.5 ** (1 / SIZE_HALF_LIFE)}
    probability = size = days = demands = 0.0
    for units in daily:
        days = 1 + fading["p"] * days
        probability += ((units > 0) - probability) / days
        if units > 0:
            demands = 1 + fading["z"] * demands
            size += (units - size) / demands
    weights = fading["p"] ** np.arange(len(daily) - 1, -1, -1)
    found = rare_demand(np.array(daily), weights / weights.sum())
    assert (found.probability, found.size) == (pytest.approx(probability), pytest.approx(size))
    assert found.rate == pytest.approx(probability * size)


def test_goods_that_nobody_asks_for_any_more_decay() -> None:
    """A week without a demand says little of goods that are asked for once a week; eight weeks say much, and half a year says all."""
    sold = np.array(([0.0] * 6 + [5.0]) * 20)
    rates = [found.rate for idle in (0, 7, 56, 182) if (found := forecast(np.concatenate((sold, np.zeros(idle))), 0))]
    kept = [rate / rates[0] for rate in rates]
    assert len(kept) == 4
    assert kept[1] > 0.9
    assert 0.4 < kept[2] < 0.6
    assert kept[3] < 0.02


def test_rare_demand_remembers_by_how_often_it_comes_and_not_by_how_much() -> None:
    """Goods that are asked for a sixth as often as before: uneven sizes would drown that, the days on which they are asked for tell."""
    rng = np.random.default_rng(9)
    asked = rng.random((20, 364)) < np.repeat([0.3, 0.05], [300, 64])
    found = [forecast(days, 0) for days in np.where(asked, rng.choice([1.0, 2.0, 90.0], asked.shape), 0.0)]
    assert all(each and each.demand_class == "lumpy" for each in found)
    assert np.median([each.rate for each in found if each]) < 0.12 * 31


def test_the_growth_of_rare_demand_counts_where_its_days_say_that_it_moves() -> None:
    """Four weeks that sell more by luck are no growth; a probability that tripled is."""
    rng = np.random.default_rng(5)
    steady = [forecast((rng.random(364) < 0.2).astype(float), 0) for _ in range(40)]
    grown = [forecast((rng.random(364) < np.repeat([0.1, 0.1, 0.4], [300, 36, 28])).astype(float), 0) for _ in range(40)]
    assert all(each and each.demand_class == "intermittent" for each in (*steady, *grown))
    assert np.std([each.growth for each in steady if each]) < 0.05
    assert np.median([each.growth for each in grown if each]) > 1.1


def test_the_variance_of_rare_demand_is_that_of_demands_that_come_by_chance() -> None:
    """Of a long series it is what its days show."""
    rng = np.random.default_rng(4)
    sold = np.where(rng.random(364) < 0.1, rng.choice([2.0, 20.0], 364), 0.0)
    found = forecast(sold, 0)
    assert found is not None
    assert found.demand_class == "lumpy"
    assert found.variance / found.growth**2 == pytest.approx(float(sold.var()), rel=0.2)


def _goods(rates: list[float]) -> list[Forecast]:
    return [Forecast(rate, 2 * rate, 1.0, "smooth", 200, 190, EVEN) for rate in rates]


def test_a_new_good_begins_as_its_category_and_becomes_itself() -> None:
    """Without a day it is the mean of the others; each day takes it nearer to its own, and makes it more certain."""
    alike = _goods([2.0, 4.0, 6.0, 8.0, 10.0])
    begun = [borrowed(np.full(days, 12.0), alike) for days in (0, 1, 7, 28)]
    rates, doubts = [each.rate for each in begun if each], [each.uncertainty for each in begun if each]
    assert rates[0] == 6.0
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(12, rel=0.05)
    assert doubts == sorted(doubts, reverse=True)
    assert next(each.borrowed for each in begun if each) == 1.0


@settings(max_examples=examples(60))
@given(st.integers(1, 40), st.lists(st.floats(0.1, 30), min_size=5, max_size=24, unique=True))
def test_what_is_borrowed_is_the_credibility_of_buhlmann(days: int, rates: list[float]) -> None:
    """Its own days weigh n ÷ (n + k), k the variance of days ÷ that of rates between goods."""
    found = borrowed(np.full(days, 3.0), _goods(rates))
    k = 2 * np.mean(rates) / np.var(rates)
    assert found is not None
    assert found.borrowed == pytest.approx(k / (days + k))
    assert found.rate == pytest.approx((days * 3.0 + k * np.mean(rates)) / (days + k))


def test_goods_that_all_sell_alike_lend_everything_and_few_lend_nothing() -> None:
    """Where there is no difference between goods, a good has nothing of its own yet."""
    same = borrowed(np.full(20, 1.0), _goods([5.0] * 6))
    assert same is not None
    assert (same.rate, same.uncertainty) == (5.0, 0.0)
    assert borrowed(np.full(20, 1.0), _goods([5.0] * 4)) is None


class Shelves:
    """What a store knows of goods; all that lending looks at."""

    def __init__(self, states: dict[Entity, State]) -> None:
        self._states = states

    def state(self, entity: Entity) -> State | None:
        """Return what is known."""
        return self._states.get(entity)


def _sold_on(days: Iterable[int], until: int = 300) -> Demand:
    rows = b"".join(packed(day * 86_400_000_000, b"", -3 * UNITS, day, True) for day in days)
    return close(Demand(), rows, 0, Stock(), until, 0, 0)


def test_goods_lend_while_they_sell_once_they_are_known_and_never_to_themselves() -> None:
    """Of four goods of a category one does: one is new, one has not sold for 84 days, and one asks."""
    known = {"ASKS": range(200, 300), "SELLS": range(150, 217), "GONE": range(150, 216), "NEW": range(290, 300)}
    states: dict[Entity, State] = {Entity(DEMAND, sku): _sold_on(days) for sku, days in known.items()}
    view: Any = Shelves(states | {list_of("cold"): Assortment(tuple(known))})
    goods = SkuDefined(version=1, effective_from=datetime(2026, 1, 1, tzinfo=UTC), sku="ASKS", name="", category="cold")
    assert alike(goods, 28, view) == [forecast(daily(_sold_on(known["SELLS"])), (150 + 3) % 7)]
    assert alike(goods.model_copy(update={"category": "dry"}), 28, view) == []


def test_a_list_of_goods_keeps_those_that_came_last() -> None:
    """Of a large category the newest, each once."""
    many = with_goods(Assortment(), map(str, range(40)))
    assert with_goods(many, ["39", "40"]).skus == tuple(map(str, range(17, 41)))


def test_doubt_about_the_rate_never_lowers_the_point() -> None:
    """At a low level a wider distribution has a lower quantile: that is no reason to hold less of what is new."""
    sure = Forecast(6.0, 12.0, 1.0, "smooth", 0, 0, EVEN)
    unsure = Forecast(6.0, 12.0, 1.0, "smooth", 0, 0, EVEN, 30.0, 1.0)
    for level in (0.05, 0.3, 0.95):
        points = [levels(each, LeadTime(2, 0.1), Terms(), level, 0).point for each in (sure, unsure)]
        assert points[1] >= points[0]
    assert points[1] > points[0]


def test_nothing_sold_gives_no_forecast() -> None:
    """There is no rate to speak of."""
    assert forecast(np.zeros(50), 0) is None


def test_few_deliveries_count_little_against_the_quoted_time() -> None:
    """One delivery moves the lead time a little, fifty decide it; spread makes the point higher."""
    assert lead_time([], 3) == LeadTime(3, 0.5625, 0)
    assert 3 < lead_time([9], 3).mean < 4.1
    assert lead_time([9.0, 7.0] * 25, 3).mean == pytest.approx(7.5, abs=0.1)
    wide, narrow = (levels(STEADY, lead_time(times, 5), Terms(), 0.95, 0).point for times in ([2.0, 8.0] * 20, [5.0] * 40))
    assert wide > narrow


def test_orders_come_in_packs_within_their_limits() -> None:
    """Rounded up to packs; never below the least order, never above the most; nothing above the point."""
    reached = Levels(20, 30, 15, 3)
    assert order_quantity(21, reached, Terms(pack=12)) == 0
    assert order_quantity(18, reached, Terms(pack=12)) == 12
    assert order_quantity(17, reached, Terms(pack=12)) == 24
    assert order_quantity(18, reached, Terms(pack=12, least_order=30)) == 36
    assert order_quantity(-90, reached, Terms(pack=12, most_order=40)) == 36


def test_what_does_not_keep_is_not_stored() -> None:
    """The shelf life caps both levels."""
    lead = LeadTime(1, 0.25)
    assert levels(STEADY, lead, Terms(review_days=7, most_days=2), 0.99, 0).point <= 12
    assert levels(STEADY, lead, Terms(review_days=7), 0.99, 0).point > 30


@settings(max_examples=examples(60))
@given(st.lists(st.floats(0, 9), min_size=5, max_size=60), st.integers(1, 9))
def test_a_walk_adds_up(daily: list[float], lead: int) -> None:
    """Supplied is never more than demanded, and all of it when the shelf never gets empty."""
    course = walk(daily, lambda _: Levels(5, 8, 4, 2), Terms(), repeat(lead))
    assert course.supplied <= course.demanded + 1e-9
    assert achieved(daily, Levels(10_000, 10_001, 4, 2), Terms(), lead) == 1


def test_the_level_is_a_no_stock_out_probability() -> None:
    """The point covers the demand of the protection interval as often as it says."""
    random = np.random.default_rng(11)
    point = levels(STEADY, LeadTime(5, 0), Terms(), 0.95, 0).point
    wanted = random.negative_binomial(24 * 24 / max(24 - 23.999, 1e-3), 0.999958, 20_000)
    assert np.mean(wanted <= point) == pytest.approx(0.95, abs=0.03)
    assert ceil(point) == point
