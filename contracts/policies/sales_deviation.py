"""Parameters of the rules that compare a store's sales with its past and with its chain."""

from typing import Literal

from pydantic import Field

from contracts.fields import Amount, DecimalString
from contracts.policies.parameters import PolicyParameters


class SalesDeviationPolicy(PolicyParameters):
    """How much of the past counts, how much chance is put up with, and from what sum on a deviation matters."""

    policy: Literal["sales_deviation"] = Field(default="sales_deviation", description="Names the rule; always written.")
    weeks: int = Field(default=8, ge=2, le=8, description="Like weeks that the baseline is made of.", examples=[8])
    prior_spread: DecimalString = Field(
        default="0.25",
        validate_default=True,
        gt=0,
        le=2,
        description="Spread of the logarithm of a day's sales that is assumed before there are days to measure it.",
        examples=["0.25"],
    )
    false_discovery_rate: DecimalString = Field(
        default="0.5",
        validate_default=True,
        gt=0,
        lt=1,
        description="Share of chance among the alerts of a bucket that is put up with, across the stores of a chain.",
        examples=["0.5"],
    )
    minimum_share: DecimalString = Field(
        default="0.1",
        validate_default=True,
        ge=0,
        le=1,
        description="Smallest deviation, as a share of what was expected.",
        examples=["0.1"],
    )
    minimum_impact: Amount = Field(default=0, description="Smallest deviation, minor units.", examples=[100000])
    high_impact: Amount | None = Field(
        default=None,
        description="Deviation from which an alert is of high severity, minor units; absent: 40 percent of what was expected.",
        examples=[1000000],
    )
