"""The arithmetic behind sales alerts: baselines that a bad day does not bend, and a comparison that the weather does not fool."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.events.observations import SalesObserved
from contracts.events.registry import SALE_COMPLETED, SALE_VOIDED, SALES_OBSERVED
from processors.rules.rule import moment_of
from processors.rules.sales import bucket, hours
from processors.rules.sales.baseline import HOURS, Baseline, Days, Terms, baseline, elapsed, levels, residual
from processors.rules.sales.comparison import Scatter, discoveries, low_tail, scores
from tests.processors.events import START, event
from tests.processors.observations import MIDNIGHT, observation
from tests.processors.till_events import refunded, rung, voided

RNG = np.random.default_rng(3)
OPEN = np.where((np.arange(HOURS) >= 4) & (np.arange(HOURS) < 18), 1.0, 0.0)


def days(count: int, luck: float = 0.1, seed: int = 1, weekend: float = 0.5) -> Days:
    """Sell 30 receipts an hour on weekdays and less at weekends, day by day with some luck."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(count)
    mean = 30 * OPEN * np.where(numbers % 7 >= 5, weekend, 1.0)[:, None] * np.exp(rng.normal(0, luck, count))[:, None]
    receipts = rng.poisson(mean)
    return Days(numbers, np.zeros(count, np.bool_), levels(receipts * 1000, receipts))


def expected_of(history: Days, today: int, promoted: bool = False) -> Baseline:
    """Return a baseline that is there."""
    found = baseline(history, today, promoted, Terms())
    assert found is not None
    return found


def sold(share: float, weekday: bool = True) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the levels of a day that sells a share of an exactly average one."""
    receipts = np.round(30 * OPEN * (1.0 if weekday else 0.5) * share).astype(np.int64)
    return levels(receipts * 1000, receipts)


def test_an_average_day_is_close_to_what_is_expected() -> None:
    """Each weekday is compared with its own like."""
    history = days(84)
    assert abs(residual(expected_of(history, 84), sold(1.0))[-1]) < 1
    assert abs(residual(expected_of(history, 89), sold(1.0, weekday=False))[-1]) < 1


def test_a_drop_shows_before_the_day_is_over_and_grows_in_certainty() -> None:
    """Half of the sales missing is far out of the spread long before closing."""
    expected = expected_of(days(84), 84)
    far = residual(expected, sold(0.5))
    assert far[8] < -3
    assert (far * np.sqrt(elapsed(expected)))[17] < (far * np.sqrt(elapsed(expected)))[8]


@pytest.mark.parametrize("share", [0.0, 3.0])
def test_one_like_day_gone_wrong_hardly_moves_the_baseline(share: float) -> None:
    """A closed or a mad day among eight moves the centre by less than half a spread."""
    history = days(84)
    wrong = history.level.copy()
    wrong[77] = sold(share)
    before, after = expected_of(history, 84), expected_of(Days(history.number, history.promoted, wrong), 84)
    assert np.all(np.abs(after.centre - before.centre)[:, 17] < 0.5 * before.spread[17])


def test_a_young_store_is_expected_to_be_like_its_own_week_with_a_wide_spread() -> None:
    """With a week of days there is an expectation, and little certainty."""
    young, old = expected_of(days(8), 8), expected_of(days(84), 84)
    assert young.like_days == 1
    assert young.spread[-1] > 1.3 * old.spread[-1]


def test_days_with_promotions_are_like_each_other() -> None:
    """With enough of both kinds, a promoted day is expected to be as high as promoted days were."""
    plain = days(84, luck=0.05)
    promoted = plain.number // 7 % 2 == 0
    history = Days(plain.number, promoted, plain.level + 0.4 * promoted[:, None, None])
    lift = expected_of(history, 84, promoted=True).centre - expected_of(history, 84, promoted=False).centre
    assert lift[1, -1] == pytest.approx(0.4, abs=0.1)


def test_before_there_is_a_day_nothing_is_expected() -> None:
    """No history, no baseline."""
    assert baseline(days(10), 0, promoted=False, terms=Terms()) is None


def test_a_store_with_a_few_huge_invoices_is_judged_by_its_receipts() -> None:
    """The measure that strays less weighs more."""
    rng = np.random.default_rng(5)
    receipts = rng.poisson(30 * OPEN, (84, HOURS))
    wild = (receipts * rng.lognormal(7, 1.5, receipts.shape)).astype(np.int64)
    found = expected_of(Days(np.arange(84), np.zeros(84, np.bool_), levels(wild, receipts)), 84)
    assert found.weight[-1] < 0.2


def test_too_few_receipts_to_expect_say_nothing() -> None:
    """Where ten receipts are not expected yet, no share of the day has passed."""
    receipts = np.zeros((84, HOURS), np.int64)
    receipts[:, 4:18] = 1
    found = expected_of(Days(np.arange(84), np.zeros(84, np.bool_), levels(receipts * 1000, receipts)), 84)
    assert elapsed(found)[8] == 0
    assert elapsed(found)[-1] == 1


@given(st.floats(-1, 1), st.integers(5, 60))
def test_what_all_stores_have_in_common_changes_no_score(shift: float, stores: int) -> None:
    """Bad weather in the whole chain is nobody's drop."""
    rng = np.random.default_rng(stores)
    far, spread, heard = rng.normal(0, 1, stores), rng.uniform(0.1, 0.3, stores), np.ones(stores, np.bool_)
    assert scores(far + shift / spread, spread, heard).score == pytest.approx(scores(far, spread, heard).score, abs=1e-6)


