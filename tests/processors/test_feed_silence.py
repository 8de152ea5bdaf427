"""A till that is usually heard of and is not: noticed by the clock, taken back by what it had kept, and no reason to see a drop."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.events.alerts import AlertChanged
from contracts.events.reference import WEEKDAYS
from contracts.topics import DEAD_LETTERS
from processors.rules import till_signs
from processors.rules.feed_silence import FeedSilence
from processors.rules.rule import Entity, View
from processors.rules.sales_deviation import SalesDeviation
from tests.examples import examples
from tests.processors.events import tick
from tests.processors.oracle import Replica, alerts, contents
from tests.processors.sales_stories import Story, compared, day, folded, heartbeat, observations, policy, sales_of, standing, store_defined

PROPERTY = settings(max_examples=examples(6), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
DAYS = 10
LAST = DAYS - 1


def beats(silent_from: float = 99, silent_to: float = 99, till: str = "T1", days: int = DAYS) -> Story:
    """Hear of a till every quarter of an hour from 8 to 20, on the last day not in some hours."""
    quarters = [(number, 8 + quarter / 4) for number in range(days) for quarter in range(48)]
    return [heartbeat(day(number, at), till) for number, at in quarters if not (number == days - 1 and silent_from <= at < silent_to)]


def in_order(happened: Story, until: float = 20, days: int = DAYS) -> Story:
    """Tell it as it happened, with a tick every half hour of the last two days."""
    ticks = [tick(day(days - 2) + (day(1) - day(0)) * (half / 48)) for half in range(96)]
    story = [each for each in [*happened, *ticks] if each.envelope.occurred_at <= day(days - 1, until)]
    return [store_defined(), *sorted(story, key=lambda event: (event.envelope.occurred_at, event.type == "tick.v1"))]


def said(*story: Any) -> list[tuple[str, str, str]]:
    """Return what was told: till, status and severity."""
    replica = folded(story, rules=(FeedSilence(),))
    assert not [each for each in replica.derived if each.topic == DEAD_LETTERS]
    return [(row.subject, row.status, row.severity) for row in contents(replica.derived, AlertChanged)]


def ends(replica: Replica) -> dict[Any, Any]:
    """Return the alerts that stand at the end, with their words."""
    rows = alerts(replica.derived).values()
    return {(row.subject, row.window_start): (row.evidence, row.severity) for row in rows if row.status in {"raised", "updated"}}


def test_a_till_that_falls_silent_is_noticed_after_its_time() -> None:
    """Not after half an hour, but after an hour."""
    assert said(*in_order(beats(12, 15), until=12.75)) == []
    assert said(*in_order(beats(12, 15), until=13.5)) == [("T1", "raised", "medium")]


def test_it_is_resolved_when_the_till_is_heard_of_again() -> None:
    """The silence was real, and it is over."""
    assert said(*in_order(beats(12, 15), until=16)) == [("T1", "raised", "medium"), ("T1", "resolved", "medium")]


def test_it_is_retracted_when_what_the_till_had_kept_arrives() -> None:
    """The till was offline and not silent: its signs come late."""
    late = [each for each in beats() if day(LAST, 12) <= each.envelope.occurred_at < day(LAST, 15)]
    story = in_order(beats(12, 15), until=14)
    assert said(*story, *late, tick(day(LAST, 15)))[-1] == ("T1", "retracted", "medium")


def test_it_is_retracted_days_later_too() -> None:
    """It was over long ago; what the till had kept came only then, and is of a day that is looked at anew."""
    days = DAYS + 3
    late = [each for each in beats() if day(LAST, 12) <= each.envelope.occurred_at < day(LAST, 15)]
    heard = [each for each in beats(days=days) if each not in late]
    story = in_order(heard, days=days)
    ticks = [tick(day(LAST) + (day(1) - day(0)) * (half / 48)) for half in range(48)]
    story = sorted([*story, *ticks], key=lambda each: (each.envelope.occurred_at, each.type == "tick.v1"))
    assert said(*story)[-1] == ("T1", "resolved", "medium")
    assert said(*story, *late, tick(day(days - 1, 20.5)))[-1] == ("T1", "retracted", "medium")


def test_a_long_silence_is_grave() -> None:
    """Severity rises with the time for which data are missing."""
    assert said(*in_order(beats(10, 20), until=15))[-1] == ("T1", "updated", "high")


def test_a_closed_shop_is_not_silent() -> None:
    """At night nothing is heard of any till, and that is usual."""
    assert said(*in_order(beats(), until=24)) == []


def hours(closes: str, *weekdays: str) -> list[dict[str, str]]:
    """Open at eight, on these weekdays or on all."""
    return [{"weekday": weekday, "opens": "08:00", "closes": closes} for weekday in weekdays or WEEKDAYS]


def test_nothing_is_expected_outside_the_hours_that_a_store_names() -> None:
    """It closes earlier than it was heard of until now, or trades on this weekday no more; within its hours silence is silence."""
    story = in_order(beats(12, 15))[1:]
    weekday = WEEKDAYS[day(LAST).weekday()]

    assert said(store_defined(hours=hours("12:00")), *story) == []
    assert said(store_defined(hours=hours("20:00", *(each for each in WEEKDAYS if each != weekday))), *story) == []
    assert said(store_defined(hours=hours("20:00", weekday)), *story)[0] == ("T1", "raised", "medium")
    zoned = store_defined(timezone="Asia/Seoul", hours=[{"weekday": each, "opens": "20:00", "closes": "05:00"} for each in WEEKDAYS])
    assert said(zoned, *story)[0] == ("T1", "raised", "medium"), "from 11 to 20 hours UTC"
    zoned = store_defined(timezone="Asia/Seoul", hours=[{"weekday": each, "opens": "08:00", "closes": "21:00"} for each in WEEKDAYS])
    assert said(zoned, *story) == [], "until 12 hours UTC"


def test_a_till_of_which_little_is_known_is_not_expected() -> None:
    """After one day nobody knows when a till is usually heard of."""
    assert said(*in_order(beats(12, 20, days=2), days=2)) == []


def test_a_till_that_should_be_there_and_never_was_is_silent() -> None:
    """The settings of the store name it, and the others are heard of."""
    story = in_order(beats())
    assert ("T2", "raised", "medium") in said(store_defined(tills=["T1", "T2"]), *story[1:])


def test_the_policy_says_how_long_is_too_long() -> None:
    """With half an hour put up with, it is noticed earlier."""
    story = in_order(beats(12, 15), until=12.75)
    assert said(policy(policy="feed_silence", silent_minutes=30), *story) == [("T1", "raised", "medium")]


@PROPERTY
@given(st.randoms(use_true_random=False), st.lists(st.floats(0, LAST + 0.5), max_size=4), st.sampled_from((14.0, 20.0)))
def test_any_order_of_the_signs_ends_in_the_same_alerts(random: Any, ticks: list[float], until: float) -> None:
    """Shuffled signs with ticks anywhere in between end with what ordered ones end with."""
    story = in_order(beats(12, until))
    end = day(LAST, until - 0.25)
    happened = [each for each in story if each.type == "till.heartbeat.v1" and each.envelope.occurred_at < end]
    shuffled: Story = random.sample(happened, len(happened))
    for at, place in zip(sorted(ticks), sorted(random.sample(range(len(happened)), len(ticks))), strict=True):
        shuffled.insert(place, tick(min(end, day(0) + at * (day(1) - day(0)))))
    ordered = [each for each in story if each.envelope.occurred_at < end]
    assert ends(folded([store_defined(), *shuffled, tick(end)], (FeedSilence(),))) == ends(folded([*ordered, tick(end)], (FeedSilence(),)))


def test_missing_sequence_numbers_are_told_as_evidence() -> None:
    """What the till's own counter skips is what did not arrive."""
    numbered = [
        type(each)(each.envelope.model_copy(update={"device_id": "T1", "device_seq": number * (2 if number > 440 else 1)}), each.data)
        for number, each in enumerate(beats(18, 20))
    ]
    replica = folded(in_order(numbered, until=19.75), rules=(FeedSilence(),))
    (row,) = alerts(replica.derived).values()
    assert "of its sequence numbers missing" in row.evidence.observed


