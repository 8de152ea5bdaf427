"""Stock-out risk: raised when demand until the next receipt probably exceeds the stock, over when goods or a count come."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from scipy.stats import nbinom

from contracts.envelope import CHAIN_WIDE, Event
from contracts.events.alerts import AlertChanged
from contracts.events.registry import SKU_DEFINED, SUPPLIER_DEFINED
from processors.fold import Fold
from processors.rules.phantom_stock import PhantomStock
from processors.rules.reorder_point import ReorderPoint
from processors.rules.rule import Decision, Entity, Happening, State, View, microseconds
from processors.rules.shelf_demand import Demand, demand_of, outlook
from processors.rules.stock_out_risk import StockOutRisk, StockOutState
from processors.rules.supply import open_orders, with_order
from processors.rules.trading_days import share_left
from tests.examples import examples
from tests.processors.events import at, corrected, counted, event, log_of, sold, tick
from tests.processors.oracle import Replica, contents, replica_of
from tests.processors.shelf_stories import (
    DAY,
    Story,
    answered,
    arriving,
    in_order,
    open_alerts,
    ordered,
    own_states,
    received,
    repeating,
    replayed,
    said,
    shelf_worlds,
)

PROPERTY = settings(max_examples=examples(4), suppress_health_check=[HealthCheck.too_slow])
RULE = "stock_out_risk"


def _selling(days: int = 14, a_day: int = 5, stock: int = 200) -> Story:
    """A SKU of which some units are sold each day, in two sales."""
    story = [counted("first", at(-30), stock)]
    for day in range(days):
        story += [sold(f"a{day}", at(day * DAY + 60), quantity=a_day - 2), sold(f"b{day}", at(day * DAY + 400), quantity=2)]
    return story


def _heard(*more: Event[Any], last_day: int = 13, days: int = 14, stock: int = 200) -> list[tuple[str, str]]:
    return said(replayed(in_order([*_selling(days, stock=stock), *more], 1, last_day)), RULE)


def _supplied(lead_days: int, weekdays: list[str]) -> Story:
    """Say who delivers the SKU, how fast and after orders of which days."""
    since = at(-600)
    supplier = {"supplier_id": "DAIRY", "name": "Dairy", "version": 1, "effective_from": since}
    supplier |= {"lead_time_days": lead_days, "order_weekdays": weekdays}
    sku = {"sku": "MILK", "name": "Milk", "version": 1, "effective_from": since, "supplier_id": "DAIRY", "price": "4.00", "currency": "GBP"}
    return [event(SUPPLIER_DEFINED, "supplier", since, supplier, CHAIN_WIDE), event(SKU_DEFINED, "sku", since, sku, CHAIN_WIDE)]


def test_enough_until_an_order_would_come_is_no_risk() -> None:
    """Five a day, two days from order to receipt, and a hundred left."""
    assert _heard() == []


def test_stock_that_the_demand_until_the_next_receipt_exceeds_is_told() -> None:
    """Seventy were there on the first day; on the thirteenth morning a dozen is left for more than two days."""
    assert _heard(stock=70)[0][0] == "raised"


def test_a_receipt_resolves_it() -> None:
    """Goods came in."""
    assert _heard(received("d", at(12 * DAY + 300), 50), stock=65, last_day=14)[-1][0] == "resolved"


def test_a_count_that_finds_more_resolves_it() -> None:
    """The book was wrong."""
    assert _heard(counted("more", at(12 * DAY + 300), 90), stock=65, last_day=14)[-1][0] == "resolved"


def test_an_order_that_comes_in_time_is_a_next_receipt() -> None:
    """What arrives tomorrow morning need not be feared for."""
    order = ordered("po", at(10 * DAY), 50, expected=at(12 * DAY).date())
    assert _heard(order, stock=63, last_day=11) == []
    assert _heard(stock=63, last_day=11)[0][0] == "raised"


def test_a_delivery_that_names_an_order_closes_it() -> None:
    """What has come is not expected again."""
    rows = with_order(with_order((), ordered("po", at(0), 5), counts=True), received("d", at(DAY), 5, order="po"), counts=True)
    assert [[row.number for row in open_orders(rows, microseconds(at(minutes)))] for minutes in (-1, DAY - 1, DAY)] == [[], ["po"], []]


def test_a_slow_supplier_is_feared_earlier() -> None:
    """Orders on Mondays only, a week on the way."""
    story = [*_supplied(7, ["monday"]), *_selling(stock=100)]
    rows = contents(replayed(in_order(story, 1, 9)).derived, AlertChanged)
    assert [row.status for row in rows][:1] == ["raised"]
    assert rows[0].window_end.weekday() == 0
    assert rows[0].severity == "low"
    assert "GBP at stake" in rows[0].summary


def test_a_late_receipt_takes_an_alert_back() -> None:
    """It had come before the stock was thought to run out, so there was nothing to fear since the first count."""
    story = [*in_order(_selling(stock=70), 1, 13), received("late", at(2 * DAY), 90), tick(at(13 * DAY + 700))]
    assert said(replayed(story), RULE)[-1][0] == "resolved"


def test_a_receipt_that_did_not_occur_leaves_the_risk() -> None:
    """Corrections leave what would have been without the wrong event."""
    wrong = received("wrong", at(11 * DAY), 90)
    without, undone = (in_order([*_selling(stock=70), *more], 6, 15) for more in ([], [wrong, corrected("x", wrong)]))
    assert open_alerts(replayed(undone), RULE) == open_alerts(replayed(without), RULE) != []


def test_answers_before_the_last_count_move_the_odds() -> None:
    """Nobody hears of a small risk where alarms were false; what is answered later is for the next count or receipt."""
    assert _heard(stock=63, last_day=11)[0][0] == "raised"
    assert _heard(*answered(10, "false_alarm", RULE, at(-60)), stock=63, last_day=11) == []
    assert _heard(*answered(10, "false_alarm", RULE, at(60)), stock=63, last_day=11) == _heard(stock=63, last_day=11)
    assert _heard(stock=75, last_day=12) == []
    assert _heard(*answered(3, "true_alarm", RULE, at(-60)), stock=75, last_day=12)[0][0] == "raised"


def test_history_on_a_live_clock_raises_nothing() -> None:
    """Last month's empty shelf alarms nobody today: what is judged is the present, and nobody has sold anything since."""
    live = [tick(at((60 + day) * DAY), time="live") for day in range(3)]
    assert said(replica_of(log_of(live[0], *_selling(stock=70), received("d", at(13 * DAY + 500), 90), *live[1:])), RULE) == []


