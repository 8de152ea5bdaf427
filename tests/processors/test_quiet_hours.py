"""When people are told of an alert."""

from datetime import UTC, datetime, time, tzinfo
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


LONDON = ZoneInfo("Europe/London")
UNTIL_HALF_PAST_ONE = AlertingPolicy(quiet_from=time(22), quiet_until=time(1, 30))
FROM_HALF_PAST_ONE = AlertingPolicy(quiet_from=time(1, 30), quiet_until=time(7))


@pytest.mark.parametrize(
    ("moment", "policy", "told"),
    [
        (datetime(2026, 10, 25, 0, 15, tzinfo=UTC), UNTIL_HALF_PAST_ONE, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (datetime(2026, 10, 25, 0, 45, tzinfo=UTC), UNTIL_HALF_PAST_ONE, None),
        (datetime(2026, 10, 25, 1, 15, tzinfo=UTC), UNTIL_HALF_PAST_ONE, None),
        (datetime(2026, 10, 25, 0, 15, tzinfo=UTC), FROM_HALF_PAST_ONE, None),
        (datetime(2026, 10, 25, 1, 15, tzinfo=UTC), FROM_HALF_PAST_ONE, datetime(2026, 10, 25, 7, tzinfo=UTC)),
        (datetime(2026, 10, 24, 23, tzinfo=UTC), NIGHT, datetime(2026, 10, 25, 7, tzinfo=UTC)),
        (datetime(2026, 3, 28, 23, tzinfo=UTC), NIGHT, datetime(2026, 3, 29, 6, tzinfo=UTC)),
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), UNTIL_HALF_PAST_ONE, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("zone", [UTC, LONDON])
def test_quiet_hours_end_later_than_the_alert_also_where_clocks_change(
    moment: datetime, policy: AlertingPolicy, told: datetime | None, zone: tzinfo
) -> None:
    """An hour that comes twice ends quiet hours the first time; a night is as long as it is."""
    later = notify_at(alert("low"), moment.astimezone(zone), policy, "Europe/London")
    assert (later and later.astimezone(UTC)) == told


def test_without_quiet_hours_or_a_zone_people_are_told_at_once() -> None:
    """Nothing is put off by guessing."""
    assert notify_at(alert("low"), local(2, 23), None, "Asia/Seoul") is None
    assert notify_at(alert("low"), local(2, 23), AlertingPolicy(), "Asia/Seoul") is None
    assert notify_at(alert("low"), local(2, 23), NIGHT, None) is None
