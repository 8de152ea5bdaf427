"""When people are told of an alert: at once, or at the end of the store's quiet hours. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from contracts.events.alerts import AlertChanged
from contracts.policies.alerting import AlertingPolicy

_RANKS = {"low": 0, "medium": 1, "high": 2, "never": 3}


def notify_at(alert: AlertChanged, at: datetime, policy: AlertingPolicy | None, timezone: str | None) -> datetime | None:
    """Return the end of the quiet hours that the transition falls into; None: tell at once."""
    if policy is None or timezone is None or policy.quiet_from is None or policy.quiet_until is None:
        return None
    if _RANKS[alert.severity] >= _RANKS[policy.breaks_quiet]:
        return None
    local = at.astimezone(ZoneInfo(timezone))
    end = local.replace(
        hour=policy.quiet_until.hour, minute=policy.quiet_until.minute, second=policy.quiet_until.second, microsecond=0, fold=0
    )
    if end <= local:
        end += timedelta(days=1)
    begin = end.replace(hour=policy.quiet_from.hour, minute=policy.quiet_from.minute, second=policy.quiet_from.second)
    if begin >= end:
        begin -= timedelta(days=1)
    return end if begin <= local < end else None
