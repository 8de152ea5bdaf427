"""Parameters of the rule about hours beyond the week: labour law as data. Not legal advice."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from contracts.policies.parameters import PolicyParameters

Hours = Annotated[int, Field(ge=1, le=168)]


class OvertimePolicy(PolicyParameters):
    """Weekly and daily hours; the defaults are those of Korea (Labour Standards Act, articles 50, 53 and 56)."""

    policy: Literal["overtime"] = Field(default="overtime", description="Names the rule; always written.")
    weekly_hours: Hours = Field(default=40, description="Hours of a week without overtime.", examples=[40])
    extra_hours: int = Field(default=12, ge=0, le=128, description="Overtime that an agreement allows in a week.", examples=[12])
    daily_hours: int = Field(default=8, ge=1, le=24, description="Hours of a day without premium.", examples=[8])
    premium_percent: int = Field(default=50, ge=0, le=200, description="Premium for an hour beyond either.", examples=[50])
    warn_hours: tuple[Hours, ...] = Field(
        default=(44, 48, 52), min_length=1, max_length=5, description="Weekly hours at which to warn, ascending.", examples=[[44, 48, 52]]
    )
    least_head_count: int = Field(default=5, ge=0, le=1000, description="Stores with fewer people are exempt.", examples=[5])

    @model_validator(mode="after")
    def _ascending(self) -> "OvertimePolicy":
        if list(self.warn_hours) != sorted(set(self.warn_hours)):
            raise ValueError("warn_hours ascending")
        return self
