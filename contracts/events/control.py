"""Control records: ticks that let rules see absence, and the progress that rule workers report."""

from typing import Literal

from contracts.fields import Counter, Model, Moment, Number


class Tick(Model):
    """A partition's clock moved to `at`; every partition gets its own record."""

    at: Moment
    partition: Number
    time: Literal["live", "simulated"] = "live"


class RuleProgressed(Model):
    """A rule worker has applied everything of a partition below `next_offset`; its clock stands at `clock`."""

    partition: Number
    next_offset: Counter
    clock: Moment
