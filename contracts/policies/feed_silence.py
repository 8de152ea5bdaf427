"""Parameters of the rule that notices tills that send nothing."""

from typing import Literal

from pydantic import Field

from contracts.policies.parameters import PolicyParameters


class FeedSilencePolicy(PolicyParameters):
    """How long a till that is usually heard of may be silent, in minutes."""

    policy: Literal["feed_silence"] = Field(default="feed_silence", description="Names the rule; always written.")
    silent_minutes: int = Field(
        default=60, ge=10, le=720, description="Silence, while the till is usually heard of, from which an alert is raised.", examples=[60]
    )
    high_minutes: int = Field(default=240, ge=10, le=2880, description="Silence from which it is of high severity.", examples=[240])
