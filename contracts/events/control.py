"""Control records: ticks that let rules see absence, and the progress that rule workers report."""

from typing import Literal

from pydantic import Field

from contracts.fields import Model, Moment


class Tick(Model):
    """A partition's clock moved to `at`; every partition gets its own record."""

    at: Moment
    partition: int = Field(ge=0)
    time: Literal["live", "simulated"] = "live"


class RuleProgressed(Model):
    """A rule worker has applied everything of a partition below `next_offset`; its clock stands at `clock`."""

    partition: int = Field(ge=0)
    next_offset: int = Field(ge=0)
    clock: Moment
