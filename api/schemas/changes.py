"""Facts recorded since a moment that changed what a read model says."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.freshness import Answer


class ChangedFactRow(BaseModel):
    """One fact, and what was recorded since that changed it."""

    model_config = ConfigDict(from_attributes=True)

    store_id: str
    business_date: date | None
    event_id: UUID
    event_type: str = Field(examples=["clock.in.v1"])
    what: Literal["came", "taken_back", "counts_again", "superseded"]
    caused_by: UUID = Field(description="The fact recorded since: the event itself, a correction of it, or its next revision.")
    recorded_at: datetime = Field(description="Broker time of that.")
    corrects_event_id: UUID | None = Field(description="The wrong event that this one corrects.")


class ChangedFacts(Answer):
    """One page of changes, by store, business date and event."""

    since: datetime
    rows: list[ChangedFactRow]
    next_cursor: str | None = Field(description="For the next page; null on the last.")
