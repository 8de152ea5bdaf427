"""Phantom stock: raised when a gap is too long to be chance, resolved by a sale or a count, taken back by late data."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.events.alerts import AlertChanged
from processors.fold import Fold
from processors.rules.phantom_stock import PhantomStock
from processors.rules.reorder_point import ReorderPoint
from processors.rules.rule import Decision, Entity, Happening, State, View
from processors.rules.sale_gaps import gap_probability, surprising_gap
from tests.examples import examples
from tests.processors.events import at, corrected, counted, log_of, sold, tick
from tests.processors.oracle import Replica, contents, replica_of
from tests.processors.shelf_stories import (
    DAY,
    Story,
    answered,
    in_order,
    open_alerts,
    own_states,
    repeating,
    replayed,
    said,
    shelf_worlds,
    told,
)

PROPERTY = settings(max_examples=examples(4), suppress_health_check=[HealthCheck.too_slow])
RULE = "phantom_stock"
RAISED, CONFIRMED = ("raised", "provisional"), ("updated", "confirmed")


def _usual(days: int = 20, others: int = 40, stock: int = 100) -> Story:
    """A SKU that sells once a day until it stops, in a store that goes on selling something else."""
    story = [counted("c", at(-30), stock)]
    story += [sold(f"m{day}", at(day * DAY + 60)) for day in range(days)]
    return [*story, *(sold(f"r{day}", at(day * DAY + 90), "RICE") for day in range(others))]


def _heard(*more: Event[Any], story: Story | None = None, last_day: int = 30) -> list[tuple[str, str]]:
    return said(replayed(in_order([*(story or _usual()), *more], 6, last_day)), RULE)


def test_a_gap_too_long_for_chance_is_raised_and_then_confirmed() -> None:
    """Sold on twenty of twenty days, and then not at all."""
    assert _heard(last_day=22) == []
    assert _heard(last_day=23) == [RAISED]
    assert _heard() == [RAISED, CONFIRMED]


def test_answers_before_the_gap_move_the_probability() -> None:
    """Where doubts were wrong a gap must be longer, where they were right shorter; what is answered within it is for the next."""
    assert _heard(*answered(10, "false_alarm", RULE, at(0)), last_day=23) == []
    assert _heard(*answered(3, "true_alarm", RULE, at(0)), last_day=22) == [RAISED]
    assert _heard(*answered(10, "false_alarm", RULE, at(21 * DAY)), last_day=23) == [RAISED]


def test_a_sale_resolves_it() -> None:
    """It was on the shelf after all."""
    assert _heard(sold("again", at(25 * DAY)))[-1] == ("resolved", "confirmed")


def test_a_count_of_nothing_confirms_and_resolves_it() -> None:
    """The book was wrong, and the count has set it right."""
    replica = replayed(in_order([*_usual(), counted("zero", at(26 * DAY), 0)], 6, 40))
    last = [row for row in contents(replica.derived, AlertChanged) if row.rule == RULE][-1]
    assert (last.status, last.summary[:45]) == ("resolved", "Phantom stock confirmed by a count of 0: 80 o")


def test_a_late_sale_within_the_gap_takes_it_back() -> None:
    """The till had no line; it did sell."""
    story = [*in_order(_usual(), 6, 24), sold("late", at(20 * DAY + 60)), sold("later", at(22 * DAY)), tick(at(25 * DAY + 60))]
    assert said(replayed(story), RULE)[-1] == ("retracted", "confirmed")


def test_a_store_that_does_not_trade_proves_nothing() -> None:
    """Closed, or its tills silent: no day counts."""
    assert _heard(story=_usual(others=20)) == []


def test_an_empty_shelf_proves_nothing() -> None:
    """What is not on book cannot be sold."""
    assert _heard(story=_usual(stock=20)) == []


def test_days_before_a_sku_was_carried_say_nothing() -> None:
    """The store had traded for two weeks when the first of it was counted; on none of those days could it have sold."""
    story = [counted("c", at(15 * DAY - 30), 100), *(sold(f"m{day}", at(day * DAY + 60)) for day in range(15, 35))]
    story += [sold(f"r{day}", at(day * DAY + 90), "RICE") for day in range(50)]
    assert _heard(story=story, last_day=38) == [RAISED]


def test_too_short_a_history_says_nothing() -> None:
    """Ten days do not tell what is usual."""
    assert _heard(story=_usual(days=10)) == []


def test_a_sale_that_did_not_occur_was_no_end_of_the_gap() -> None:
    """A correction leaves what would have been without the wrong event."""
    wrong = sold("wrong", at(22 * DAY))
    without, undone = (in_order([*_usual(), *more], 6) for more in ([], [wrong, corrected("x", wrong)]))
    assert open_alerts(replayed(undone), RULE) == open_alerts(replayed(without), RULE) != []


def test_history_on_a_live_clock_raises_nothing() -> None:
    """A gap of last month that is loaded today alarms nobody, then or later."""
    live = [tick(at((60 + day) * DAY), time="live") for day in range(3)]
    assert said(replica_of(log_of(live[0], *_usual(), *live[1:])), RULE) == []


@PROPERTY
@given(shelf_worlds(), st.lists(st.integers(1, 800), max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter_in_the_end(world: Story, hours: list[int], random: Any) -> None:
    """Shuffled facts, with ticks anywhere between them, end with the same open alerts in the same words."""
    shuffled = random.sample(world, len(world))
    assert open_alerts(replayed(told(shuffled, hours, random)), RULE) == open_alerts(replayed(in_order(world, 12)), RULE)


@PROPERTY
@given(shelf_worlds(), st.data())
def test_a_replayed_suffix_changes_nothing(world: Story, data: st.DataObject) -> None:
    """A worker that starts again from an earlier offset says nothing new and holds the same states."""
    log = log_of(*in_order(world, 24))
    replica, whole = replica_of(log, 7), replica_of(log)
    replica.restart()
    replica.apply(log[data.draw(st.integers(0, len(log) - 1)) :])
    assert own_states(replica, RULE, "trading_days") == own_states(whole, RULE, "trading_days")
    assert open_alerts(replica, RULE) == open_alerts(whole, RULE)


@PROPERTY
@given(shelf_worlds(), st.randoms(use_true_random=False))
def test_repeats_change_nothing(world: Story, random: Any) -> None:
    """Facts that come twice are facts all the same."""
    story = in_order(world, 12)
    assert open_alerts(replayed(repeating(story, random)), RULE) == open_alerts(replayed(story), RULE)


@given(st.integers(0, 60), st.integers(0, 30), st.floats(1e-5, 0.2))
def test_the_surprising_gap_is_the_shortest_with_the_probability(sold_days: int, idle_days: int, probability: float) -> None:
    """One day less would be more probable than that."""
    gap = surprising_gap(sold_days, sold_days + idle_days, probability)
    if gap is not None:
        assert gap_probability(sold_days, sold_days + idle_days, gap) <= probability
        assert gap_probability(sold_days, sold_days + idle_days, gap - 1) > probability


def test_the_state_of_a_sku_is_small() -> None:
    """A busy SKU, four months, an open alert: well below a kilobyte."""
    story = [counted("c", at(-30), 5000)]
    story += [sold(f"m{day}/{hour}", at(day * DAY + 30 * hour)) for day in range(100) for hour in range(8)]
    story += [sold(f"r{day}", at(day * DAY + 90), "RICE") for day in range(120)]
    states = replayed(in_order(story, 24, 115)).states()
    assert len(states["S1|phantom_stock|MILK"][1]) < 400
    assert len(states["S1|trading_days|store"][1]) < 1500


class _Hasty(PhantomStock):
    """A damaged rule: what it has once looked at it never looks at again."""

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Decide, but ask for no further look after the first alert."""
        made = super().decide(entity, state, happening, view)
        return Decision(made.state, made.derived) if made.derived else made


def test_the_law_of_order_catches_a_rule_that_stops_looking() -> None:
    """The negative control: a sale that comes late no longer takes its alert back."""
    story = [*in_order(_usual(), 6, 24), sold("late", at(20 * DAY + 60)), sold("later", at(22 * DAY)), tick(at(25 * DAY + 60))]
    damaged = Replica(Fold((ReorderPoint(), _Hasty())))
    damaged.apply(log_of(*story))
    assert open_alerts(replayed(story), RULE) == []
    assert open_alerts(damaged, RULE) != []