def test_a_small_chain_is_not_compared_with_itself() -> None:
    """With four stores the residuals stay what they are."""
    far = RNG.normal(0, 1, 4)
    assert scores(far, np.full(4, 0.2), np.ones(4, np.bool_)).score.tolist() == far.tolist()


def test_a_single_low_store_stays_low_beside_its_chain() -> None:
    """What the others have in common and the scale are not bent by the one that is low."""
    far = np.concatenate((RNG.normal(0, 1, 29), [-5.0]))
    assert scores(far, np.full(30, 0.2), np.ones(30, np.bool_)).score[-1] < -3.5


@given(st.integers(5, 40), st.integers(0, 3))
def test_a_store_is_compared_with_the_middle_half_of_the_others(stores: int, silent: int) -> None:
    """Its own sales are no part of what it is compared with; stores that were not heard of say nothing and are compared with all."""
    rng = np.random.default_rng(stores)
    far, heard = rng.normal(0, 1, stores + silent), np.arange(stores + silent) < stores
    common = scores(far, np.full(stores + silent, 0.2), heard).common
    for place in range(stores):
        others = np.sort(np.delete(far[:stores], place))
        assert common[place] == pytest.approx(0.2 * others[stores // 4 : stores - 1 - stores // 4].mean())
    assert common[stores:] == pytest.approx(0.2 * np.sort(far[:stores])[stores // 4 : stores - stores // 4].mean())


@pytest.mark.parametrize(("differ", "keeps"), [(0.08, 0.0), (0.6, 0.9)])
def test_spreads_are_drawn_together_as_far_as_they_differ_by_chance(differ: float, keeps: float) -> None:
    """Spreads of eight weeks that differ by 8 percent are as good as one; those that differ much stay what they are."""
    far, logarithm = np.tile([-1.0, 1.0], 20), np.resize([-differ, -differ, differ, differ], 40)
    spread = 0.2 * np.exp(logarithm)
    score = np.abs(scores(far / spread, spread, np.ones(40, np.bool_)).score)
    assert np.log(score[0] / score[2]) == pytest.approx(2 * differ * keeps, abs=0.2 * differ + 1e-9)


def test_days_before_say_how_far_stores_stray_and_a_large_chain_speaks_for_itself() -> None:
    """In a small chain quiet days before make a score count for more, in a large one hardly."""

    def low(stores: int, *before: Scatter) -> float:
        far = np.concatenate(([-3.0], np.resize([-1.0, 1.0], stores - 1)))
        return float(scores(far, np.full(stores, 0.2), np.ones(stores, np.bool_), before).score[0])

    quiet = [Scatter(stores, 0.25) for stores in (5, 1000) for _ in range(7)]
    assert low(5, *quiet[:7]) < 1.2 * low(5)
    assert 1.1 * low(1000) < low(1000, *quiet[7:])


def test_early_scores_count_for_less() -> None:
    """The same score is less likely to be chance at the end of the day."""
    early, late = low_tail(np.array([-3.0, -3.0]), np.array([0.1, 1.0]))
    assert late < 0.01 < early


@given(st.lists(st.floats(0.0001, 1), min_size=1, max_size=40), st.floats(0.01, 0.9))
def test_discoveries_are_the_least_likely_ones(probability: list[float], rate: float) -> None:
    """What is reported is never likelier than what is not, and never likelier than the limit for a single one."""
    chosen = discoveries(probability, [1.0] * len(probability), rate, 0.05)
    reported = [value for value, is_chosen in zip(probability, chosen, strict=True) if is_chosen]
    others = [value for value, is_chosen in zip(probability, chosen, strict=True) if not is_chosen and value <= 0.05]
    assert max(reported, default=0) <= min(0.05, *others, 1)


def test_discoveries_are_those_of_benjamini_and_hochberg() -> None:
    """The largest that is below its rank's share takes all smaller ones along, whether they are below theirs or not."""
    trusted = [1.0] * 3
    assert discoveries([0.034, 0.9, 0.03], trusted, 0.06, 1.0) == [True, False, True]
    assert discoveries([0.01, 0.02, 0.9], trusted, 0.06, 1.0) == [True, True, False]
    assert discoveries([0.01, 0.02, 0.9], trusted, 0.06, 0.015) == [True, False, False]


def test_among_many_clean_stores_the_share_of_chance_is_held() -> None:
    """In chains of 100 with 10 true drops, less than the promised share of what is reported is chance; one by one it is more."""
    rng = np.random.default_rng(11)
    false = true = naive = 0
    for _ in range(300):
        z = rng.normal(0, 1, 100)
        z[:10] -= 3
        probability = low_tail(z, np.ones(100))
        chosen = np.array(discoveries(probability.tolist(), [1.0] * 100, 0.1, 1.0))
        false, true = false + int(chosen[10:].sum()), true + int(chosen[:10].sum())
        naive += int((probability[10:] < 0.05).sum())
    assert false / (false + true) < 0.1
    assert naive / (naive + 3000) > 0.1


def test_false_alarms_of_the_past_raise_the_bar() -> None:
    """Half the trust needs half the probability."""
    assert discoveries([0.004, 0.004], [1.0, 0.25], 0.5, 0.01) == [True, False]


def test_net_sales_are_of_goods_alone_and_a_receipt_counts_when_it_sells() -> None:
    """Services are no sales; what is brought back within a receipt is taken off."""
    item = {"line": 1, "sku": "MILK", "quantity": "1", "unit_price": "10", "gross": 1000, "discount": 100}
    service = {"line": 2, "sku": "BAG", "quantity": "1", "unit_price": "3", "gross": 300, "kind": "service"}
    back = {"line": 3, "sku": "EGGS", "quantity": "1", "unit_price": "2", "gross": 200, "kind": "return"}

    def of(*lines: dict[str, object]) -> tuple[int, int]:
        return hours.sold(event(SALE_COMPLETED, "r", START, {"receipt_id": "r", "currency": "GBP", "lines": lines}))

    assert [of(item, service, back), of(service), of(back)] == [(700, 1), (0, 1), (-200, 0)]


def test_a_void_takes_back_what_had_counted_and_only_that() -> None:
    """A receipt that was cancelled before completion never was a sale; a return takes money back and no receipt."""
    sale = rung("s", START, "ana", amount=700)
    void, back = voided("v", START, sale), refunded("b", START, amount=300)
    cancelled = event(SALE_VOIDED, "c", START, {**void.data.model_dump(mode="json", exclude_none=True), "phase": "before_completion"})
    assert [hours.sold(each) for each in (sale, void, cancelled, back)] == [(700, 1), (-700, -1), (0, 0), (-300, 0)]


def _observed(store: str, residual: str = "0", revision: int = 1, later_minutes: int = 0) -> Event[SalesObserved]:
    content = observation(MIDNIGHT, 9, 5000, revision)
    end = content.hour_end + timedelta(minutes=later_minutes)
    changed = content.model_copy(update={"residual": Decimal(residual), "hour_end": end})
    return event(SALES_OBSERVED, f"{store}/{revision}/{residual}", end, changed.model_dump(mode="json"), store)


def test_an_hour_of_the_chain_is_over_when_it_is_in_every_store() -> None:
    """Zones differ by half hours too."""
    held = bucket.Bucket(0)
    for number, later in enumerate((30, 0, 15)):
        held = bucket.with_observation(held, _observed(f"S{number}", later_minutes=later))
    assert moment_of(held.ends_at) == MIDNIGHT + timedelta(hours=10, minutes=30)
    assert bucket.Bucket(5).ends_at == 0


def test_an_observation_that_comes_again_changes_nothing() -> None:
    """The first one of a revision stands, and a newer revision replaces it."""
    held = bucket.with_observation(None, _observed("S1", "0.1"))
    assert bucket.with_observation(held, _observed("S1", "0.2")) == held
    assert [row.residual for row in bucket.with_observation(held, _observed("S1", "0.3", 2)).rows] == [0.3]


def test_what_is_fair_to_expect_of_a_store_goes_with_its_chain() -> None:
    """All sell half as much again as their past lets expect: so may be expected of each."""
    held = bucket.Bucket(0)
    for number in range(8):
        held = bucket.with_observation(held, _observed(f"S{number}", "2.70"))
    fair = [verdict.fair for verdict in bucket.verdicts(held).values()]
    assert fair == pytest.approx([7500] * 8, rel=0.01), "2.7 spreads of 0.15 are the logarithm of one and a half"
