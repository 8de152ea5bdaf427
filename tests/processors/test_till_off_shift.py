"""Till off shift: told when a till is used as somebody who is not clocked in, and taken back by a punch that comes late."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.events.alerts import AlertChanged
from contracts.events.registry import ALERT_ANSWERED, TICK
from processors.fold import Fold
from processors.rules.cashier_ledger import CashierLedger
from processors.rules.rule import Entity, View
from processors.rules.till_off_shift import PUNCHES, TillOffShift
from tests.examples import examples
from tests.processors.events import at, clocked_in, corrected, event, log_of, record, tick
from tests.processors.oracle import Replica, alerts, contents
from tests.processors.sales_stories import store_defined
from tests.processors.stories import Story
from tests.processors.till_events import DAY, clocked_out, opened, policy, refunded, replica, rules, rung, standing

RULE = "till_off_shift"
PROPERTY = settings(
    max_examples=examples(40),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
BEN = [clocked_in("ben-in", at(0), "ben"), clocked_out("ben-out", at(480), "ben")]
_PEOPLE = ("ana", "ben")
_DAYS = 3


def _said(*story: Event[Any]) -> list[tuple[str, str, str]]:
    return [(row.subject, row.status, row.stage) for row in contents(replica(*BEN, *story).derived, AlertChanged) if row.rule == RULE]


def test_it_waits_for_late_punches_then_tells_then_confirms() -> None:
    """Nothing within two hours, provisional then, confirmed a day after the business date."""
    sale = rung("s", at(60), "ana")
    assert _said(sale, tick(at(70)), tick(at(170))) == []
    assert _said(sale, tick(at(180 + 180))) == [("ana", "raised", "provisional")]
    assert _said(sale, tick(at(360)), tick(at(3 * DAY))) == [("ana", "raised", "provisional"), ("ana", "updated", "confirmed")]


def test_who_is_clocked_in_is_left_in_peace() -> None:
    """From the grace before the clock-in to the grace after the clock-out."""
    there = [clocked_in("in", at(60), "ana"), clocked_out("out", at(300), "ana")]
    sales = [rung(f"s{minute}", at(minute), "ana") for minute in (46, 60, 200, 314)]
    assert _said(*there, *sales, tick(at(3 * DAY))) == []
    for minute in (44, 316):
        assert len(_said(*there, rung("s", at(minute), "ana"), tick(at(3 * DAY)))) == 1


def test_a_late_punch_retracts_even_what_was_confirmed() -> None:
    """The record came days late; the person had been there."""
    said = _said(rung("s", at(60), "ana"), tick(at(3 * DAY)), clocked_in("in", at(50), "ana"), tick(at(3 * DAY + 200)))
    assert said == [("ana", "raised", "confirmed"), ("ana", "retracted", "confirmed")]


@pytest.mark.parametrize("looks", [(), (16 * 60 + 35 * DAY - 1,), (16 * 60 + 35 * DAY,), (36 * DAY,)])
def test_an_alert_that_nobody_can_end_any_more_is_closed(looks: tuple[int, ...]) -> None:
    """35 days after the business date, and not before; at the latest when its day is forgotten."""
    story = [rung("s", at(60), "ana"), tick(at(3 * DAY)), *(tick(at(minute)) for minute in looks)]
    is_closed = bool(looks) and looks[0] >= 16 * 60 + 35 * DAY
    assert [row[1] for row in _said(*story)] == ["raised", *["orphaned"] * is_closed]
    assert [row[1] for row in _said(*story, tick(at(60 * DAY)))] == ["raised", "orphaned"]


def test_a_late_clock_out_uncovers_what_looked_covered() -> None:
    """A sale after a clock-out that is heard of later was off shift all along."""
    story = [clocked_in("in", at(0), "ana"), rung("s", at(300), "ana"), tick(at(500)), clocked_out("out", at(200), "ana"), tick(at(900))]
    assert _said(*story) == [("ana", "raised", "provisional")]


def test_a_punch_that_never_was_covers_nothing() -> None:
    """A corrected clock-in leaves the sale uncovered."""
    punch = clocked_in("in", at(0), "ana")
    assert _said(punch, rung("s", at(60), "ana"), tick(at(500)), corrected("x", punch), tick(at(900))) == [("ana", "raised", "provisional")]


def test_a_sale_that_never_was_retracts() -> None:
    """Without the sale nobody used the till."""
    sale = rung("s", at(60), "ana")
    assert _said(sale, tick(at(500)), corrected("x", sale), tick(at(900)))[-1][1] == "retracted"


def test_a_night_shift_covers_the_next_business_date() -> None:
    """Punches of the day before count."""
    story = [clocked_in("in", at(15 * 60), "ana"), rung("s", at(17 * 60), "ana"), clocked_out("out", at(23 * 60), "ana")]
    assert _said(*story, tick(at(4 * DAY))) == []


def test_a_store_without_a_time_clock_is_not_judged() -> None:
    """Where nobody punches nobody can be missing."""
    assert contents(replica(rung("s", at(60), "ana"), tick(at(3 * DAY))).derived, AlertChanged) == []


def test_a_clock_that_runs_ahead_accuses_nobody() -> None:
    """The edge marked the time as wrong, so it says nothing about shifts."""
    sale = rung("s", at(60), "ana")
    ahead = type(sale)(sale.envelope.model_copy(update={"clock_ahead": True}), sale.data)
    assert _said(ahead, tick(at(3 * DAY))) == []


def test_the_evidence_names_what_was_done_and_when() -> None:
    """Money that went back makes it grave, and comes first; it is told in the store's currency, where that is known."""
    twice = [rung("s", at(60), "ana"), refunded("r", at(90), "ana", 700), opened("o", at(95), "ana"), rung("t", at(96), "ana")]
    for known, story, what, last, money in (
        ([], twice[:3], "1 receipt, 1 refund, 1 drawer opening", "09:35", "700 minor units"),
        ([store_defined()], twice, "2 receipts, 1 refund, 1 drawer opening", "09:36", "7.00 GBP"),
    ):
        told = replica(*known, *BEN, *story, tick(at(400))).derived
        (row,) = (each for each in alerts(told).values() if each.rule == RULE)
        span = f"from 2026-03-02T09:00:00+00:00 to 2026-03-02T{last}:00+00:00"
        assert row.evidence.observed == f"{what} {span} while ana was not clocked in; {money} paid back"
        assert row.evidence.event_ids == (*(each.id for each in story[1:3]), *(each.id for each in story[::3]))
        assert (row.severity, row.subject, row.window_start, row.window_end) == ("high", "ana", at(-8 * 60), at(16 * 60))


