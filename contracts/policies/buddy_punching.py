"""Parameters of the rule about one person who punches for another."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from contracts.fields import DecimalString
from contracts.policies.parameters import PolicyParameters


class BuddyPunchingPolicy(PolicyParameters):
    """When two people are together at one time clock too often for chance."""

    policy: Literal["buddy_punching"] = Field(default="buddy_punching", description="Names the rule; always written.")
    seconds: int = Field(default=10, ge=1, le=120, description="Presses this close to each other are together.", examples=[10])
    least: int = Field(default=3, ge=2, le=100, description="So many times together at least within four weeks.", examples=[3])
    chance: DecimalString = Field(
        default=Decimal("0.001"),
        gt=0,
        lt=1,
        description="Reported when chance alone would bring them together so often with a lower probability.",
        examples=["0.001"],
    )