@pytest.mark.parametrize("delivered", [False, True])
def test_sales_of_a_store_with_a_silent_till_are_held_back(delivered: bool) -> None:
    """Half of the sales are missing with the till that has them: no drop is raised; when they are there and still low, one is."""
    days = 16
    happened = [each for number in range(days) for each in sales_of(number, share=0.2 if number == days - 1 else 1.0, till="T1")]
    alive = [heartbeat(day(number, hour)) for number in range(days) for hour in (9, 9.5, 10, 10.5, 11, 11.5)]
    heard = [each for each in [*happened, *alive] if delivered or each.envelope.occurred_at < day(days - 1, 9.6)]
    story = in_order(heard, until=24, days=days)
    replica = folded(story, rules=(FeedSilence(), SalesDeviation()))
    assert observations(replica.derived)[("S1", day(days - 1).date().isoformat(), 11)].silent is not delivered
    assert [rule for rule, _, _ in standing(compared(replica))] == (["sales_drop"] if delivered else [])


def test_a_day_on_which_a_till_fell_silent_is_not_learned_from() -> None:
    """Its missing sales would be taken for what is usual."""
    days = 16
    story = [each for number in range(days) for each in sales_of(number, till="T1")]
    story += [heartbeat(day(number, hour)) for number in range(days) for hour in (9, 9.5, 10, 10.5, 11, 11.5)]
    heard = [each for each in story if not day(8, 9.6) <= each.envelope.occurred_at < day(9)]
    like_days = {
        len(told): observations(folded(in_order(told, until=24, days=days), rules=(FeedSilence(), SalesDeviation())).derived)[
            "S1", day(days - 1).date().isoformat(), 11
        ].like_days
        for told in (story, heard)
    }
    assert like_days == {len(story): 2, len(heard): 1}