def test_the_policy_says_how_exact_punches_are() -> None:
    """A wider grace covers more."""
    story = [clocked_in("in", at(60), "ana"), rung("s", at(30), "ana"), tick(at(3 * DAY))]
    assert len(_said(*story)) == 1
    assert _said(policy(RULE, grace_minutes=30), *story) == []


def test_after_three_false_alarms_nothing_is_said_of_a_person() -> None:
    """A manager who never punches is known after a few answers; a true alarm takes one of them back."""

    def answers(*said: str) -> Story:
        return [
            event(ALERT_ANSWERED, f"a{i}", at(-700 + i), {
                "alert_id": f"14957a50-ae77-5173-9871-12777b29fd{i:02x}", "rule": RULE, "subject": "ana", "answer": answer,
            })
            for i, answer in enumerate(said)
        ]  # fmt: skip

    story = [rung("s", at(60), "ana"), tick(at(3 * DAY))]
    assert _said(*answers("false_alarm", "false_alarm", "false_alarm"), *story) == []
    assert len(_said(*answers("false_alarm", "false_alarm", "false_alarm", "true_alarm"), *story)) == 1


@st.composite
def worlds(draw: st.DrawFn) -> Story:
    """Receipts, openings and punches of two people over three days, and corrections of some."""
    facts: Story = []
    for number, minute in enumerate(draw(st.lists(st.integers(0, _DAYS * DAY - 300), unique=True, max_size=14))):
        kind = draw(st.sampled_from(("sale", "refund", "opening", "in", "in", "out")))
        person, when = draw(st.sampled_from(_PEOPLE)), at(minute)
        make = {"sale": rung, "refund": refunded, "opening": opened, "in": clocked_in, "out": clocked_out}[kind]
        facts.append(make(f"e{number}", when, person))
    wrong = draw(st.lists(st.sampled_from(facts), unique_by=lambda each: each.id, max_size=3)) if facts else []
    return [*facts, *(corrected(f"x{number}", each) for number, each in enumerate(wrong))]


