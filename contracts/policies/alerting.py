"""When people are told of alerts, and how much false alarm they put up with."""

from datetime import time
from typing import Literal

from pydantic import Field

from contracts.fields import DecimalString
from contracts.policies.parameters import PolicyParameters


class AlertingPolicy(PolicyParameters):
    """Quiet hours of a store in its own time, and the budget of false alarms that feedback may use up."""

    policy: Literal["alerting"] = Field(default="alerting", description="Names the policy; always written.")
    quiet_from: time | None = Field(default=None, description="Local time at which quiet hours begin; absent: none.", examples=["22:00:00"])
    quiet_until: time | None = Field(default=None, description="Local time at which they end.", examples=["07:00:00"])
    breaks_quiet: Literal["low", "medium", "high", "never"] = Field(
        default="high", description="Severity from which an alert is told at once all the same."
    )
    false_alarms_per_100_store_days: DecimalString = Field(
        default=1, gt=0, validate_default=True, description="How many false alarms a rule may raise.", examples=["1"]
    )
