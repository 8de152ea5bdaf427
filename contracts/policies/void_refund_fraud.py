"""Parameters of the rule that notices cashiers whose refunds, voids and drawer openings are out of the ordinary."""

from typing import Literal

from pydantic import Field

from contracts.fields import Amount, DecimalString
from contracts.policies.parameters import PolicyParameters


class VoidRefundFraudPolicy(PolicyParameters):
    """How unlikely a cashier's day or four weeks must be, what single deeds are marked, and from what sum on it is grave."""

    policy: Literal["void_refund_fraud"] = Field(default="void_refund_fraud", description="Names the rule; always written.")
    day_probability: DecimalString = Field(
        default="0.0002",
        gt=0,
        le=1,
        validate_default=True,
        description="A cashier's business day is told when what was counted is at most this likely.",
        examples=["0.0002"],
    )
    window_probability: DecimalString = Field(
        default="0.0002",
        gt=0,
        le=1,
        validate_default=True,
        description="The same of four weeks, which are judged at the end of each week without the days told already.",
        examples=["0.0002"],
    )
    least_deeds: int = Field(default=3, ge=1, le=1000, description="Fewer surprising deeds than these are never told.", examples=[3])
    quick_void_minutes: int = Field(
        default=5, ge=1, le=240, description="A void this soon after its cash sale is counted apart.", examples=[5]
    )
    after_hours_minutes: int = Field(
        default=30,
        ge=0,
        le=720,
        description="So long before the first and after the last sale is outside the hours of trade.",
        examples=[30],
    )
    approval_limit: Amount | None = Field(
        default=None, description="Sum from which a refund needs approval, minor units; absent: none.", examples=[50000]
    )
    high_amount: Amount | None = Field(
        default=None,
        description="Money at risk from which an alert is of high severity, minor units; absent: a tenth of what the cashier took.",
        examples=[300000],
    )
    confirm_hours: int = Field(
        default=24, ge=0, le=168, description="An alert is provisional until so long after its day or week.", examples=[24]
    )
