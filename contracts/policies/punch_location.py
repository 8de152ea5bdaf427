"""Parameters of the rule about where people punch."""

from typing import Literal

from pydantic import Field

from contracts.policies.parameters import PolicyParameters


class PunchLocationPolicy(PolicyParameters):
    """Which evidence of the place is not good enough without approval."""

    policy: Literal["punch_location"] = Field(default="punch_location", description="Names the rule; always written.")
    accuracy_metres: int = Field(
        default=100, ge=10, le=5000, description="A fix less exact than this is no fix, unless a beacon was heard.", examples=[100]
    )
    uncertain_needs_approval: bool = Field(default=True, description="Whether evidence that decides nothing is reported too.")
