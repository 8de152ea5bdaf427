"""Parameters of the rule about the work of people under age: labour law as data. Not legal advice."""

from typing import Literal

from pydantic import Field

from contracts.policies.parameters import PolicyParameters


class MinorWorkPolicy(PolicyParameters):
    """Hours of people under age; the defaults are those of Korea (Labour Standards Act, articles 69 and 70)."""

    policy: Literal["minor_work"] = Field(default="minor_work", description="Names the rule; always written.")
    daily_hours: int = Field(default=7, ge=0, le=24, description="Hours of a day without an agreement.", examples=[7])
    daily_extra_hours: int = Field(default=1, ge=0, le=24, description="Further hours that an agreement allows in a day.", examples=[1])
    weekly_hours: int = Field(default=35, ge=0, le=168, description="Hours of a week without an agreement.", examples=[35])
    weekly_extra_hours: int = Field(default=5, ge=0, le=168, description="Further hours that an agreement allows in a week.", examples=[5])
    night_from_hour: int = Field(default=22, ge=12, le=23, description="Local hour at which the night begins.", examples=[22])
    night_until_hour: int = Field(default=6, ge=0, le=11, description="Local hour at which it ends.", examples=[6])
    night_allowed: bool = Field(default=False, description="Whether consent and permission for work at night are there.", examples=[False])
