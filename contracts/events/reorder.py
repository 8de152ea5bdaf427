"""Reorder recommendations: one open recommendation per store and SKU, with revisions."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.evidence import Evidence
from contracts.fields import Code, DecimalString, Model, Number, Ordinal


class ReorderRecommended(Model):
    """Revision of the recommendation for a SKU; `closed` when the position rose above the reorder point."""

    recommendation_id: UUID
    revision: Ordinal
    status: Literal["open", "closed"]
    sku: Code
    position: DecimalString = Field(description="On hand by the last count and the movements after it, units.")
    reorder_point: DecimalString
    order_quantity: DecimalString = Field(description="order_up_to − position while open, 0 when closed, units.")
    rule_version: Ordinal
    policy_version: Number
    evidence: Evidence
