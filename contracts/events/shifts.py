"""Shifts: the published roster that attendance is judged against."""

from typing import Literal

from pydantic import Field, model_validator

from contracts.fields import Code, Model, Moment, Ordinal


class ShiftPublished(Model):
    """A shift was published; a higher `revision` of the same shift replaces it, also to cancel it."""

    shift_id: Code
    revision: Ordinal = Field(default=1)
    employee_id: Code
    starts_at: Moment
    ends_at: Moment
    status: Literal["planned", "cancelled"] = "planned"

    @model_validator(mode="after")
    def _ends_later(self) -> "ShiftPublished":
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at after starts_at")
        return self
