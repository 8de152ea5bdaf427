"""What people answered to alerts, as state: how often a rule was right about a subject. Pure.

The last answer to each alert counts, so a person can change their mind; a repeat of one says nothing new, and one that a
correction takes back is kept without counting, since the correction itself is forgotten earlier.
"""

from collections.abc import Set as AbstractSet

import msgspec

from contracts.envelope import Event
from contracts.events.alerts import AlertAnswered
from processors.rules.rule import Feedback, Kind, State, microseconds

_KEPT = 200


class Answer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One person's word on one alert."""

    alert: bytes
    at: int
    is_true: bool
    event: bytes = b""
    counts: bool = True


class Answers(State, frozen=True, array_like=True):
    """The latest answers about one subject of one rule."""

    rows: tuple[Answer, ...] = ()


ANSWERS = Kind("answers", Answers, 1, 5)


def name_of(rule: str, subject: str) -> str:
    """Name the state of a subject."""
    return f"{rule}/{subject}"


def with_answer(known: State | None, event: Event[AlertAnswered], counts: bool = True) -> Answers:
    """Add an answer, unless it is known already or says nothing on whether the alert was right."""
    rows = known.rows if isinstance(known, Answers) else ()
    if event.data.answer not in {"true_alarm", "false_alarm"} or any(row.event == event.id.bytes for row in rows):
        return Answers(rows)
    is_true = event.data.answer == "true_alarm"
    row = Answer(event.data.alert_id.bytes, microseconds(event.envelope.occurred_at), is_true, event.id.bytes, counts)
    return Answers(tuple(sorted((*rows, row), key=lambda each: (each.at, each.event))[-_KEPT:]))


def judged_again(known: State | None, changed: AbstractSet[bytes], without_effect: AbstractSet[bytes]) -> Answers:
    """Let corrections take effect on the answers whose ids they changed."""
    rows = known.rows if isinstance(known, Answers) else ()
    return Answers(
        tuple(msgspec.structs.replace(row, counts=row.event not in without_effect) if row.event in changed else row for row in rows)
    )


def feedback(known: State | None, moment: int) -> Feedback:
    """Count the last answers to each alert that were given until a time (Unix microseconds)."""
    rows = known.rows if isinstance(known, Answers) else ()
    last = {row.alert: row.is_true for row in rows if row.counts and row.at <= moment}
    right = sum(last.values())
    return Feedback(right, len(last) - right)