def _told_of(facts: Story, minutes: list[int], random: Any) -> Story:
    """Put ascending ticks anywhere between what happened, and ticks after it all."""
    story = list(facts)
    for place, minute in zip(sorted(random.randint(0, len(story)) for _ in minutes), sorted(minutes), strict=True):
        done = sum(1 for each in story if each.type == TICK)
        story.insert(place + done, tick(at(minute)))
    return [*story, tick(at(_DAYS * DAY + 60)), tick(at(10 * DAY)), tick(at(11 * DAY))]


TICKS = st.lists(st.integers(0, _DAYS * DAY), max_size=6)
RANDOMS = st.randoms(use_true_random=False)


@PROPERTY
@given(worlds(), TICKS, RANDOMS)
def test_the_order_of_the_facts_and_the_places_of_the_ticks_do_not_matter_in_the_end(world: Story, ticks: list[int], random: Any) -> None:
    """Shuffled facts end in the same alerts with the same words as facts in order under few ticks."""
    in_order = sorted(world, key=lambda each: each.envelope.occurred_at)
    wanted = standing(replica(*_told_of(in_order, [], random)), RULE)
    assert standing(replica(*_told_of(random.sample(world, len(world)), ticks, random)), RULE) == wanted


@PROPERTY
@given(worlds(), TICKS, RANDOMS, st.integers(1, 5))
def test_replayed_and_recut_logs_change_nothing(world: Story, ticks: list[int], random: Any, size: int) -> None:
    """Any suffix handed over again changes no state; any cutting into batches gives the same states."""
    log = log_of(*_told_of(random.sample(world, len(world)), ticks, random))
    whole, cut = Replica(Fold(rules())), Replica(Fold(rules()))
    whole.apply(log)
    states = whole.states()
    for start in range(0, len(log), size):
        cut.apply(log[start : start + size])
    whole.apply(log[random.randint(0, len(log) - 1) :])
    assert whole.states() == states
    assert cut.states() == states


@PROPERTY
@given(worlds(), RANDOMS)
def test_a_correction_gives_what_would_have_been(world: Story, random: Any) -> None:
    """A log in which wrong events are corrected away ends like one in which they never were."""
    wrong = {each.data.corrects_event_id for each in world if each.type.startswith("event.corrected")}
    right = [each for each in world if each.id not in wrong and not each.type.startswith("event.corrected")]
    made = standing(replica(*_told_of(random.sample(world, len(world)), [], random)), RULE)
    assert made == standing(replica(*_told_of(right, [], random)), RULE)


class _Deaf(TillOffShift):
    """A damaged rule: a punch is kept, and the days around it are not looked at again."""

    def touched(self, happening: Any, view: View) -> list[Entity]:
        found = list(super().touched(happening, view))
        return found[:1] if found and found[0].kind is PUNCHES else found


def test_a_rule_that_does_not_look_again_is_caught() -> None:
    """The negative control of the law of order."""
    came, sale, left, look = clocked_in("in", at(0), "ana"), rung("s", at(300), "ana"), clocked_out("out", at(200), "ana"), tick(at(700))
    for rule, same in ((TillOffShift(), True), (_Deaf(), False)):
        orders = ([came, sale, left, look], [came, sale, look, left])
        early, late = (standing(replica(*each, tick(at(5 * DAY)), of=(CashierLedger(), rule)), RULE) for each in orders)
        assert (early == late) == same


def test_history_on_a_live_clock_raises_nothing() -> None:
    """Receipts of days ago that arrive today alarm nobody."""
    later = at(5 * DAY)
    ticks = [tick(later + timedelta(hours=hours), time="live") for hours in (0, 4, 8, 60)]
    log = [record(each, offset, later + timedelta(days=3)) for offset, each in enumerate([ticks[0], *BEN, rung("s", at(60)), *ticks[1:]])]
    made = Replica(Fold(rules()))
    made.apply(log)
    assert alerts(made.derived) == {}


def test_a_day_of_punches_is_small_and_forgotten_after_its_time() -> None:
    """Twenty people with two punches each are below two kilobytes; nothing stays after the retention."""
    punches = [make(f"{make.__name__}{i}", at(i), f"person-{i}") for i in range(20) for make in (clocked_in, clocked_out)]
    made = replica(*punches, rung("s", at(60), "ana"), tick(at(600)))
    assert 0 < sum(len(body) for key, (_, body) in made.states().items() if f"|{PUNCHES.name}|" in key) < 2_000
    after = replica(*punches, rung("s", at(60), "ana"), *(tick(at(day * DAY)) for day in (1, 30, 60)))
    assert {body for key, (_, body) in after.states().items() if "|till_" in key} == {b""}
