"""Parameters of the rule about punches that are missing."""

from typing import Literal

from pydantic import Field

from contracts.policies.parameters import PolicyParameters


class MissedPunchPolicy(PolicyParameters):
    """How long after the shift's end a clock-out may be missing, in minutes."""

    policy: Literal["missed_punch"] = Field(default="missed_punch", description="Names the rule; always written.")
    remind_minutes: int = Field(default=120, ge=0, le=240, description="So long after the end people are reminded.", examples=[120])
    confirm_minutes: int = Field(
        default=240, ge=0, le=240, description="So long after the end it counts as missed; without a shift after 16 hours.", examples=[240]
    )
