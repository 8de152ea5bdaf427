"""Presses of a time clock, stores and policies as the tests of attendance rules write them, and what a rule said of a story."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from contracts.envelope import CHAIN_WIDE, Event
from contracts.events.alerts import AlertChanged
from contracts.events.registry import BREAK_ENDED, BREAK_STARTED, CLOCKED_IN, CLOCKED_OUT, EMPLOYEE_DEFINED, POLICY_SET, STORE_DEFINED
from tests.processors import oracle
from tests.processors.events import at, event, log_of
from tests.processors.oracle import Replica, contents, replica_of

HOUR = 60
DAY = 24 * HOUR
TYPES = {"in": CLOCKED_IN, "out": CLOCKED_OUT, "break": BREAK_STARTED, "back": BREAK_ENDED}


def press(direction: str, minute: float, employee: str = "ana", name: str = "", **content: Any) -> Event[Any]:
    """Press the time clock; the name tells presses of one kind and moment apart."""
    data = {"employee_id": employee, **content}
    return event(TYPES[direction], f"{direction}/{employee}/{minute}/{name}", at(minute), data)


def presses(employee: str = "ana", **minutes: float) -> list[Event[Any]]:
    """Press several kinds, once each."""
    return [press(direction.rstrip("_"), minute, employee) for direction, minute in minutes.items()]


def store(country: str = "KR", heads: int | None = 11, zone: str = "Asia/Seoul", cut_off: int = 0) -> Event[Any]:
    """Open a store long ago."""
    data = {
        "version": 1,
        "effective_from": at(-400 * DAY),
        "store_id": "S1",
        "name": "one",
        "timezone": zone,
        "currency": "KRW",
        "country": country,
        "cut_off_hour": cut_off,
        "head_count": heads,
    }
    return event(STORE_DEFINED, "store", at(-400 * DAY), data)


def person(until: date | None = date(2027, 1, 1), version: int = 1, employee: str = "ana", since: float = -400 * DAY) -> Event[Any]:
    """Say until when somebody is under age."""
    data = {"version": version, "effective_from": at(since), "employee_id": employee, "store_id": "S1", "minor_until": until}
    return event(EMPLOYEE_DEFINED, f"{employee}/{version}", at(since), {name: value for name, value in data.items() if value})


def policy(name: str, since: float = -400 * DAY, version: int = 1, **parameters: Any) -> Event[Any]:
    """Set a rule's parameters for the chain."""
    data = {"version": version, "effective_from": at(since), "parameters": {"policy": name, **parameters}}
    return event(POLICY_SET, f"{name}/{version}", at(since), data, CHAIN_WIDE)


def said(rule: str, *story: Event[Any]) -> list[tuple[str, str, str]]:
    """Return status, stage and severity of each transition that a rule told."""
    return [(row.status, row.stage, row.severity) for row in told(rule, replica_of(log_of(*story)))]


def told(rule: str, replica: Replica) -> list[AlertChanged]:
    """Return the transitions that a rule told."""
    return [row for row in contents(replica.derived, AlertChanged) if row.rule == rule]


def stands(replica: Replica, rules: Iterable[str] | None = None) -> dict[Any, Any]:
    """Return the last content of every alert that is open, without the number of its transition."""
    open_ones = (row for row in oracle.alerts(replica.derived).values() if row.status in {"raised", "updated"})
    return {
        row.alert_id: row.model_copy(update={"transition": 1, "status": "raised"})
        for row in open_ones
        if rules is None or row.rule in set(rules)
    }


def moment(minute: float) -> datetime:
    """Return a time of the story."""
    return at(minute)
