"""Parameters of the rule that misses people."""

from typing import Literal

from pydantic import Field

from contracts.policies.parameters import PolicyParameters


class NoShowPolicy(PolicyParameters):
    """When a published shift without a punch becomes a no-show, in minutes."""

    policy: Literal["no_show"] = Field(default="no_show", description="Names the rule; always written.")
    grace_minutes: int = Field(default=10, ge=0, le=240, description="How late a punch may come before an alert is raised.", examples=[15])
    early_minutes: int = Field(
        default=60, ge=0, le=720, description="A punch this long before the start still belongs to the shift.", examples=[60]
    )
