"""Clock: a person clocked in or out, with evidence of the place but never its coordinates."""

from typing import Literal

from pydantic import Field

from contracts.fields import Code, Model, Number


class LocationEvidence(Model):
    """Distance to the store and the judgement made at the edge; raw coordinates stay there."""

    distance_m: Number | None = None
    accuracy_m: Number | None = None
    verdict: Literal["inside", "outside", "uncertain", "beacon", "no_fix"]
    mock_location: bool = False


class Punch(Model):
    """One press of the time clock."""

    employee_id: Code = Field(description="Opaque id; names live elsewhere.")
    punch_source: Literal["mobile", "pc", "kiosk", "nfc", "api", "admin", "auto"] = "kiosk"
    offline: bool = False
    location: LocationEvidence | None = None


class ClockedIn(Punch):
    """A person started work."""


class ClockedOut(Punch):
    """A person stopped work."""
