"""The two stages of rules: what happens in a store is judged store by store, what stores say of themselves chain by chain.

A stage has a topic, a clock and a place that its states belong to. The clock of the stores' stage is moved by ticks. That of
the chains' stage follows the progress of every partition of the stores' stage, and stands where the slowest of them stands:
so every store of a chain has spoken about a bucket when the clock passes its end, however fast or unevenly a log is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from contracts.events.control import RuleProgressed
from contracts.topics import CHAIN_OBSERVATIONS, STORE_FACTS
from processors.rules.rule import Kind, State, microseconds

StageName = Literal["stores", "chains"]
TOPIC_OF_STAGE: Mapping[StageName, str] = {"stores": STORE_FACTS, "chains": CHAIN_OBSERVATIONS}


class PartitionClocks(State, frozen=True, array_like=True):
    """Where each partition of the stage before stands, microseconds; None for one that was not heard of."""

    clocks: tuple[int | None, ...] = ()


PARTITION_CLOCKS = Kind("partition_clocks", PartitionClocks, 1, 7)
PARTITION_CLOCKS_NAME = "progress"


@dataclass(frozen=True, slots=True)
class Stage:
    """Which stage a fold is. `tells` is the number of partitions of the next stage, each of which is told of progress."""

    name: StageName = "stores"
    partitions: int = 1
    tells: int = 0

    @property
    def topic(self) -> str:
        """What it reads, by the name that the topic has on every cluster."""
        return TOPIC_OF_STAGE[self.name]


def stage_with(name: StageName, partitions: int) -> Stage:
    """Return a stage on a log of so many partitions: that of stores tells every partition of the next one."""
    return Stage(name, partitions, partitions if name == "stores" else 0)


def with_progress(known: State | None, progress: RuleProgressed) -> PartitionClocks:
    """Move the clock of one partition forward."""
    clocks = list(known.clocks) if isinstance(known, PartitionClocks) else []
    clocks += [None] * (max(progress.partitions or 0, progress.partition + 1) - len(clocks))
    before = clocks[progress.partition]
    clocks[progress.partition] = max(before or 0, microseconds(progress.clock))
    return PartitionClocks(tuple(clocks))


def slowest(clocks: PartitionClocks) -> int | None:
    """Return where the slowest partition stands; None while one has not been heard of."""
    known = [at for at in clocks.clocks if at is not None]
    return min(known) if len(known) == len(clocks.clocks) and known else None
