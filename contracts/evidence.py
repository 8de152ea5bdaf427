"""Why a rule spoke: shared by alerts and recommendations, which do not know each other."""

from uuid import UUID

from pydantic import Field

from contracts.fields import DecimalString, Model, Text


class Evidence(Model):
    """What was seen, what was expected, how likely that is, and from what."""

    observed: Text = Field(description="What was seen.", examples=["11 on hand"])
    expected: Text = Field(description="What was expected.", examples=["more than 12"])
    probability: DecimalString | None = Field(
        default=None, description="Of what was observed, if all were normal, 0 to 1.", examples=["0.002"]
    )
    baseline_window: Text | None = Field(default=None, description="What the expectation comes from.", examples=["8 Fridays to 2026-11-13"])
    event_ids: tuple[UUID, ...] = Field(
        default=(), max_length=100, description="Events that contributed.", examples=[["019a9b3c-5d10-7c41-8a6e-2f5d9c3b7a01"]]
    )
