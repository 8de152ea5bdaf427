"""Control records: ticks that let rules see absence, and the progress that rule workers report."""

from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import Field

from contracts.fields import Counter, Model, Moment, Number

AHEAD_AT_MOST: Final = timedelta(minutes=5)


class Tick(Model):
    """A partition's clock moved to `at`; every partition gets its own record."""

    at: Moment = Field(description="What time it is.", examples=["2026-11-20T10:00:10+00:00"])
    partition: Number = Field(description="Partition whose clock moves.", examples=[4])
    time: Literal["live", "simulated"] = Field(default="live", description="Whose clock it is.")

    def runs_ahead(self, recorded_at: datetime) -> bool:
        """Tell whether it names a time that the broker had not reached by far: no clock follows such a tick."""
        return self.at > recorded_at + AHEAD_AT_MOST


class RuleProgressed(Model):
    """A rule worker has applied everything of a partition below `next_offset`; its clock stands at `clock`."""

    partition: Number = Field(description="Partition of the stage's topic.", examples=[4])
    next_offset: Counter = Field(description="First offset that is not applied.", examples=[120874])
    clock: Moment = Field(description="Highest accepted tick.", examples=["2026-11-20T10:00:10+00:00"])
    stage: Literal["stores", "chains"] = Field(
        default="stores", description="Which rules: those over the facts of stores, or those that compare the stores of a chain."
    )
    partitions: Number | None = Field(default=None, description="How many partitions the stage's topic has.", examples=[6])
    time: Literal["live", "simulated"] = Field(default="live", description="Whose clock it is.")
