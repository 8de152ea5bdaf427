"""As of when an answer holds, and how far it is behind the log."""

from datetime import date, datetime
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Row = TypeVar("Row")
KnownAtField = Annotated[datetime | None, Field(description="Broker time whose knowledge the answer is of; null: all that is known.")]


class Behind(BaseModel):
    """How much of the log the read model has not applied; null where the log does not say."""

    events: int | None = Field(description="Records of the model's topics beyond its positions.", examples=[0])
    seconds: float | None = Field(description="Age of `as_of` while there is something to apply, 0 when there is not.", examples=[0.0])


class Completeness(BaseModel):
    """How much of what should have come has come, summed over stores and business dates: no data is never no sales.

    A store is expected from the first business date on which it was ever heard until the latest of any store in scope.
    """

    from_date: date | None = Field(
        description="First business date that it is over: of those asked for, or of the recent ones where none are; null: none has come."
    )
    until_date: date | None = Field(description="The last of them.")
    tills_expected: int | None = Field(description="Tills × business dates; null where no store names its tills.", examples=[12])
    tills_heard: int | None = Field(description="Those of them that sent anything, heartbeats included.", examples=[11])
    numbers_missing: int | None = Field(
        description="Numbers that devices gave to events and that have not come; null where no device numbers its events.", examples=[0]
    )
    store_days_expected: int = Field(description="Stores × business dates.", examples=[6])
    store_days_heard: int = Field(description="Those of them of which any till sent anything.", examples=[6])
    receipts_twice: int = Field(
        description="Receipts that count beyond the first of their number: same store, till, business date and type, another event id.",
        examples=[0],
    )
    as_of: datetime | None = Field(description="Broker time up to which tills have been heard; null before anything was.")


class Freshness(BaseModel):
    """As of when something holds, how far it is behind the log, and which generation it is of."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"as_of": "2026-03-02T03:35:01.250Z", "behind": {"events": 0, "seconds": 0}, "generation": 1}]}
    )

    as_of: datetime | None = Field(
        description="Broker time of the last applied record, the minimum over partitions: what was recorded before it is in the answer, "
        "and of partitions that are further some of what came later."
    )
    behind: Behind
    generation: int = Field(description="Generation of the read model that answered.")


class Answer(Freshness):
    """Part of every answer from a read model."""

    completeness: Completeness | None = Field(
        description="Null where nothing says how much should have come: of reference data and of stores."
    )
