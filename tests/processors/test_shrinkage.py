"""Shrinkage: one loss too large for the noise of counts, or many small ones; corrected, late and recorded ones are none."""

import math
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from contracts.envelope import Event
from contracts.events.alerts import AlertChanged
from contracts.policies.shrinkage import ShrinkagePolicy
from processors.fold import Fold
from processors.rules.count_noise import WEEK, CountNoise, begin_of, week_of, with_sheet
from processors.rules.count_variances import Counted, capped_loss, loss_rate, noise, ratios, scale_of
from processors.rules.loss_runs import Judged, limit_for, runs, tail
from processors.rules.reorder_point import ReorderPoint
from processors.rules.rule import Occurred, View, microseconds
from processors.rules.shrinkage import SHRINKAGE, Shrinkage, ShrinkageState
from processors.rules.stock_rows import UNITS
from processors.state import read_held, read_state
from tests.examples import examples
from tests.processors.events import adjusted, at, corrected, counted, identity, log_of, sold, tick
from tests.processors.oracle import Replica, contents, replica_of
from tests.processors.shelf_stories import (
    DAY,
    Story,
    answered,
    arriving,
    in_order,
    open_alerts,
    own_states,
    repeating,
    replayed,
    said,
    shelf_worlds,
)

PROPERTY = settings(max_examples=examples(4), suppress_health_check=[HealthCheck.too_slow])
RULE = "shrinkage"
TERMS = ShrinkagePolicy(count_noise=Decimal(1), moved_noise=Decimal("0.02"))
RAISED = ("raised", "provisional")


def _heard(*story: Event[Any], last_day: int = 3) -> list[tuple[str, str]]:
    return said(replayed(in_order(list(story), 1, last_day)), RULE)


def _weekly(*found: int, sales: int = 1) -> Story:
    """Count once a week, with a sale a day in between."""
    story = [counted(f"c{week}", at(week * 7 * DAY), quantity) for week, quantity in enumerate(found)]
    return [*story, *(sold(f"s{day}", at(day * DAY + 60), quantity=sales) for day in range(7 * (len(found) - 1)))]


def test_a_loss_beyond_the_noise_of_counts_is_raised_an_hour_after_the_count() -> None:
    """Forty on book, thirty found; a unit or two would be noise."""
    story = [counted("first", at(0), 40), counted("second", at(600), 30)]
    assert said(replayed([*story, tick(at(659))]), RULE) == []
    assert said(replayed([*story, tick(at(661))]), RULE) == [RAISED]
    assert _heard(counted("first", at(0), 40), counted("second", at(600), 39)) == []


def test_what_sold_before_the_count_is_not_missing() -> None:
    """The book is as of the time of the count; what sold later does not matter."""
    assert _heard(counted("first", at(0), 40), sold("a", at(300), quantity=10), counted("second", at(600), 30)) == []
    assert _heard(counted("first", at(0), 40), sold("a", at(601), quantity=10), counted("second", at(600), 30)) == [RAISED]


def test_recorded_waste_is_no_shrinkage() -> None:
    """What was written off is in the book."""
    assert _heard(counted("first", at(0), 40), adjusted("w", at(300), -10), counted("second", at(600), 30)) == []


def test_a_late_sale_takes_the_loss_back() -> None:
    """The till had no line; the goods were paid for."""
    story = [counted("first", at(0), 40), counted("second", at(600), 30), tick(at(700)), sold("late", at(300), quantity=10), tick(at(710))]
    assert said(replayed(story), RULE) == [RAISED, ("retracted", "provisional")]


def test_a_late_sale_makes_the_loss_smaller() -> None:
    """What is left of it is told again."""
    story = [counted("first", at(0), 40), counted("second", at(600), 20), tick(at(700)), sold("late", at(300), quantity=8), tick(at(710))]
    rows = contents(replayed(story).derived, AlertChanged)
    assert [row.status for row in rows] == ["raised", "updated"]
    assert [row.summary for row in rows] == [
        "20 of MILK missing at a count (worth unknown)",
        "12 of MILK missing at a count (worth unknown)",
    ]


def test_a_wrong_count_takes_the_loss_back() -> None:
    """Corrections leave what would have been without the wrong event."""
    wrong = counted("second", at(600), 3)
    story = [counted("first", at(0), 40), wrong, tick(at(700)), corrected("x", wrong), tick(at(710))]
    assert said(replayed(story), RULE) == [RAISED, ("retracted", "provisional")]


def test_goods_that_the_next_count_finds_were_not_lost() -> None:
    """They stood in the wrong place."""
    story = [counted("first", at(0), 40), counted("second", at(600), 30), counted("third", at(1200), 40)]
    assert _heard(*story) == [RAISED, ("retracted", "provisional")]


def test_the_next_count_closes_a_loss_that_stays() -> None:
    """The book has been set right."""
    assert _heard(counted("first", at(0), 40), counted("second", at(600), 30), counted("third", at(1200), 30))[-1][0] == "resolved"


