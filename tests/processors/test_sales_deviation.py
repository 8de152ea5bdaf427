"""What a store says of its sales follows from its facts alone, whatever their order; and what the chain makes of it."""

from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.envelope import CHAIN_WIDE, Event
from contracts.events.registry import ALERT_ANSWERED, PROMOTION_DEFINED
from contracts.topics import DEAD_LETTERS
from processors.rules.rule import Decision, Entity, Happening, State, View
from processors.rules.sales.bucket import with_observation
from processors.rules.sales_deviation import SalesDeviation
from tests.examples import examples
from tests.processors.events import corrected, event, identity, tick
from tests.processors.observations import observed
from tests.processors.oracle import Replica
from tests.processors.sales_stories import Story, compared, day, folded, observations, sale, sales_of, standing, store_defined

PROPERTY = settings(max_examples=examples(5), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
DAYS = 16
DROPPED = 15


def facts(dropped: int = DROPPED, share: float = 0.3, days: int = DAYS) -> Story:
    """Sell as always but for one day."""
    return [each for number in range(days) for each in sales_of(number, share=share if number == dropped else 1.0)]


def in_order(happened: Story, days: int = DAYS, clocks: tuple[float, ...] = (10, 11, 12, 24)) -> Story:
    """Tell what happened as it happened, with a few ticks a day."""
    ticks = [tick(day(number, hour)) for number in range(days) for hour in clocks]
    return [store_defined(), *sorted([*happened, *ticks], key=lambda each: (each.envelope.occurred_at, each.type == "tick.v1"))]


def ends(replica: Replica) -> Any:
    """Return what stands in the end: every observation but for its revision, and the alerts with their content."""
    assert not [each for each in replica.derived if each.topic == DEAD_LETTERS]
    said = {place: content.model_copy(update={"revision": 1}) for place, content in observations(replica.derived).items()}
    told = {place: row.model_copy(update={"transition": 1, "status": "raised"}) for place, row in standing(compared(replica)).items()}
    evidence = {place: row.evidence.model_copy(update={"event_ids": ()}) for place, row in told.items()}
    return said, {place: row.model_copy(update={"evidence": evidence[place]}) for place, row in told.items()}


@cache
def ordered() -> Any:
    """Return what stands in the end when everything is told as it happens."""
    return ends(folded(in_order(facts())))


def test_a_day_with_a_third_of_the_sales_is_a_drop() -> None:
    """It is raised within the day, provisional, and confirmed at its end, with what was seen and expected."""
    replica = folded(in_order(facts()))
    ((rule, store, begin), alert), *others = standing(compared(replica)).items()
    assert (rule, store, begin, alert.stage, others) == ("sales_drop", "S1", day(DROPPED).isoformat(), "confirmed", [])
    early = standing(compared(folded(in_order(facts())[: -4 + 2])))
    assert [row.stage for row in early.values()] == ["provisional"]
    assert alert.evidence.probability is not None
    assert alert.evidence.probability < 0.01
    assert alert.evidence.event_ids
    assert alert.evidence.observed.endswith("GBP")


def test_a_day_with_four_times_the_sales_is_a_spike() -> None:
    """The other direction has its own alert."""
    assert [rule for rule, _, _ in standing(compared(folded(in_order(facts(share=4.0)))))] == ["sales_spike"]


def test_an_ordinary_day_is_no_news() -> None:
    """Observations are made, alerts are not."""
    replica = folded(in_order(facts(share=1.0)))
    assert ("S1", day(DROPPED).date().isoformat(), 11) in observations(replica.derived)
    assert standing(compared(replica)) == {}


def test_a_day_without_any_sale_is_noticed_by_the_clock() -> None:
    """Nothing happens on it at all, and that is the news."""
    assert [rule for rule, _, _ in standing(compared(folded(in_order(facts(share=0.0)))))] == ["sales_drop"]


@PROPERTY
@given(st.randoms(use_true_random=False), st.lists(st.floats(0, DAYS - 1), max_size=5))
def test_any_order_of_the_facts_ends_in_the_same_words(random: Any, ticks: list[float]) -> None:
    """Shuffled arrival with ticks anywhere in between says in the end what ordered arrival says."""
    happened = facts()
    shuffled: Story = random.sample(happened, len(happened))
    for at, place in zip(sorted(ticks), sorted(random.sample(range(len(happened)), len(ticks))), strict=True):
        shuffled.insert(place, tick(day(0) + at * (day(1) - day(0))))
    late = folded([store_defined(), *shuffled, tick(day(DAYS))])
    assert ends(late) == ordered()


@PROPERTY
@given(st.integers(0, 12), st.integers(1, 40))
def test_a_replayed_end_of_the_log_changes_nothing(from_day: int, batch: int) -> None:
    """Events that come again, in other batches, lead to no other observation."""
    story = in_order(facts())
    again = [each for each in story if each.type != "tick.v1" and each.envelope.occurred_at >= day(from_day)]
    assert ends(folded([*story, *again, tick(day(DAYS, 1))], batch=batch)) == ordered()


@pytest.mark.parametrize("before", [True, False])
def test_a_correction_gives_what_would_have_been_without_the_wrong_receipt(before: bool) -> None:
    """A receipt that was never sold is in no hour, whether the correction comes before it or long after the hour was closed."""
    wrong = sale("wrong", day(13, 10.5), 50_000)
    story = in_order(facts())
    fixed = corrected("x", wrong)
    with_both = [story[0], fixed, wrong, *story[1:]] if before else [*story[:-1], wrong, tick(day(DAYS - 1, 23)), fixed, story[-1]]
    assert ends(folded(with_both)) == ordered()


def test_late_sales_take_the_alert_back() -> None:
    """What a till delivers the day after gives the store its sales, and the alert is retracted."""
    missing = [each for each in sales_of(DROPPED) if each not in sales_of(DROPPED, share=0.3)]
    story = in_order(facts())
    chain = compared(folded([*story, *missing, tick(day(DAYS, 2))]))
    assert len(standing(compared(folded(story)))) == 1
    assert standing(chain) == {}


def test_history_on_a_live_clock_raises_nothing() -> None:
    """Weeks that are loaded long after they happened are learnt from, and nobody is alarmed about them."""
    story = [store_defined(), *facts(), tick(day(60), time="live"), tick(day(61), time="live")]
    assert standing(compared(folded(story))) == {}


def test_a_slump_of_the_whole_chain_is_nobodys_drop() -> None:
    """Twelve stores sell less on one day; the one that sells nearly nothing is the one that is named."""
    stores = [f"S{number:02}" for number in range(12)]
    happened = [
        each
        for store in stores
        for number in range(DAYS)
        for each in sales_of(number, store, share=0.1 if (store, number) == ("S03", DROPPED) else 0.8 if number == DROPPED else 1.0)
    ]
    story = [*(store_defined(store) for store in stores), *in_order(happened)[1:]]
    assert [subject for _, subject, _ in standing(compared(folded(story)))] == ["S03"]


def test_an_observation_says_whether_a_promotion_ran() -> None:
    """Days with one are compared with others that had one."""
    data = {"version": 1, "effective_from": day(0), "promotion_id": "p", "name": "", "kind": "other"}
    promotion = event(PROMOTION_DEFINED, "p", day(0), {**data, "starts_at": day(14), "ends_at": day(15)}, CHAIN_WIDE)
    said = observations(folded([promotion, *in_order(facts())]).derived)
    assert {place[1][-2:]: content.promoted for place, content in said.items() if content.promoted} == {"16": True}


def test_an_observation_carries_what_people_answered_until_then() -> None:
    """One false alarm makes a drop half as credible from its time on, and a spike none the less."""
    data = {"alert_id": identity("alert"), "rule": "sales_drop", "subject": "S1", "answer": "false_alarm"}
    said = observations(folded(in_order([*facts(), event(ALERT_ANSWERED, "a", day(14, 13), data)])).derived)
    trust = {hour: said["S1", day(14).date().isoformat(), hour].drop_trust for hour in (11, 23)}
    assert trust == {11: Decimal(1), 23: Decimal("0.5")}
    assert {content.spike_trust for content in said.values()} == {Decimal(1)}


def test_an_older_revision_replaces_no_newer_one() -> None:
    """Partitions of the stores' stage are read again after a crash."""
    newer, older = observed(9, actual=500, revision=2), observed(9, actual=5000, revision=1)
    assert with_observation(with_observation(None, newer), older).rows == with_observation(None, newer).rows
    assert with_observation(with_observation(None, older), newer).rows == with_observation(None, newer).rows


def test_the_state_of_a_store_is_bounded() -> None:
    """After the retention no receipt is left, after the baseline's reach no hour, and the book stays small."""
    story = [store_defined(), *facts(), tick(day(DAYS)), tick(day(60))]
    sums = [body for key, (_, body) in folded(story).states().items() if "|sales_hour|" in key]
    assert 0 < max(len(body) for body in sums) < 26, "a packed receipt has 26 bytes"
    replica = folded([*story, tick(day(200))])
    states = {key: body for key, (_, body) in replica.states().items() if "|sales_" in key}
    assert [key for key, body in states.items() if body and "|sales_hour|" in key] == []
    assert max(len(body) for body in states.values()) < 12_000


class _Forgetful(SalesDeviation):
    """A damaged rule: it does not notice that an hour which it has judged changed afterwards."""

    def touched(self, happening: Any, view: View) -> list[Entity]:
        """Leave the book alone once it is begun."""
        return [entity for entity in super().touched(happening, view) if entity.kind.name != "sales_book" or view.state(entity) is None]

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Decide as the rule does."""
        return super().decide(entity, state, happening, view)


def test_a_rule_that_forgets_late_facts_is_caught() -> None:
    """The negative control: late sales leave the damaged rule with another end than ordered ones."""
    happened = facts()
    late: list[Event[Any]] = [store_defined(), *happened[20:], tick(day(15, 23)), *happened[:20], tick(day(DAYS))]
    assert ends(folded(late)) == ordered()
    assert ends(folded(late, rules=(_Forgetful(),))) != ordered()
