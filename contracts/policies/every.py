"""The parameters of every rule as one type, told apart by `policy`. Adding a policy ends here."""

from typing import Annotated

from pydantic import Field

from contracts.policies.alerting import AlertingPolicy
from contracts.policies.no_show import NoShowPolicy
from contracts.policies.reorder_point import ReorderPointPolicy

AnyPolicy = Annotated[
    ReorderPointPolicy | NoShowPolicy | AlertingPolicy,
    Field(discriminator="policy"),
]
