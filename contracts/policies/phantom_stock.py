"""Parameters of the rule that doubts stock which nobody buys."""

from typing import Literal

from pydantic import Field

from contracts.fields import Amount, DecimalString
from contracts.policies.parameters import PolicyParameters


class PhantomStockPolicy(PolicyParameters):
    """How improbable a gap between sales must be, and from what value on book it matters how much."""

    policy: Literal["phantom_stock"] = Field(default="phantom_stock", description="Names the rule; always written.")
    probability: DecimalString = Field(
        default="0.001",
        validate_default=True,
        gt=0,
        lt=1,
        description="Probability of so long a gap by chance, at or below which an alert is raised.",
        examples=["0.001"],
    )
    history_days: int = Field(
        default=14, ge=5, le=90, description="Trading days with stock before the gap that tell what is usual.", examples=[14]
    )
    minimum_units: DecimalString = Field(
        default="1", validate_default=True, gt=0, description="Smallest stock on book that is doubted, units.", examples=["1"]
    )
    medium_money: Amount = Field(default=20_000, description="Value on book from which severity is medium, minor units.", examples=[20000])
    high_money: Amount = Field(default=100_000, description="Value on book from which severity is high, minor units.", examples=[100000])
