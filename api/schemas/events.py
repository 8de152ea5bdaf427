"""What a post of events is answered with: the fate of each item."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.topics import STORE_FACTS

Outcome = Literal["accepted", "duplicate", "rejected", "unacknowledged"]


class PositionBody(BaseModel):
    """A place in the log."""

    topic: str = Field(examples=[STORE_FACTS])
    partition: int
    offset: int


class ProblemBody(BaseModel):
    """One thing that is wrong with an item or a parameter; `pointer` is a JSON pointer."""

    code: str = Field(examples=["missing"])
    pointer: str = Field(examples=["/id"])
    expected: str = Field(examples=["Field required"])


class ItemResult(BaseModel):
    """What became of one event; `index` counts from 0 in the order sent."""

    index: int
    id: UUID | None = None
    outcome: Outcome = Field(description="'unacknowledged': it may or may not be on the log, send it again with the same id.")
    position: PositionBody | None = Field(default=None, description="Where it is on the log; for a duplicate, where it was first.")
    problems: list[ProblemBody] = Field(default_factory=list)


class PostResult(BaseModel):
    """The fate of every event of a post, all of it decided."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "accepted": 1,
                    "duplicate": 0,
                    "rejected": 0,
                    "results": [
                        {
                            "index": 0,
                            "id": "0198c0de-0000-7000-8000-000000000001",
                            "outcome": "accepted",
                            "position": {"topic": STORE_FACTS, "partition": 3, "offset": 4711},
                            "problems": [],
                        }
                    ],
                }
            ]
        }
    )

    accepted: int
    duplicate: int
    rejected: int
    results: list[ItemResult]