def test_small_losses_add_up() -> None:
    """Two units a week are never much, and never stop."""
    rows = contents(replayed(in_order(_weekly(90, 81, 72, 63, 54), 6, 35)).derived, AlertChanged)
    assert [row.status for row in rows][:1] == ["raised"]
    assert rows[-1].summary == "8 of MILK lost little by little in 4 counts (worth unknown)"
    assert rows[-1].evidence.event_ids == tuple(identity(f"S1/c{week}") for week in range(1, 5))
    assert said(replayed(in_order(_weekly(90, 83, 76, 69, 62), 6, 35)), RULE) == []


def test_answers_before_a_count_move_the_probability() -> None:
    """A loss of four standard deviations is told where losses were real before; a later answer is for the next count."""
    story = [counted("first", at(0), 40), counted("second", at(600), 38)]
    assert _heard(*story) == []
    assert _heard(*answered(2, "true_alarm", RULE, at(599)), *story) == [RAISED]
    assert _heard(*answered(2, "true_alarm", RULE, at(601)), *story) == []


def test_answers_move_how_far_small_losses_must_add_up() -> None:
    """Three false alarms cost one more count of such losses, as many true ones save one, and ten are never reached."""

    def first(*answers: Event[Any]) -> list[str]:
        story = in_order([*answers, *_weekly(90, 81, 72, 63, 54)], 6, 35)
        return [row.summary for row in contents(replayed(story).derived, AlertChanged) if row.rule == RULE][:1]

    assert first() == ["6 of MILK lost little by little in 3 counts (worth unknown)"]
    assert first(*answered(3, "false_alarm", RULE, at(-60))) == ["8 of MILK lost little by little in 4 counts (worth unknown)"]
    assert first(*answered(3, "true_alarm", RULE, at(-60))) == ["4 of MILK lost little by little in 2 counts (worth unknown)"]
    assert first(*answered(10, "false_alarm", RULE, at(-60))) == []


def test_a_limit_moves_as_chance_reaches_it() -> None:
    """Half as often by chance costs ln 2 ÷ (2 · slack); neither praise nor no slack at all takes the limit away."""
    assert limit_for(1.0, 7.0, 0.5) == 7.0
    assert limit_for(0.5, 7.0, 0.5) == pytest.approx(7.0 + math.log(2))
    assert limit_for(0.5, 7.0, 1.0) == pytest.approx(7.0 + math.log(2) / 2)
    assert limit_for(8.0, 1.0, 0.5) == 0.5
    assert limit_for(0.5, 7.0, 0.0) == pytest.approx(7.0 + 2 * math.log(2))


def test_an_alert_is_confirmed_when_late_data_has_had_its_week() -> None:
    """Until then it may still be taken back."""
    assert _heard(counted("first", at(0), 40), counted("second", at(600), 30), last_day=10) == [RAISED, ("updated", "confirmed")]


def test_history_on_a_live_clock_raises_nothing() -> None:
    """A loss of last month that is loaded today alarms nobody, then or later."""
    live = [tick(at((60 + day) * DAY), time="live") for day in range(3)]
    assert said(replica_of(log_of(live[0], counted("first", at(0), 40), counted("second", at(600), 3), *live[1:])), RULE) == []


