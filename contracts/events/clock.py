"""Clock: a person clocked in or out, or took a break, with evidence of the place but never its coordinates."""

from typing import Literal

from pydantic import Field

from contracts.fields import Code, Model, Number, PersonRef


class LocationEvidence(Model):
    """Distance to the store and the judgement made at the edge; raw coordinates stay there."""

    distance_m: Number | None = Field(default=None, description="Distance to the nearest fence of the store, metres.", examples=[38])
    accuracy_m: Number | None = Field(
        default=None, description="Radius within which the phone believes to be (68 %), metres.", examples=[12]
    )
    verdict: Literal["inside", "outside", "uncertain", "beacon", "no_fix"] = Field(
        description="By the fences in force: inside when distance + accuracy fit the radius, outside when distance − accuracy exceeds it."
    )
    mock_location: bool = Field(default=False, description="The phone said that its position is simulated.")
    beacon_id: Code | None = Field(
        default=None, description="Beacon that was heard; it beats the satellite fix indoors.", examples=["B-GANGNAM-2"]
    )
    beacon_age_seconds: Number | None = Field(default=None, description="How long before the punch it was heard, seconds.", examples=[4])
    fence_id: Code | None = Field(default=None, description="Fence of the store's settings that was nearest.", examples=["front"])


class Punch(Model):
    """One press of the time clock."""

    employee_id: PersonRef = Field(description="Opaque id; names live elsewhere.", examples=["E-1042"])
    punch_source: Literal["mobile", "pc", "kiosk", "nfc", "api", "admin", "auto"] = Field(default="kiosk", description="What was pressed.")
    offline: bool = Field(default=False, description="The device had no connection and delivered later.")
    location: LocationEvidence | None = Field(default=None, description="Evidence of the place, where there is any.")


class ClockedIn(Punch):
    """A person started work."""


class ClockedOut(Punch):
    """A person stopped work."""

    auto_reason: Literal["daily_limit", "shift_ended", "geofence_exit", "disabled_gps"] | None = Field(
        default=None, description="Why the system pressed it, where the person did not."
    )


class BreakStarted(Punch):
    """A person began a break."""

    paid: bool | None = Field(default=None, description="Whether the break is paid; absent where the policy says it.")


class BreakEnded(Punch):
    """A person came back from a break."""
