"""Parameters of the rule that warns of empty shelves."""

from typing import Literal

from pydantic import Field

from contracts.fields import Amount, DecimalString
from contracts.policies.parameters import PolicyParameters


class StockOutRiskPolicy(PolicyParameters):
    """How probable it must be that goods run out before the next receipt, and what is assumed where nothing is known."""

    policy: Literal["stock_out_risk"] = Field(default="stock_out_risk", description="Names the rule; always written.")
    probability: DecimalString = Field(
        default="0.5",
        validate_default=True,
        gt=0,
        lt=1,
        description="Probability of running out, at or above which an alert is raised.",
        examples=["0.5"],
    )
    history_days: int = Field(
        default=7, ge=3, le=28, description="Trading days with stock that are needed to know the demand.", examples=[7]
    )
    review_days: int = Field(
        default=1, ge=1, le=60, description="Days between orders, where the supplier takes them every day.", examples=[1]
    )
    lead_time_days: int = Field(
        default=2, ge=0, le=180, description="Days from order to receipt, where no supplier is known.", examples=[2]
    )
    medium_money: Amount = Field(default=20_000, description="Expected loss from which severity is medium, minor units.", examples=[20000])
    high_money: Amount = Field(default=100_000, description="Expected loss from which severity is high, minor units.", examples=[100000])
