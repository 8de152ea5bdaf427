"""Parameters of the rule about breaks: labour law as data. Not legal advice."""

from typing import Literal

from pydantic import Field

from contracts.fields import Model
from contracts.policies.parameters import PolicyParameters


class BreakStep(Model):
    """From how much work on how long a break is due, in minutes."""

    worked_minutes: int = Field(ge=1, le=1440, description="Work without breaks from which it is due.", examples=[240])
    break_minutes: int = Field(ge=1, le=480, description="Length of all breaks together.", examples=[30])


class BreaksPolicy(PolicyParameters):
    """Breaks within working time; the defaults are those of Korea (Labour Standards Act, article 54)."""

    policy: Literal["breaks"] = Field(default="breaks", description="Names the rule; always written.")
    steps: tuple[BreakStep, ...] = Field(
        default=(BreakStep(worked_minutes=240, break_minutes=30), BreakStep(worked_minutes=480, break_minutes=60)),
        min_length=1,
        max_length=10,
        description="What is due; the largest that applies.",
    )
    warn_minutes: int = Field(
        default=30, ge=0, le=240, description="Warn so long before the missing break no longer fits before the shift's end.", examples=[30]
    )
