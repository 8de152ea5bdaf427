"""Parameters of the rule about the time clock pressed twice."""

from typing import Literal

from pydantic import Field

from contracts.policies.parameters import PolicyParameters


class DuplicatePunchPolicy(PolicyParameters):
    """Which presses are one press."""

    policy: Literal["duplicate_punch"] = Field(default="duplicate_punch", description="Names the rule; always written.")
    seconds: int = Field(default=60, ge=1, le=600, description="Presses of one kind this close to each other are one.", examples=[60])
    presses: int = Field(default=2, ge=2, le=20, description="So many of them are reported.", examples=[2])
