"""Parameters of the rule that notices losses at counts."""

from typing import Literal

from pydantic import Field

from contracts.fields import Amount, DecimalString
from contracts.policies.parameters import PolicyParameters


class ShrinkagePolicy(PolicyParameters):
    """What noise a count usually has, and how far a loss, or several in a row, must go beyond it."""

    policy: Literal["shrinkage"] = Field(default="shrinkage", description="Names the rule; always written.")
    count_noise: DecimalString = Field(
        default="0.5",
        validate_default=True,
        gt=0,
        description="Standard deviation of a count with nothing sold since the one before, units.",
        examples=["0.5"],
    )
    moved_noise: DecimalString = Field(
        default="0.01",
        validate_default=True,
        ge=0,
        description="Variance that each unit moved since the count before adds, units squared.",
        examples=["0.01"],
    )
    prior_counts: int = Field(
        default=50, ge=1, le=10_000, description="Counts that the figures above weigh as much as, beside those of the store.", examples=[50]
    )
    probability: DecimalString = Field(
        default="0.00001",
        validate_default=True,
        gt=0,
        lt=1,
        description="Probability of so large a loss by chance, at or below which one count raises an alert.",
        examples=["0.00001"],
    )
    slack: DecimalString = Field(
        default="0.5",
        validate_default=True,
        ge=0,
        description="Loss of a count that the sum of losses forgives, standard deviations.",
        examples=["0.5"],
    )
    limit: DecimalString = Field(
        default="7", validate_default=True, gt=0, description="Sum of losses that raises an alert, standard deviations.", examples=["7"]
    )
    minimum_money: Amount = Field(default=0, description="Smallest loss that is told, minor units.", examples=[5000])
    medium_money: Amount = Field(default=20_000, description="Loss from which severity is medium, minor units.", examples=[20000])
    high_money: Amount = Field(default=100_000, description="Loss from which severity is high, minor units.", examples=[100000])
