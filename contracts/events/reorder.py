"""Reorder recommendations: one open recommendation per store and SKU, with revisions."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.evidence import Evidence
from contracts.fields import Code, DecimalString, Model, Number, Ordinal


class ReorderRecommended(Model):
    """Revision of the recommendation for a SKU; `closed` when the position rose above the reorder point."""

    recommendation_id: UUID = Field(
        description="The recommendation, in all its revisions.", examples=["b7a2e6c1-8f94-5d0b-8e55-1c0f6a3d9e27"]
    )
    revision: Ordinal = Field(description="Counts its revisions, from 1.", examples=[1])
    status: Literal["open", "closed"] = Field(description="'closed' when there is nothing to order any more.")
    sku: Code = Field(description="Stock keeping unit.", examples=["MILK-1L"])
    position: DecimalString = Field(description="On hand by the last count and the movements after it, units.", examples=["11"])
    reorder_point: DecimalString = Field(description="Position at or below which the policy orders, units.", examples=["12"])
    order_quantity: DecimalString = Field(description="order_up_to − position while open, 0 when closed, units.", examples=["37"])
    rule_version: Ordinal = Field(description="Version of the rule's code.", examples=[1])
    policy_version: Number = Field(description="Version of the policy in force.", examples=[2])
    evidence: Evidence = Field(description="Why the rule spoke.")
