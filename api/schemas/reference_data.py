"""Versions of stores, SKUs, people, suppliers, promotions and policies."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.freshness import Answer, KnownAtField


class ReferenceVersion(BaseModel):
    """One version of one thing, as it was defined."""

    model_config = ConfigDict(from_attributes=True)

    kind: str
    name: str = Field(description="Id of the thing; of a policy its kind and scope.", examples=["MILK-1L"])
    version: int
    event_id: UUID
    store_id: str | None = Field(description="Null: it holds for the whole chain.")
    effective_from: datetime
    recorded_at: datetime = Field(description="Broker time.")
    data: dict[str, Any] = Field(description="Content of its event.")


class ReferencePage(Answer):
    """One page of versions, by name and version."""

    known_at: KnownAtField
    rows: list[ReferenceVersion]
    next_cursor: str | None = Field(description="For the next page; null on the last.")
