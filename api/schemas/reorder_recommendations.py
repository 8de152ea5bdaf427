"""Reorder recommendations as they now are, or were known."""

from datetime import datetime
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from api.schemas.freshness import Answer, KnownAtField
from contracts.evidence import Evidence
from contracts.fields import DecimalString


class Recommendation(BaseModel):
    """The newest revision for one store and SKU."""

    model_config = ConfigDict(from_attributes=True)

    recommendation_id: UUID
    store_id: str
    sku: str
    status: str = Field(examples=["open"])
    revision: int
    position: DecimalString = Field(description="On hand by the last count and the movements after it, units.")
    reorder_point: DecimalString
    order_quantity: DecimalString
    rule_version: int
    policy_version: int
    evidence: Evidence
    changed_at: datetime = Field(validation_alias=AliasChoices("changed_at", "occurred_at"))


class RecommendationPage(Answer):
    """One page of recommendations, by store and SKU."""

    known_at: KnownAtField
    rows: list[Recommendation]
    next_cursor: str | None = Field(description="For the next page; null on the last.")
