"""Reorder recommendations: one open recommendation per store and SKU, with revisions."""

from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.evidence import Evidence
from contracts.fields import Code, DecimalString, Model, Number, Ordinal


class DemandBasis(Model):
    """What a reorder point that follows demand was worked out from, and what it would have done."""

    rate: DecimalString = Field(ge=0, description="Units a day that are expected, growth included.", examples=["6.4"])
    growth: DecimalString = Field(ge=0, description="Factor of the last four weeks on the longer level.", examples=["1.08"])
    demand_class: Literal["smooth", "erratic", "intermittent", "lumpy"] = Field(description="By how often and how evenly it sells.")
    days: Number = Field(description="Days of demand that are known, days with an empty shelf left out.", examples=[182])
    lead_days: DecimalString = Field(ge=0, description="Days from order to receipt, mean.", examples=["2.3"])
    lead_deviation: DecimalString = Field(ge=0, description="Standard deviation of the lead time, days.", examples=["0.7"])
    deliveries: Number = Field(description="Deliveries that the lead time was learned from.", examples=[14])
    review_days: Number = Field(description="Days between two chances to order.", examples=[2])
    service_level: DecimalString = Field(
        ge=0, le=1, description="Nominal: the chance of not running out before the next delivery.", examples=["0.95"]
    )
    achieved_fill_rate: DecimalString = Field(
        ge=0, le=1, description="Share of the units of the known days that these levels would have supplied.", examples=["0.972"]
    )
    borrowed_share: DecimalString = Field(
        default=Decimal(0),
        ge=0,
        le=1,
        description="How much of the rate comes from other goods of the category, while the SKU is new.",
        examples=["0.4"],
    )


class ReorderRecommended(Model):
    """Revision of the recommendation for a SKU; `closed` when the position rose above the reorder point."""

    recommendation_id: UUID = Field(
        description="The recommendation, in all its revisions.", examples=["b7a2e6c1-8f94-5d0b-8e55-1c0f6a3d9e27"]
    )
    revision: Ordinal = Field(description="Counts its revisions, from 1.", examples=[1])
    status: Literal["open", "closed"] = Field(description="'closed' when there is nothing to order any more.")
    sku: Code = Field(description="Stock keeping unit.", examples=["MILK-1L"])
    position: DecimalString = Field(
        description="On hand by the last count and the movements after it, and with a point that follows demand on order, units.",
        examples=["11"],
    )
    reorder_point: DecimalString = Field(description="Position at or below which the policy orders, units.", examples=["12"])
    order_quantity: DecimalString = Field(description="order_up_to − position while open, 0 when closed, units.", examples=["37"])
    rule_version: Ordinal = Field(description="Version of the rule's code.", examples=[1])
    policy_version: Number = Field(description="Version of the policy in force.", examples=[2])
    evidence: Evidence = Field(description="Why the rule spoke.")
    on_order: DecimalString = Field(
        default=Decimal(0), ge=0, description="Of the position what is ordered and has not come, units.", examples=["0"]
    )
    basis: DemandBasis | None = Field(default=None, description="Where the point follows demand; absent where it is fixed.")
