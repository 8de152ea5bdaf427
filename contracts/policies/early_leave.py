"""Parameters of the rule about people who leave early."""

from typing import Literal

from pydantic import Field

from contracts.policies.parameters import PolicyParameters


class EarlyLeavePolicy(PolicyParameters):
    """How early is early, and how long the person may still come back, in minutes."""

    policy: Literal["early_leave"] = Field(default="early_leave", description="Names the rule; always written.")
    grace_minutes: int = Field(default=5, ge=0, le=240, description="A clock-out up to this long before the end is in time.", examples=[5])
    wait_minutes: int = Field(
        default=60, ge=0, le=240, description="So long after a clock-out the person may come back before anybody is told.", examples=[60]
    )
    medium_minutes: int = Field(
        default=60, ge=0, le=720, description="From this many missing minutes on the severity is medium.", examples=[60]
    )
