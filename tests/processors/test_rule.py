"""What every rule works with: times as whole microseconds."""

from datetime import datetime
from zoneinfo import ZoneInfo

from processors.rules.rule import microseconds, moment_of


def test_an_hour_that_comes_twice_is_two_hours() -> None:
    """When clocks are put back two times look alike, and compare equal: what is remembered of one is not said of the other."""
    first = datetime(2026, 10, 25, 1, 30, tzinfo=ZoneInfo("Europe/London"))
    second = first.replace(fold=1)
    assert first == second
    assert microseconds(second) - microseconds(first) == 3_600_000_000
    assert moment_of(microseconds(second)) == second.astimezone(ZoneInfo("UTC"))