def test_a_sign_older_than_its_page_marks_nothing() -> None:
    """Pages go in turn: the day that had this one before is long over."""
    page = till_signs.with_sign(None, heartbeat(day(64, 9)))
    assert till_signs.with_sign(page, heartbeat(day(0, 12))) == page


def test_what_is_usual_is_worked_out_again_when_marks_of_days_before_change() -> None:
    """A till was heard of in two hours of some days; late signs show that it was open all day long, as the next look finds."""
    signs = [each for each in beats(10, 20, till="T2") if each.envelope.occurred_at >= day(LAST - 4)]
    first = [each for each in signs if (each.envelope.occurred_at - day(0)) % (day(1) - day(0)) < day(0, 10) - day(0)]
    story = in_order([*beats(), *first], until=14)
    assert said(*story) == []
    assert said(*story, *(each for each in signs if each not in first), tick(day(LAST, 14.25)))[-1] == ("T2", "raised", "high")


class _Deaf(FeedSilence):
    """A damaged rule: it looks only from the last look on, so a late sign takes nothing back."""

    def touched(self, happening: Any, view: View) -> list[Entity]:
        """Never tell the feed of a sign."""
        return [each for each in super().touched(happening, view) if each.kind.name != "feed" or view.state(each) is None]


def test_a_rule_that_does_not_hear_late_signs_is_caught() -> None:
    """The negative control: after late signs the damaged rule still holds a silence that was none."""
    late = [each for each in beats() if day(LAST, 12) <= each.envelope.occurred_at < day(LAST, 15)]
    story = [*in_order(beats(12, 15), until=14), *late]
    assert (
        ends(
            folded(
                [
                    *story,
                    tick(
                        day(
                            LAST,
                            14,
                        )
                        + (day(1) - day(0)) / 1440
                    ),
                ],
                (FeedSilence(),),
            )
        )
        == {}
    )
    assert (
        ends(
            folded(
                [
                    *story,
                    tick(
                        day(
                            LAST,
                            14,
                        )
                        + (day(1) - day(0)) / 1440
                    ),
                ],
                (_Deaf(),),
            )
        )
        != {}
    )


def test_the_state_of_a_till_is_bounded() -> None:
    """Marks go in turn under the same keys, and end when nobody needs them."""
    replica = folded([store_defined(), *beats(), tick(day(DAYS)), tick(day(100))], (FeedSilence(),))
    states = {key: body for key, (_, body) in replica.states().items()}
    assert [key for key, body in states.items() if "|till_signs|" in key and body] == []
    assert len(states["S1|feed|T1"]) < 200