@PROPERTY
@given(shelf_worlds(), st.sampled_from([5, 12, 30]), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter_in_the_end(world: Story, every_hours: int, random: Any) -> None:
    """Up to six days late, and however often the clock ticks: the same open alerts in the same words."""
    late = replayed(arriving(world, random, 6, every_hours))
    assert open_alerts(late, RULE) == open_alerts(replayed(in_order(world, 12)), RULE)


@PROPERTY
@given(shelf_worlds(), st.data())
def test_a_replayed_suffix_changes_nothing(world: Story, data: st.DataObject) -> None:
    """A worker that starts again from an earlier offset says nothing new and holds the same states."""
    log = log_of(*in_order(world, 24))
    replica, whole = replica_of(log, 7), replica_of(log)
    replica.restart()
    replica.apply(log[data.draw(st.integers(0, len(log) - 1)) :])
    assert own_states(replica, RULE, "count_noise") == own_states(whole, RULE, "count_noise")
    assert open_alerts(replica, RULE) == open_alerts(whole, RULE)


@PROPERTY
@given(shelf_worlds(), st.randoms(use_true_random=False))
def test_repeats_change_nothing(world: Story, random: Any) -> None:
    """Facts that come twice are facts all the same."""
    story = in_order(world, 12)
    assert open_alerts(replayed(repeating(story, random)), RULE) == open_alerts(replayed(story), RULE)


class _Deaf(Shrinkage):
    """A damaged rule: it does not hear of sales that come late."""

    def touched(self, happening: Any, view: View) -> Any:
        """Return nothing for sales."""
        return super().touched(happening, view) if not isinstance(happening, Occurred) or "count" in happening.event.type else []


@pytest.mark.parametrize(("damaged", "catches"), [(_Deaf(), True), (Shrinkage(), False)])
def test_the_law_of_order_catches_a_rule_that_is_deaf_to_late_sales(damaged: Shrinkage, catches: bool) -> None:
    """The negative control: the loss stands although the goods were sold."""
    sale = sold("late", at(300), quantity=10)
    first, second, last = counted("first", at(0), 40), counted("second", at(600), 30), tick(at(710))
    late, early = (Replica(Fold((ReorderPoint(), damaged))) for _ in range(2))
    late.apply(log_of(first, second, tick(at(700)), sale, last))
    early.apply(log_of(first, sale, second, tick(at(700)), last))
    assert (open_alerts(late, RULE) != open_alerts(early, RULE)) == catches


def _row(number: int, missing: int, moved: int = 0) -> Counted:
    return Counted(number * WEEK, (number - 1) * WEEK, bytes([number]) * 16, (50 - missing) * UNITS, 50 * UNITS, moved * UNITS)


def test_noise_grows_with_what_moved() -> None:
    """The variance of a count is a square of units, and so much more for each unit moved."""
    assert noise(_row(1, 0), TERMS) == 1
    assert noise(_row(1, 0, moved=400), TERMS) == 3
    assert noise(_row(1, 0, moved=400), TERMS, 4) == 6


def test_the_scale_moves_from_the_policys_to_the_stores() -> None:
    """As many counts as the prior is worth lie half way; one thief does not move it far."""
    assert scale_of(0, 0, TERMS) == 1
    assert scale_of(sum(ratios([_row(1, 2)] * 50, TERMS)), 50, TERMS) == 2.5
    assert ratios([_row(1, 1000)], TERMS) == [9]


def test_the_usual_loss_is_a_share_of_what_moves() -> None:
    """Two units of a hundred at each count, once there are enough of them; one thief counts for three noises."""
    rows = [_row(1, 2, moved=100)] * 50
    assert loss_rate(capped_loss(rows, TERMS), 5000, TERMS) == pytest.approx(0.02, rel=0.02)
    assert capped_loss([_row(1, 50)], TERMS) == 3


def test_a_run_ends_where_its_sum_comes_back_to_nothing() -> None:
    """It is told as it stood at its highest."""
    judged = [Judged(_row(number, 0), 1, z) for number, z in enumerate([0.2, 2, 2, 2, -3, -3, 2], 1)]
    (run, end), (last, open_end) = runs(judged, 0.5)
    assert (run.since, run.until, run.level, run.counts) == (WEEK, 4 * WEEK, 4.5, 3)
    assert end is judged[5]
    assert (last.since, open_end) == (6 * WEEK, None)


def test_one_large_loss_is_no_run_of_small_ones() -> None:
    """What one count shows beyond three noises is for the other test."""
    ((run, _),) = runs([Judged(_row(1, 0), 1, 50.0)], 0.5)
    assert run.level == 2.5


def test_a_count_of_a_week_that_was_learned_changes_no_scale() -> None:
    """Else it would be learned from twice, or out of its turn."""
    known = CountNoise(scales=((week_of(microseconds(at(0)), "S1"), 1.0, 0.0),))
    learned, open_week = (with_sheet(known, counted("c", at(-weeks * 7 * DAY), 5), "S1") for weeks in (2, 1))
    assert (learned.waiting, [skus for _, skus in open_week.waiting]) == ((), [("MILK",)])


def test_what_moved_before_a_count_is_remembered_when_it_has_settled() -> None:
    """Half of it is settled when a late sale has the count judged again; its noise is that of all."""
    story: Story = [counted("first", at(0), 90), *(sold(f"s{day}", at(day * DAY + 60), quantity=2) for day in range(10))]
    story = in_order([*story, counted("second", at(10 * DAY), 70)], 6, 43)
    replica = replayed([*story, sold("late", at(9 * DAY), quantity=1), tick(at(43 * DAY + 700))])
    state = read_state(SHRINKAGE, read_held(replica.held["S1|shrinkage|MILK"]))
    assert isinstance(state, ShrinkageState)
    assert [row.moved for row in state.rows] == [20 * UNITS]


@given(st.floats(-6, 6))
def test_the_tail_is_that_of_the_normal_distribution(z: float) -> None:
    """Against the library."""
    assert tail(z) == pytest.approx(float(ndtr(-z)), rel=1e-9)


@given(st.integers(0, 2**51), st.text("ABC123-", min_size=1))
def test_weeks_of_a_store_follow_each_other(moment: int, store: str) -> None:
    """Every moment is in exactly one."""
    week = week_of(moment, store)
    assert begin_of(week, store) <= moment < begin_of(week + 1, store) == begin_of(week, store) + WEEK


def test_the_state_of_a_sku_is_small_and_has_an_end() -> None:
    """A count a week for two years leaves a dozen of them, less than a kilobyte, and the store a name for each week."""
    story: Story = []
    for week in range(104):
        when = at(week * 7 * DAY)
        story += [counted(f"c{week}", when, 50), tick(when + timedelta(hours=2)), tick(when + timedelta(days=3))]
    states = replayed(story).states()
    assert len(states["S1|shrinkage|MILK"][1]) < 1000
    assert len(states["S1|count_noise|store"][1]) < 2000
