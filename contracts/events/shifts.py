"""Shifts: the published roster that attendance is judged against."""

from typing import Literal

from pydantic import Field, model_validator

from contracts.fields import Code, Model, Moment, Ordinal, PersonRef


class ShiftPublished(Model):
    """A shift was published; a higher `revision` of the same shift replaces it, also to cancel it."""

    shift_id: Code = Field(description="The shift, the same in all its revisions.", examples=["S-20261120-E-1042"])
    revision: Ordinal = Field(default=1, description="Counts the publications of this shift, from 1.", examples=[1])
    employee_id: PersonRef = Field(description="Opaque id of who is to work.", examples=["E-1042"])
    starts_at: Moment = Field(description="Planned start.", examples=["2026-11-20T09:00:00+09:00"])
    ends_at: Moment = Field(
        description="Planned end, after the start; overnight shifts end on the next day.", examples=["2026-11-20T18:00:00+09:00"]
    )
    status: Literal["planned", "cancelled"] = Field(default="planned", description="'cancelled' takes the shift back.")

    @model_validator(mode="after")
    def _ends_later(self) -> "ShiftPublished":
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at after starts_at")
        return self
