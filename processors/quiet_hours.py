"""When people are told of an alert: at once, or at the end of the store's quiet hours. Pure.

Where clocks are set back, quiet hours begin and end when the clock shows the time first.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from contracts.events.alerts import AlertChanged
from contracts.policies.alerting import AlertingPolicy

_DAY = timedelta(days=1)
_RANKS = {"low": 0, "medium": 1, "high": 2, "never": 3}


def notify_at(alert: AlertChanged, at: datetime, policy: AlertingPolicy | None, timezone: str | None) -> datetime | None:
    """Return the end of the quiet hours that the transition falls into; None: tell at once."""
    if policy is None or timezone is None or policy.quiet_from is None or policy.quiet_until is None:
        return None
    if _RANKS[alert.severity] >= _RANKS[policy.breaks_quiet]:
        return None
    zone, moment = ZoneInfo(timezone), at.astimezone(UTC)  # in one zone, times compare by the clock on the wall, which is set back
    today = moment.astimezone(zone).date()
    for evening in (today - _DAY, today):
        morning = evening if policy.quiet_from < policy.quiet_until else evening + _DAY
        begin, end = (datetime.combine(day, clock, zone) for day, clock in ((evening, policy.quiet_from), (morning, policy.quiet_until)))
        if begin <= moment < end:
            return end
    return None
