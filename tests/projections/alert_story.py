"""Alerts and the answers to them as tests tell them, and what people must see of them, computed the slow way."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from contracts.envelope import Event
from contracts.events.registry import ALERT_ANSWERED, ALERT_CHANGED, EVENT_CORRECTED
from contracts.identifiers import derived_id
from tests.projections.story import at, event

OPEN = {"raised", "updated", "acknowledged"}
GRAVITY = ("low", "medium", "high")


def changed(
    number: int, status: str, severity: str = "low", stage: str = "provisional", *, minute: float = 0, notify: float | None = None,
    subject: str = "ana", store: str = "S1",
) -> Event[Any]:  # fmt: skip
    """Make transition `number` of the alert about a subject, at a minute."""
    data = {
        "alert_id": derived_id("alert", store, subject), "transition": number, "rule": "no_show", "rule_version": 1, "policy_version": 0,
        "status": status, "stage": stage, "severity": severity, "subject": subject, "window_start": at(0), "window_end": at(60),
        "summary": "no punch", "evidence": {"observed": "none", "expected": "one"},
    }  # fmt: skip
    data |= {"notify_at": at(notify)} if notify is not None else {}
    return event(ALERT_CHANGED, f"alert/{subject}/{number}", at(minute), data, store)


def answered(
    name: str, minute: float, answer: str, seen: int | None = None, subject: str = "ana", store: str = "S1", of: str | None = None
) -> Event[Any]:
    """Answer the alert about a subject at a minute; `of` is the store whose alert is meant, if not the answer's own."""
    data = {"alert_id": derived_id("alert", of or store, subject), "rule": "no_show", "subject": subject, "answer": answer, "by": "E-7"}
    return event(ALERT_ANSWERED, f"answer/{name}", at(minute), data | ({"transition": seen} if seen is not None else {}), store)


def status_seen(transitions: Sequence[Event[Any]], facts: Sequence[Event[Any]]) -> tuple[str, str | None]:
    """Return the status that people must see of one alert, and the newest judgement; answers and their corrections by place."""
    course = sorted(transitions, key=lambda each: each.data.transition)
    last = course[-1].data
    handled = _newest(facts, {"acknowledged", "resolved"})
    judged = _newest(facts, {"true_alarm", "false_alarm"})
    return _status(course, last, handled), judged["answer"] if judged else None


def _status(course: Sequence[Event[Any]], last: Any, handled: dict[str, Any] | None) -> str:
    if last.status not in OPEN or handled is None:
        return str(last.status)
    known = [each.data for each in course if _had_seen(each, handled)]
    if not known:
        return str(last.status)
    seen, later = known[-1], [each.data for each in course if each.data.transition > known[-1].transition]
    if handled["answer"] == "resolved":
        return str(last.status) if later else "resolved"
    worse = GRAVITY.index(last.severity) > GRAVITY.index(seen.severity) or (last.stage, seen.stage) == ("confirmed", "provisional")
    anew = any(each.status == "raised" for each in later)
    return str(last.status) if worse or anew else "acknowledged"


def _had_seen(transition: Event[Any], handled: dict[str, Any]) -> bool:
    if handled["transition"] is not None:
        return bool(transition.data.transition <= handled["transition"])
    return bool(transition.envelope.occurred_at <= handled["when"])


def _newest(facts: Sequence[Event[Any]], kinds: set[str]) -> dict[str, Any] | None:
    corrections = [each for each in facts if each.type == EVENT_CORRECTED]
    found: list[tuple[datetime, int, dict[str, Any]]] = []
    for place, each in enumerate(facts):
        content = each.data.replacement if each.type == EVENT_CORRECTED else each.data.model_dump(mode="json")
        if content is None or _is_out(each, corrections) or content["answer"] not in kinds:
            continue
        when = each.data.corrects_occurred_at if each.type == EVENT_CORRECTED else each.envelope.occurred_at
        found.append((when, place, {"answer": content["answer"], "transition": content.get("transition"), "when": when}))
    return max(found, key=lambda row: row[:2])[2] if found else None


def _is_out(fact: Event[Any], corrections: Iterable[Event[Any]]) -> bool:
    """Each event of these stories has one correction at most, and no correction has any."""
    return any(each.data.corrects_event_id == fact.id for each in corrections)