@PROPERTY
@given(shelf_worlds(), st.sampled_from([5, 12, 30]), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter_in_the_end(world: Story, every_hours: int, random: Any) -> None:
    """However late within the retention, and however often the clock ticks: the same open alerts in the same words."""
    late = replayed(arriving(world, random, 10, every_hours))
    assert open_alerts(late, RULE) == open_alerts(replayed(in_order(world, 12)), RULE)


@PROPERTY
@given(shelf_worlds(), st.data())
def test_a_replayed_suffix_changes_nothing(world: Story, data: st.DataObject) -> None:
    """A worker that starts again from an earlier offset says nothing new and holds the same states."""
    log = log_of(*in_order(world, 24))
    replica, whole = replica_of(log, 7), replica_of(log)
    replica.restart()
    replica.apply(log[data.draw(st.integers(0, len(log) - 1)) :])
    assert own_states(replica, RULE) == own_states(whole, RULE)
    assert open_alerts(replica, RULE) == open_alerts(whole, RULE)


@PROPERTY
@given(shelf_worlds(), st.randoms(use_true_random=False))
def test_repeats_change_nothing(world: Story, random: Any) -> None:
    """Facts that come twice are facts all the same."""
    story = in_order(world, 12)
    assert open_alerts(replayed(repeating(story, random)), RULE) == open_alerts(replayed(story), RULE)


class _Unlearned(StockOutRisk):
    """The rule as it would be if it read everything at each look."""

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Decide without what was learned before."""
        known = replace(state, learned=None) if isinstance(state, StockOutState) else state
        return super().decide(entity, known, happening, view)


@pytest.mark.parametrize("day", [18, 20])
@pytest.mark.parametrize(
    "late",
    [
        [sold("late", at(5 * DAY), quantity=4)],
        [corrected("x", sold("a6", at(6 * DAY + 60), quantity=3))],
        [sold("rice", at(7.5 * DAY), "RICE")],
    ],
    ids=["late sale", "corrected sale", "late trading day"],
)
def test_what_was_learned_shows_what_reading_everything_would(late: Story, day: int) -> None:
    """Whatever changes a day that was learned from is learned at once, not a week later."""
    story = in_order([each for each in _selling(26, stock=80) if each.envelope.occurred_at.date() != at(7 * DAY).date()], 1, 24)
    place = next(number for number, each in enumerate(story) if each.envelope.occurred_at >= at(day * DAY + 700))
    log = log_of(*story[:place], *late, *story[place:])
    tried, plain = (Replica(Fold((ReorderPoint(), PhantomStock(), rule))) for rule in (StockOutRisk(), _Unlearned()))
    tried.apply(log)
    plain.apply(log)
    assert contents(plain.derived, AlertChanged) == contents(tried.derived, AlertChanged) != []


class _Hasty(StockOutRisk):
    """A damaged rule: what it has once told it never looks at again."""

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Decide, but ask for no further look after an alert."""
        made = super().decide(entity, state, happening, view)
        return Decision(made.state, made.derived) if made.derived else made


@pytest.mark.parametrize(("damaged", "catches"), [(_Hasty(), True), (StockOutRisk(), False)])
def test_the_law_of_order_catches_a_rule_that_stops_looking(damaged: StockOutRisk, catches: bool) -> None:
    """The negative control: how often the clock ticks must not decide what is said last."""
    tried = Replica(Fold((ReorderPoint(), PhantomStock(), damaged)))
    tried.apply(log_of(*in_order(_selling(stock=70), 1, 15)))
    assert (open_alerts(tried, RULE) != open_alerts(replayed(in_order(_selling(stock=70), 300, 15)), RULE)) == catches


@given(st.floats(0.05, 50), st.floats(1.05, 6), st.integers(1, 28), st.floats(0.1, 20), st.integers(0, 300))
def test_the_outlook_is_that_of_the_negative_binomial(mean: float, dispersion: float, days: int, horizon: float, stock: int) -> None:
    """Tail and expected shortfall against the library's distribution, summed up."""
    demand = Demand(mean, mean * dispersion, days, (1.0,) * 7)
    seen = outlook(demand, horizon, stock)
    variance = demand.variance * horizon + demand.variance * horizon**2 / days
    law = nbinom(seen.mean**2 / (variance - seen.mean), seen.mean / variance)
    assert seen.probability == pytest.approx(float(law.sf(stock)), abs=1e-9)
    short = seen.mean - sum(float(law.sf(k)) for k in range(stock))
    assert seen.shortfall == pytest.approx(max(0.0, short), abs=1e-6 * max(1.0, seen.mean))


def test_days_without_stock_are_not_days_without_demand() -> None:
    """Censored days are left out: three a day stays three a day."""
    learned = demand_of({1: 3.0, 2: 3.0, 5: 3.0}, {1, 2, 5})
    assert learned is not None
    assert (learned.mean, learned.days) == (3.0, 3)


def test_the_rest_of_a_day_counts_its_trading_hours() -> None:
    """Open from eight to six: at one in the afternoon half of the day is left, at night all of it or nothing."""
    hours, hour = sum(1 << number for number in range(8, 18)), 3_600_000_000
    assert share_left(hours, 13 * hour, 24 * hour) == 0.5
    assert share_left(hours, 2 * hour, 24 * hour) == 1.0
    assert share_left(hours, 20 * hour, 24 * hour) == 0.0


def test_the_state_of_a_sku_is_small() -> None:
    """A year of daily orders and deliveries leaves those of the retention, 40 at most."""
    story: Story = [counted("c", at(-30), 50)]
    for day in range(120):
        story += [ordered(f"o{day}", at(day * DAY), 5), received(f"d{day}", at((day + 1) * DAY + 30), 5, order=f"o{day}")]
    states = replayed(in_order(story, 24, 125)).states()
    assert len(states["S1|stock_out_risk|MILK"][1]) < 2500
