"""Parameters of the rule about people who come late."""

from typing import Literal

from pydantic import Field

from contracts.policies.parameters import PolicyParameters


class LateArrivalPolicy(PolicyParameters):
    """How late is late, in minutes, and how often is often."""

    policy: Literal["late_arrival"] = Field(default="late_arrival", description="Names the rule; always written.")
    grace_minutes: int = Field(default=5, ge=0, le=240, description="A clock-in up to this long after the start is in time.", examples=[5])
    medium_minutes: int = Field(default=30, ge=0, le=720, description="From this lateness on the severity is medium.", examples=[30])
    often: int = Field(default=3, ge=2, le=31, description="So many late arrivals in one month are reported as repeated.", examples=[3])
