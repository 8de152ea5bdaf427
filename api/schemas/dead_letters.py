"""How dead letters are answered, and what is said to discard or correct one."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.schemas.quarantine import KeptBody
from projections.dead_letters import Letter

Disposition = Literal["open", "retried", "applied", "discarded", "corrected"]
_SHORT_BYTES = 4_096
_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]+$")]


class DeadLetter(BaseModel):
    """A record that a consumer could not apply, why, and what became of it."""

    projection: str = Field(examples=["stock_on_hand"], description="Who could not apply it; `processors` for the rules.")
    generation: int
    topic: str
    partition: int
    offset: int
    event_id: UUID | None
    event_type: str | None
    store_id: str | None
    reason: str = Field(examples=["refused_by_store"], description="Stable code of what was wrong.")
    detail: str
    disposition: Disposition
    attempts: int = Field(description="How often it was tried, this time included.")
    recorded_at: datetime = Field(description="The broker's time of the record.")
    noted_at: datetime
    updated_at: datetime
    decided_by: str | None
    decision_reason: str | None
    correction_id: UUID | None = Field(description="The event that says what this one should have said.")
    headers: dict[str, str]
    value: KeptBody | None = Field(description="Null where there is none, and in a list where it is larger than 4 KiB: read the letter.")
    value_bytes: int

    @classmethod
    def of(cls, letter: Letter, whole: bool = False) -> "DeadLetter":
        """Write a letter, with its value if that is short or everything is wanted."""
        own = {"projection", "generation", "topic", "partition", "offset", "headers", "value", "value_bytes"}
        size = len(letter.value or b"")
        shown = letter.value is not None and (whole or size <= _SHORT_BYTES)
        return cls(
            **{name: getattr(letter, name) for name in cls.model_fields if name not in own},
            projection=letter.key.projection,
            generation=letter.key.generation,
            topic=letter.key.topic,
            partition=letter.key.part,
            offset=letter.key.record_offset,
            headers={name: value.decode("utf-8", "backslashreplace") for name, value in letter.headers},
            value=KeptBody.of(letter.value) if shown and letter.value is not None else None,
            value_bytes=size,
        )


class DeadLetterPage(BaseModel):
    """One page of letters, in the order of their places."""

    rows: list[DeadLetter]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class DiscardLetter(BaseModel):
    """Why a record is never to be applied."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[_Words, Field(examples=["a test receipt"])]


class CorrectLetter(BaseModel):
    """What the event should have said."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[_Words, Field(examples=["the till lost its clock"], description="Part of the correcting event.")]
    replacement: dict[str, Any] | None = Field(default=None, description="The full right content; null when the event never happened.")
