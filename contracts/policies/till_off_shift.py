"""Parameters of the rule that notices tills used under the id of somebody who is not clocked in."""

from typing import Literal

from pydantic import Field

from contracts.fields import Amount
from contracts.policies.parameters import PolicyParameters


class TillOffShiftPolicy(PolicyParameters):
    """How exact punches are taken, and how long late ones are waited for."""

    policy: Literal["till_off_shift"] = Field(default="till_off_shift", description="Names the rule; always written.")
    grace_minutes: int = Field(
        default=15, ge=0, le=240, description="So long before a clock-in and after a clock-out work at a till is in order.", examples=[15]
    )
    longest_shift_hours: int = Field(
        default=16, ge=1, le=48, description="A clock-in without a clock-out ends by itself after so long.", examples=[16]
    )
    patience_minutes: int = Field(
        default=120, ge=0, le=1440, description="How long a punch may be late before an alert is raised.", examples=[120]
    )
    confirm_hours: int = Field(
        default=24, ge=0, le=168, description="How long after the end of the business day an alert is confirmed.", examples=[24]
    )
    least_events: int = Field(default=1, ge=1, le=1000, description="Fewer events off shift than these are never told.", examples=[1])
    high_amount: Amount | None = Field(
        default=None,
        description="Money paid back off shift from which an alert is of high severity, minor units; absent: any.",
        examples=[50000],
    )
