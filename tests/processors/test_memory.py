"""How far back the days of a SKU speak: the weights are those of its memories, each judged day by day by what it would have foretold."""

from math import isinf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.rules.demand.memory import BEGINNING, HALF_LIVES, MEAN_DAYS, PRIOR, Memory, remembered
from tests.examples import examples


def _series(seed: int, days: int, rate: float, after: float, size: float) -> list[float]:
    """Return days of goods whose rate may change halfway."""
    rates = np.repeat([rate, after], [days - days // 2, days // 2])
    return list((np.random.default_rng(seed).poisson(rates) * size).tolist())


_RATES = st.sampled_from([0.0, 0.05, 0.4, 3.0, 40.0])
SERIES = st.builds(_series, st.integers(0, 10_000), st.integers(1, 200), _RATES, _RATES, st.sampled_from([0.25, 1.0, 12.0]))


def _lived(days: list[float]) -> tuple[list[float], float]:
    """Return the weights, and the share of the first memory, by living through the days one by one."""
    mean = sum(days) / len(days)
    scatter = sum((units - mean) ** 2 for units in days) / len(days) / mean if mean else 0.0
    evidence = []
    for half_life in HALF_LIVES:
        fading, faded, seen, said = 0.5 ** (1 / half_life), 0.0, 0.0, 0.0
        for place, units in enumerate(days):
            if place >= BEGINNING and scatter:
                foretold = (faded + MEAN_DAYS * mean) / (seen + MEAN_DAYS)
                said += (units * log(foretold) - foretold) / scatter
            faded, seen = faded * fading + units, seen * fading + 1
        evidence.append(said)
    worth = [prior * np.exp(said - max(evidence)) for prior, said in zip(PRIOR, evidence, strict=True)]
    weights = [0.0] * len(days)
    for half_life, share in zip(HALF_LIVES, worth, strict=True):
        powers = [0.5 ** (age / half_life) for age in reversed(range(len(days)))]
        weights = [weight + share / sum(worth) * power / sum(powers) for weight, power in zip(weights, powers, strict=True)]
    return weights, worth[0] / sum(worth)


@settings(max_examples=examples(80))
@given(SERIES)
def test_days_weigh_what_living_through_them_tells(days: list[float]) -> None:
    """Sums over powers give what a memory that moves day by day would have foretold."""
    weights, short = _lived(days)
    found = remembered(np.array(days))
    assert found.weights == pytest.approx(weights, rel=1e-6, abs=1e-12)
    assert found.short == pytest.approx(short, rel=1e-6, abs=1e-12)


@settings(max_examples=examples(60))
@given(SERIES, st.floats(0.001, 1000))
def test_weights_are_shares_that_never_grow_with_age_and_know_no_units(days: list[float], pieces: float) -> None:
    """They add up to one, a newer day weighs no less than an older one, and grams weigh like kilograms."""
    found, scaled = remembered(np.array(days)), remembered(np.array(days) * pieces)
    assert found.weights.sum() == pytest.approx(1)
    assert (np.diff(found.weights) >= -1e-12).all()
    assert scaled.weights == pytest.approx(found.weights, rel=1e-6)


def _days_that_speak(found: Memory) -> float:
    """Return as how many equal days the weighted ones tell of a rate (Kish, 1965)."""
    return float(1 / (found.weights**2).sum())


def test_steady_goods_remember_all_and_goods_that_change_forget() -> None:
    """A year of Poisson demand speaks as a whole; where the rate is doubled for the last two months, these speak."""
    steady = [remembered(np.random.default_rng(seed).poisson(3, 364).astype(float)) for seed in range(30)]
    moved = [remembered(np.random.default_rng(seed).poisson(np.repeat([3, 6], [304, 60])).astype(float)) for seed in range(30)]
    assert np.median([_days_that_speak(each) for each in steady]) > 250
    assert np.median([_days_that_speak(each) for each in moved]) < 120
    assert np.median([each.short for each in steady]) < PRIOR[0]
    assert min(each.short for each in moved) > 0.9


@pytest.mark.parametrize("days", [[5.0], [0.0] * 90, [3.0] * 90, [float(day % 5) for day in range(BEGINNING)]])
def test_days_that_say_nothing_leave_the_memories_as_they_begin(days: list[float]) -> None:
    """Few days, no demand, or the same on every day: each memory weighs what it did before."""
    found = remembered(np.array(days))
    expected = np.zeros(len(days))
    for half_life, share in zip(HALF_LIVES, PRIOR, strict=True):
        powers = np.array([1.0 if isinf(half_life) else 0.5 ** (age / half_life) for age in reversed(range(len(days)))])
        expected += share * powers / powers.sum()
    assert found.weights == pytest.approx(expected)
    assert found.short == pytest.approx(PRIOR[0])
