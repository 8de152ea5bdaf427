"""When people are told of an alert."""

from datetime import datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

import pytest

from contracts.events.alerts import AlertChanged, Evidence
from contracts.policies.alerting import AlertingPolicy
from processors.quiet_hours import notify_at
from tests.processors.events import at, identity

SEOUL = ZoneInfo("Asia/Seoul")
NIGHT = AlertingPolicy(quiet_from=time(22), quiet_until=time(7))
NOON = AlertingPolicy(quiet_from=time(12), quiet_until=time(13), breaks_quiet="never")


def alert(severity: Literal["low", "medium", "high"]) -> AlertChanged:
    """Make an alert of a severity."""
    return AlertChanged(
        alert_id=identity("a"), transition=1, rule="r", rule_version=1, policy_version=0, status="raised", stage="provisional",
        severity=severity, subject="s", window_start=at(0), window_end=at(1), summary="", evidence=Evidence(observed="", expected=""),
    )  # fmt: skip


def local(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a time in Seoul."""
    return datetime(2026, 3, day, hour, minute, tzinfo=SEOUL)


@pytest.mark.parametrize(
    ("moment", "policy", "severity", "told"),
    [
        (local(2, 23), NIGHT, "medium", local(3, 7)),
        (local(3, 3), NIGHT, "low", local(3, 7)),
        (local(3, 7), NIGHT, "low", None),
        (local(3, 21, 59), NIGHT, "low", None),
        (local(3, 22), NIGHT, "low", local(4, 7)),
        (local(2, 23), NIGHT, "high", None),
        (local(3, 12, 30), NOON, "high", local(3, 13)),
        (local(3, 13), NOON, "high", None),
    ],
)
def test_an_alert_waits_for_the_end_of_quiet_hours_unless_it_is_grave(
    moment: datetime, policy: AlertingPolicy, severity: Literal["low", "medium", "high"], told: datetime | None
) -> None:
    """Hours that cross midnight end on the next morning; the end is no longer quiet."""
    assert notify_at(alert(severity), moment, policy, "Asia/Seoul") == told


def test_without_quiet_hours_or_a_zone_people_are_told_at_once() -> None:
    """Nothing is put off by guessing."""
    assert notify_at(alert("low"), local(2, 23), None, "Asia/Seoul") is None
    assert notify_at(alert("low"), local(2, 23), AlertingPolicy(), "Asia/Seoul") is None
    assert notify_at(alert("low"), local(2, 23), NIGHT, None) is None
