"""The laws of all attendance rules together: order, repeats, redelivery, corrections, history and forgetting."""

from collections.abc import Iterable, Iterator
from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from contracts.envelope import Event
from processors.fold import Fold
from processors.rules import late_arrival
from processors.rules.alerting import Finding
from processors.rules.attendance import Attendance
from processors.rules.attendance_judging import JUDGES
from processors.rules.attendance_rules import AttendanceRules
from processors.rules.attendance_spans import Calendar, Scope, Span, spans_of
from processors.rules.attendance_work import Look, Work
from processors.rules.rule import View, moment_of
from processors.state import read_held
from tests.examples import examples
from tests.processors.attendance_facts import DAY, HOUR, TYPES, person, press, stands, store
from tests.processors.events import at, corrected, log_of, record, shift, tick
from tests.processors.oracle import Replica, contents, replica_of
from tests.processors.stories import Story

PROPERTY = settings(max_examples=examples(10), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
RULES = {speaker.rule for speaker, _ in JUDGES} | {"repeated_lateness"}
_DAYS = 4
_PEOPLE = ("ana", "ben")
_PLACES = (None, {"verdict": "outside"}, {"verdict": "inside", "accuracy_m": 300})


@st.composite
def shifts(draw: st.DrawFn) -> Story:
    """Shifts on some days, with revisions that move, cancel or hand them on; most are known before they begin."""
    made = []
    for number in range(draw(st.integers(0, 4))):
        for revision in range(1, draw(st.sampled_from((1, 1, 2))) + 1):
            begin = draw(st.integers(0, _DAYS - 1)) * DAY + draw(st.integers(1, 9)) * HOUR
            end = begin + draw(st.sampled_from((4, 9, 14))) * HOUR
            who, status = draw(st.sampled_from(_PEOPLE)), draw(st.sampled_from(("planned", "planned", "planned", "cancelled")))
            published = at(draw(st.integers(0, begin + HOUR)))
            made.append(shift(f"s{number}", at(begin), at(end), who, revision, status, published))
    return made


@st.composite
def facts(draw: st.DrawFn) -> Story:
    """Shifts, and presses near the hours at which such days have them."""
    made = draw(shifts())
    for number in range(draw(st.integers(0, 14))):
        minute = draw(st.integers(0, _DAYS - 1)) * DAY + draw(st.integers(0, 23)) * HOUR + draw(st.sampled_from((0, 0.5, 1, 7, 40)))
        place = draw(st.sampled_from(_PLACES))
        more = {} if place is None else {"location": place}
        made.append(press(draw(st.sampled_from(sorted(TYPES))), minute, draw(st.sampled_from(_PEOPLE)), str(number), **more))
    return made


@st.composite
def worlds(draw: st.DrawFn) -> Story:
    """Facts and corrections of some of them."""
    happened = draw(facts())
    assume(happened)
    wrong = draw(st.lists(st.sampled_from(happened), unique_by=lambda each: each.id, max_size=2))
    return [*happened, *(corrected(f"x{number}", each, _right(draw, each)) for number, each in enumerate(wrong))]


def _right(draw: st.DrawFn, wrong: Event[Any]) -> dict[str, Any] | None:
    if draw(st.booleans()):
        return None
    return {**wrong.data.model_dump(mode="json", exclude_none=True), "employee_id": draw(st.sampled_from(_PEOPLE))}


def story_of(world: Story, random: Random | None, every: float = 3 * HOUR) -> Story:
    """Let facts arrive as they happen, or up to 23 hours later or two days ahead of the clock, with ticks in between and one long after."""
    delays = [random.uniform(-2 * DAY, 23 * HOUR) if random else 0 for _ in world]
    arrivals = sorted(zip((_minute(each) + delay for each, delay in zip(world, delays, strict=True)), range(len(world)), strict=True))
    story, clock = [store(), person(date(2026, 3, 4))], 0.0
    for arrival, place in arrivals:
        while clock + every <= arrival:
            clock += every
            story.append(tick(at(clock)))
        story.append(world[place])
    return [*story, tick(at(14 * DAY))]


def _minute(each: Event[Any]) -> float:
    return (each.envelope.occurred_at - at(0)).total_seconds() / 60


@PROPERTY
@given(worlds(), st.randoms(use_true_random=False), st.sampled_from((HOUR, 5 * HOUR, DAY)))
def test_late_and_shuffled_arrivals_end_in_the_same_words(world: Story, random: Random, every: int) -> None:
    """Any order within the lateness, with the clock in any steps, leaves the same alerts with the same content."""
    ordered, late = (replica_of(log_of(*story)) for story in (story_of(world, None), story_of(world, random, every)))
    assert stands(late, RULES) == stands(ordered, RULES)


@PROPERTY
@given(worlds(), st.randoms(use_true_random=False), st.integers(0, 30))
def test_a_suffix_on_the_log_again_changes_nothing(world: Story, random: Random, again: int) -> None:
    """Repeats of events say nothing new."""
    story = story_of(world, random)
    once, twice = replica_of(log_of(*story)), replica_of(log_of(*story, *story[-again:]))
    assert [each.value for each in twice.derived] == [each.value for each in once.derived]


@PROPERTY
@given(worlds(), st.randoms(use_true_random=False), st.data())
def test_a_worker_that_dies_between_two_writes_ends_as_if_it_had_lived(world: Story, random: Random, data: st.DataObject) -> None:
    """The groups of states are written so that what is read is never ahead."""
    log, replica = log_of(*story_of(world, random)), Replica()
    cut = data.draw(st.integers(1, len(log)))
    replica.apply(log[:cut], data.draw(st.integers(0, 2)))
    replica.restart()
    replica.apply(log)
    whole = replica_of(log)
    assert replica.states() == whole.states()
    assert stands(replica) == stands(whole)


@PROPERTY
@given(facts(), st.randoms(use_true_random=False), st.data())
def test_a_correction_leaves_what_would_have_been_without_the_wrong_event(happened: Story, random: Random, data: st.DataObject) -> None:
    """Whatever it was and whenever it is taken back."""
    assume(happened)
    wrong = data.draw(st.sampled_from(happened))
    right = [each for each in happened if each is not wrong]
    undone = replica_of(log_of(*story_of([*happened, corrected("x", wrong)], random)))
    assert stands(undone, RULES) == stands(replica_of(log_of(*story_of(right, None))), RULES)


@PROPERTY
@given(worlds())
def test_history_on_a_live_clock_raises_nothing(world: Story) -> None:
    """What is loaded of last year is known and not told, then or at any later tick."""
    now = 400 * DAY
    story = [store(), person(), tick(at(now), time="live"), *world, tick(at(now + 20), time="live"), tick(at(now + 2 * DAY), time="live")]
    log = [record(each, offset, recorded_at=at(now + 2 * DAY)) for offset, each in enumerate(story)]
    assert stands(replica_of(log)) == {}


def _by_when_it_is_heard(work: Work, view: View) -> Iterator[Finding | Look]:
    """Judge like the rule, but only while the shift goes on: what is heard later goes by."""
    for each in late_arrival.judge(work, view):
        if not (isinstance(each, Finding) and work.has_passed(each.window_end)):
            yield each


def test_a_rule_that_judges_by_when_it_hears_breaks_the_law() -> None:
    """The negative control of the law of order: the same facts, in time and late, end in different words."""
    world = [shift("s", at(HOUR), at(3 * HOUR)), press("in", 90)]
    damaged = ((late_arrival.SPEAKER, _by_when_it_is_heard),)
    ends = []
    for story in ([*world, tick(at(2 * HOUR))], [world[0], tick(at(4 * HOUR)), world[1]]):
        replica = Replica(Fold((AttendanceRules(damaged),)))
        replica.apply(log_of(*story))
        ends.append(stands(replica))
    assert ends[0] != ends[1]


def _everything(attendance: Attendance, moments: Iterable[Span], calendar: Calendar) -> Scope:
    spans = spans_of(attendance)
    days = {calendar.monday(moment_of(at)) for span in spans for at in (*range(span.first, span.last, 86_400_000_000), span.last)}
    return Scope(tuple(spans), tuple(sorted(days)))


@st.composite
def busy_fortnights(draw: st.DrawFn) -> Story:
    """One person's presses and shifts in disorder over two weeks, close enough to reach into each other."""
    made: Story = []
    for number in range(draw(st.integers(0, 8))):
        begin = draw(st.integers(0, 13 * 24)) * HOUR
        made.append(shift(f"s{number}", at(begin), at(begin + draw(st.sampled_from((6, 10, 14))) * HOUR), published=at(0)))
        if draw(st.booleans()):
            begin += draw(st.integers(-30, 30)) * HOUR
            made.append(shift(f"s{number}", at(begin), at(begin + 9 * HOUR), revision=2, published=at(0)))
    for number in range(draw(st.integers(6, 30))):
        made.append(
            press(draw(st.sampled_from(("in", "in", "out", "break", "back"))), draw(st.integers(0, 14 * 24)) * HOUR, name=str(number))
        )
    return made


@PROPERTY
@given(busy_fortnights(), st.randoms(use_true_random=False))
def test_what_is_judged_again_is_all_that_an_event_can_change(world: Story, random: Random) -> None:
    """Judging only the spans and weeks around an event tells what judging everything would tell, transition by transition."""
    log = log_of(*story_of(world, random, DAY))
    ends = []
    for rules in (AttendanceRules(), AttendanceRules(scoping=_everything)):
        replica = Replica(Fold((rules,)))
        replica.apply(log)
        ends.append(sorted((each.value or b"") for each in replica.derived))
    assert ends[0] == ends[1]


def test_forgetting_is_complete_and_what_is_kept_is_small() -> None:
    """Two months of a person who comes late and forgets a punch now and then: 15 kB at most, and nothing in the end."""
    story = [store()]
    for day in range(60):
        begin = day * DAY
        story += [shift(f"s{day}", at(begin + 60), at(begin + 10 * HOUR)), press("in", begin + 60 + day % 9)]
        story += [press("break", begin + 300), press("back", begin + 360)]
        story += [press("out", begin + 10 * HOUR + 1)] if day % 10 else []
        story.append(tick(at(begin + 20 * HOUR)))
    replica = replica_of(log_of(*story))
    sizes = {key: len(value) for key, value in replica.held.items() if "|attendance" in key}
    assert max(sizes.values()) < 15_000, sizes
    replica.apply([record(tick(at(120 * DAY)), len(story))])
    left = [key for key, value in replica.held.items() if ("|attendance" in key or "|shift|" in key) and read_held(value).body]
    assert left == []
    assert stands(replica, RULES) == {}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_can_be_heard_in_such_stories(rule: str) -> None:
    """The stories are worth something: each rule speaks in some of them."""
    heard = set()
    for seed in range(60):
        random = Random(seed)
        world: Story = [shift(f"s{n}", at(n * DAY + 60), at(n * DAY + 14 * HOUR), published=at(0)) for n in range(4)]
        for n in range(4):
            came = press("in", n * DAY + 60 + random.choice((0, 20)), location={"verdict": "outside"})
            world += [came] if random.random() < 0.9 else []
            world += [press("in", n * DAY + 60.5)] if random.random() < 0.3 else []
            world += [press("out", n * DAY + random.choice((13, 14)) * HOUR)] if random.random() < 0.8 else []
        heard |= {row.rule for row in stands(replica_of(log_of(*story_of(world, random)))).values()}
        if rule in heard:
            return
    pytest.fail(f"{rule} was never heard")


def test_transitions_are_numbered_without_a_gap() -> None:
    """Whatever the way, readers see one, two, three."""
    random = Random(5)
    world: Story = [shift("s", at(60), at(10 * HOUR), published=at(0)), *(press("in", 60 + n * 20, name=str(n)) for n in range(5))]
    numbers: dict[Any, list[int]] = {}
    for row in contents(replica_of(log_of(*story_of(world, random, HOUR))).derived, object):
        if hasattr(row, "transition"):
            numbers.setdefault(row.alert_id, []).append(row.transition)
    assert all(each == list(range(1, len(each) + 1)) for each in numbers.values())
