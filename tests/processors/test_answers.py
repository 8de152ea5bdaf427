"""What people answered, as rules see it: the last word on each alert counts, in any order, once, unless it is taken back."""

from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.events.registry import ALERT_ANSWERED, EVENT_CORRECTED
from processors import answers
from processors.answers import ANSWERS
from processors.rules.rule import Feedback, microseconds
from processors.state import key_of, read_held, read_state
from tests.examples import examples
from tests.processors.events import at, corrected, event, identity, log_of, record, tick
from tests.processors.oracle import Replica, replica_of

PROPERTY = settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow])
LATER = at(1_000)


def answered(name: str, when: datetime, answer: str, alert: str = "one", subject: str = "ana") -> Event[Any]:
    """Answer an alert."""
    data = {"alert_id": identity(f"alert/{alert}"), "rule": "tried_rule", "subject": subject, "answer": answer}
    return event(ALERT_ANSWERED, name, when, data)


def heard(replica: Replica, subject: str = "ana", moment: datetime = LATER) -> Feedback:
    """Return what rules hear about a subject."""
    value = replica.held.get(key_of("S1", ANSWERS, answers.name_of("tried_rule", subject)))
    return answers.feedback(read_state(ANSWERS, read_held(value)) if value else None, microseconds(moment))


@st.composite
def courses(draw: st.DrawFn) -> list[Event[Any]]:
    """Answers to two alerts, each at a minute of its own, and corrections of some of them and of corrections."""
    minutes = draw(st.lists(st.integers(0, 900), unique=True, min_size=1, max_size=8))
    said = st.sampled_from(("true_alarm", "false_alarm", "false_alarm", "acknowledged"))
    story = [answered(f"a{m}", at(m), draw(said), draw(st.sampled_from(("one", "two")))) for m in minutes]
    for number, wrong in enumerate(draw(st.lists(st.sampled_from(story), unique_by=lambda each: each.id, max_size=3))):
        right = {**wrong.data.model_dump(mode="json", exclude_none=True), "answer": "true_alarm"} if draw(st.booleans()) else None
        story.append(corrected(f"x{number}", wrong, right))
        if draw(st.booleans()):
            story.append(corrected(f"y{number}", story[-1]))
    return story


def by_definition(story: list[Event[Any]]) -> Feedback:
    """Say the slow way what counts where each event has at most one correction: the last word on each alert."""
    names = {each.data.corrects_event_id: each for each in story if each.type == EVENT_CORRECTED}
    last: dict[Any, tuple[datetime, str]] = {}
    for each in story:
        wrong = each.type == EVENT_CORRECTED
        content = each.data.replacement if wrong else each.data.model_dump(mode="json")
        counts = each.id not in names if not wrong else each.id not in names and content is not None
        # A correction that is taken back by one that says nothing happened leaves nothing: what it named stays wrong.
        if counts and content["answer"] in {"true_alarm", "false_alarm"}:
            when = each.data.corrects_occurred_at if wrong else each.envelope.occurred_at
            last[content["alert_id"]] = max(last.get(content["alert_id"], (at(-1), "")), (when, content["answer"]))
    said = [answer for _, answer in last.values()]
    return Feedback(said.count("true_alarm"), said.count("false_alarm"))


@PROPERTY
@given(courses(), st.randoms(use_true_random=False))
def test_feedback_is_what_its_definition_says_in_any_order_and_with_repeats(story: list[Event[Any]], random: Any) -> None:
    """Late, shuffled, repeated, corrected before or after: the same counts."""
    often = [*story, *random.sample(story, len(story) // 2)]
    shuffled = random.sample(often, len(often))
    assert heard(replica_of(log_of(*shuffled))) == by_definition(story)


def test_a_repeat_that_counted_again_would_be_seen() -> None:
    """Negative control of the repeats: two answers under two ids, about two alerts, are two."""
    story = [answered("a", at(1), "false_alarm", "one"), answered("b", at(2), "false_alarm", "two"), answered("a", at(1), "false_alarm")]
    assert heard(replica_of(log_of(*story))) == Feedback(0, 2)


def test_only_what_was_said_until_then_is_heard() -> None:
    """A rule that judges a past moment hears what people had said by that moment."""
    replica = replica_of(log_of(answered("a", at(10), "false_alarm"), answered("b", at(20), "true_alarm")))
    assert [heard(replica, moment=at(minute)) for minute in (9, 10, 20)] == [Feedback(), Feedback(0, 1), Feedback(1, 0)]


def test_a_corrected_answer_counts_as_it_really_was() -> None:
    """One event takes the old word back and brings the right one, both in the same state."""
    wrong = answered("a", at(1), "false_alarm")
    right = {**wrong.data.model_dump(mode="json", exclude_none=True), "answer": "true_alarm"}
    assert heard(replica_of(log_of(wrong, corrected("x", wrong, right)))) == Feedback(1, 0)


def test_an_answer_taken_back_stays_so_when_its_correction_is_forgotten() -> None:
    """Corrections are kept for their retention only, answers for as long as they are among the last."""
    wrong = answered("a", at(1), "false_alarm")
    other = answered("b", at(60 * 24 * 50), "acknowledged")
    story = [wrong, corrected("x", wrong), tick(at(60 * 24 * 40)), corrected("y", other), answered("c", at(60 * 24 * 41), "true_alarm")]
    assert heard(replica_of(log_of(*story)), moment=at(60 * 24 * 60)) == Feedback(1, 0)


def test_a_correction_takes_an_answer_back_after_a_crash_between_any_two_states() -> None:
    """A worker that dies while it writes what a correction changed ends as if it had lived."""
    wrong = answered("a", at(1), "false_alarm")
    for written in range(6):
        replica = replica_of(log_of(wrong))
        undone = record(corrected("x", wrong), 1)
        replica.apply([undone], written)
        replica.apply([undone])
        assert (written, heard(replica)) == (written, Feedback())


def test_two_answers_at_one_moment_count_the_same_in_any_order() -> None:
    """Which of them is the last follows from the answers, not from their way to the log."""
    both = [answered("a", at(1), "false_alarm"), answered("b", at(1), "true_alarm")]
    assert heard(replica_of(log_of(*both))) == heard(replica_of(log_of(*reversed(both))))


def test_answers_are_bounded() -> None:
    """The last two hundred of a subject are kept, in less than 32 kB."""
    replica = replica_of(log_of(*(answered(f"a{n}", at(n), "false_alarm", f"alert-{n}") for n in range(300))))
    assert heard(replica) == Feedback(0, 200)
    assert max(len(value) for key, value in replica.held.items() if "|answers|" in key) < 32_000
