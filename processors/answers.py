"""What people answered to alerts, as state: how often a rule was right about a subject. Pure.

The last answer to each alert counts, so a person can change their mind.
"""

import msgspec

from contracts.envelope import Event
from contracts.events.alerts import AlertAnswered
from processors.rules.rule import Feedback, Kind, State, microseconds

_KEPT = 200


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """One person's word on one alert."""

    alert: bytes
    at: int
    is_true: bool


class Answers(State, frozen=True, array_like=True):
    """The latest answers about one subject of one rule."""

    rows: tuple[Answer, ...] = ()


ANSWERS = Kind("answers", Answers, 1, 2)


def name_of(rule: str, subject: str) -> str:
    """Name the state of a subject."""
    return f"{rule}/{subject}"


def with_answer(known: State | None, event: Event[AlertAnswered]) -> Answers:
    """Add an answer, unless it says nothing on whether the alert was right."""
    rows = known.rows if isinstance(known, Answers) else ()
    if event.data.answer not in {"true_alarm", "false_alarm"}:
        return Answers(rows)
    row = Answer(event.data.alert_id.bytes, microseconds(event.envelope.occurred_at), event.data.answer == "true_alarm")
    return Answers(tuple(sorted((*rows, row), key=lambda each: (each.at, each.alert))[-_KEPT:]))


def feedback(known: State | None, moment: int) -> Feedback:
    """Count the last answers to each alert that were given until a time (Unix microseconds)."""
    rows = known.rows if isinstance(known, Answers) else ()
    last = {row.alert: row.is_true for row in rows if row.at <= moment}
    right = sum(last.values())
    return Feedback(right, len(last) - right)
