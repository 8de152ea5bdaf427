"""Why a rule spoke: shared by alerts and recommendations, which do not know each other."""

from uuid import UUID

from pydantic import Field

from contracts.fields import DecimalString, Model, Text


class Evidence(Model):
    """What was seen, what was expected, how likely that is, and from what."""

    observed: Text
    expected: Text
    probability: DecimalString | None = Field(default=None, description="Of what was observed, if all were normal.")
    baseline_window: Text | None = None
    event_ids: tuple[UUID, ...] = Field(default=(), max_length=100)
