"""The parameters of every rule as one type, told apart by `policy`. Adding a policy ends here."""

from typing import Annotated

from pydantic import Field

from contracts.policies.alerting import AlertingPolicy
from contracts.policies.feed_silence import FeedSilencePolicy
from contracts.policies.no_show import NoShowPolicy
from contracts.policies.reorder_point import ReorderPointPolicy
from contracts.policies.sales_deviation import SalesDeviationPolicy

AnyPolicy = Annotated[
    ReorderPointPolicy | NoShowPolicy | AlertingPolicy | SalesDeviationPolicy | FeedSilencePolicy,
    Field(discriminator="policy"),
]
