"""What an edge buffer answers: the fate of each item, and its state."""

from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.events import ProblemBody
from api.store_and_forward.overview import State


class BufferedItem(BaseModel):
    """What became of one item; `index` counts from 0 in the order sent."""

    index: int
    id: str | None = None
    outcome: Literal["buffered", "duplicate", "rejected"]
    sequence: int | None = Field(default=None, description="Its local number: items are sent in this order.")
    problems: list[ProblemBody] = Field(default_factory=list)


class BufferedPost(BaseModel):
    """The fate of every item of a post, all of it on the disk."""

    buffered: int
    duplicate: int
    rejected: int
    results: list[BufferedItem]


class EdgeHealth(BaseModel):
    """How much waits, and whether the centre answers."""

    state: State
    waiting: int
    oldest_waiting_seconds: float
    refused: int
    last_contact_at: str | None
    last_error: str | None
    last_error_at: str | None
