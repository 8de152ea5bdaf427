"""Parameters of the rule that recommends orders."""

from typing import Literal

from pydantic import Field

from contracts.fields import DecimalString
from contracts.policies.parameters import PolicyParameters


class ReorderPointPolicy(PolicyParameters):
    """When and how much to reorder, in units."""

    policy: Literal["reorder_point"] = Field(default="reorder_point", description="Names the rule; always written.")
    reorder_point: DecimalString = Field(
        ge=0, description="Recommend an order when the position is at or below it, units.", examples=["12"]
    )
    order_up_to: DecimalString = Field(gt=0, description="Position that the order brings back, units.", examples=["48"])
