"""Parameters of the rule that recommends orders."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from contracts.fields import DecimalString, Number, Ordinal
from contracts.policies.parameters import PolicyParameters


class ReorderPointPolicy(PolicyParameters):
    """When and how much to reorder, in units: at a fixed point, or at one that follows demand and lead times.

    The service levels are chances of not running out before the next delivery, not shares of the units supplied. The given
    ones are careful: by back-test they supply about 95 percent of lumpy demand and nearly all of even demand.
    """

    policy: Literal["reorder_point"] = Field(default="reorder_point", description="Names the rule; always written.")
    mode: Literal["fixed", "demand"] = Field(
        default="fixed", description="'demand': the point follows demand and lead times; until they are known a fixed one above 0 is used."
    )
    reorder_point: DecimalString = Field(
        default=Decimal(0), ge=0, description="Recommend an order when the position is at or below it, units.", examples=["12"]
    )
    order_up_to: DecimalString = Field(default=Decimal(1), gt=0, description="Position that the order brings back, units.", examples=["48"])
    target_fill_rate: DecimalString = Field(
        default=Decimal("0.95"), gt=0, lt=1, description="Share of the units demanded that is to be supplied.", examples=["0.97"]
    )
    level_smooth: DecimalString = Field(
        default=Decimal("0.95"), gt=0, lt=1, description="Service level for even, regular demand.", examples=["0.95"]
    )
    level_erratic: DecimalString = Field(
        default=Decimal("0.96"), gt=0, lt=1, description="Service level for regular demand of uneven sizes.", examples=["0.96"]
    )
    level_intermittent: DecimalString = Field(
        default=Decimal("0.995"), gt=0, lt=1, description="Service level for rare demand of even sizes.", examples=["0.99"]
    )
    level_lumpy: DecimalString = Field(
        default=Decimal("0.995"), gt=0, lt=1, description="Service level for rare demand of uneven sizes.", examples=["0.99"]
    )
    review_days: Ordinal = Field(
        default=1, le=60, description="Days between two looks at the shelf, where the supplier takes orders on every day.", examples=[2]
    )
    min_history_days: Ordinal = Field(
        default=28, le=364, description="Days of demand that must be known before the point follows them.", examples=[56]
    )
    least_order: DecimalString = Field(default=Decimal(0), ge=0, description="Smallest order, units.", examples=["24"])
    most_order: DecimalString | None = Field(default=None, gt=0, description="Largest order, units.", examples=["480"])
    order_limit_days: Number = Field(
        default=60, le=365, description="An order that is older and has not come is not counted on any more, days.", examples=[30]
    )
