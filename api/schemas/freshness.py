"""As of when an answer holds, and how far it is behind the log."""

from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

Row = TypeVar("Row")


class Behind(BaseModel):
    """How much of the log the read model has not applied; null where the log does not say."""

    events: int | None = Field(description="Records of the model's topics beyond its positions.", examples=[0])
    seconds: float | None = Field(description="Age of `as_of` while there is something to apply, 0 when there is not.", examples=[0.0])


class Freshness(BaseModel):
    """Part of every answer from a read model."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"as_of": "2026-03-02T03:35:01.250Z", "behind": {"events": 0, "seconds": 0}, "generation": 1}]}
    )

    as_of: datetime | None = Field(
        description="Broker time of the last applied record, the minimum over partitions: what was recorded before it is in the answer, "
        "and of partitions that are further some of what came later."
    )
    behind: Behind
    generation: int = Field(description="Generation of the read model that answered.")
