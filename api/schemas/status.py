"""How far everything is: positions of read models and rules against the ends of the log."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.freshness import Freshness


class PartitionStatus(BaseModel):
    """One partition of one read model."""

    topic: str
    partition: int
    next_offset: int = Field(description="The next record to apply.")
    end: int | None = Field(description="Where the log ends; null when the log does not say.")
    lag_events: int | None


class ProjectionStatus(Freshness):
    """One read model."""

    projection: str = Field(examples=["sales"])
    state: Literal["working", "waiting", "halted"] | None = Field(
        description="By its own word: it works, tries again, or has halted until a person looks; null when it says nothing."
    )
    rate: float = Field(description="Records a second over the last minute.", examples=[12.5])
    open_letters: int = Field(description="Dead letters that nobody has settled.")
    last_error: str | None
    last_error_at: datetime | None
    why_still: str | None = Field(description="Why nothing moves although there is something to do; null when all is well.")
    oldest_unapplied_at: datetime | None = Field(
        description="Broker time of the oldest record that it has not applied; null when there is none, or the log does not say."
    )
    oldest_unapplied_seconds: float | None = Field(description="The age of that record.", examples=[0.0])
    partitions: list[PartitionStatus]


class RuleStatus(BaseModel):
    """How far the rules have worked a partition of the facts, by their own report in the log."""

    partition: int
    next_offset: int
    clock: datetime = Field(description="The partition's clock: its highest accepted tick.")
    recorded_at: datetime = Field(description="Broker time of the report.")
    lag_events: int | None
    why_still: str | None = Field(description="Why nothing moves although there is something to do; null when all is well.")


class StackStatus(BaseModel):
    """The whole way of the data, part by part."""

    log_id: str
    is_log_known: bool = Field(description="Whether the log answered with its ends.")
    projections: list[ProjectionStatus]
    rules: list[RuleStatus]
