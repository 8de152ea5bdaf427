"""The one correction rule of every family: nothing is overwritten, a new event names the wrong one (after GS1 EPCIS)."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from contracts.fields import Model, Moment, Text


class EventCorrected(Model):
    """Names the event that is wrong, and carries the right content unless that event never happened.

    The envelope's store and business date are those of the corrected event. A correction of a
    correction names the newest one of the chain.
    """

    corrects_event_id: UUID = Field(
        description="The event that is wrong, or the newest correction of it.", examples=["019a9b3c-5d10-7c41-8a6e-2f5d9c3b7a09"]
    )
    corrects_type: str = Field(
        description="Type of the original event; a correction of a correction keeps it.", examples=["stock.counted.v1"]
    )
    corrects_occurred_at: Moment = Field(
        description="When the corrected event happened; the content counts in that hour.", examples=["2026-11-20T07:30:00+09:00"]
    )
    kind: Literal["did_not_occur", "incorrect_data"] = Field(description="Whether it never happened, or happened otherwise.")
    reason: Text = Field(description="Why, in words.", examples=["한 상자를 두 번 셈"])
    replacement: dict[str, Any] | None = Field(
        default=None, description="The full right content, in the original type's schema.", examples=[{"sheet_id": "C-20261120-01"}]
    )

    @model_validator(mode="after")
    def _content_fits_kind(self) -> "EventCorrected":
        if (self.kind == "incorrect_data") != (self.replacement is not None):
            raise ValueError("a replacement with 'incorrect_data', none with 'did_not_occur'")
        return self
