"""How far every consumer of the log is: the read models by their own positions, the rule worker by what it committed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from contracts.topics import TOPICS
from infra.addresses import Addresses
from infra.kafka.admin import group_members
from infra.kafka.consumer import Partition, committed_offsets, end_offsets
from infra.kafka.names import qualified
from infra.postgres.engine import async_engine
from processors.app import GROUPS
from processors.stages import TOPIC_OF_STAGE, StageName
from projections.catalogue import PROJECTIONS
from projections.freshness import read_freshnesses

WORKER = "worker"
WORKERS: Mapping[StageName, str] = {"stores": WORKER, "chains": "chain-worker"}


@dataclass(frozen=True, slots=True)
class ConsumerProgress:
    """One consumer: how many records it has read of those that are there, and the broker's time it has reached.

    `unread`: for each partition with something to read, the first offset that was not. `members`: of the workers, how many
    processes are in their group; None where that is not asked.
    """

    name: str
    done: int
    total: int
    as_of: datetime | None = None
    unread: Mapping[Partition, int] = field(default_factory=dict)
    members: int | None = None

    @property
    def behind(self) -> int:
        """Records not yet read."""
        return self.total - self.done


async def read_progress(addresses: Addresses) -> list[ConsumerProgress]:
    """Return the progress of the rule workers and of every read model."""
    ends = await end_offsets(addresses.kafka_bootstrap, TOPICS, addresses.topic_prefix)
    found = []
    for stage, topic in TOPIC_OF_STAGE.items():
        group = qualified(addresses.topic_prefix, f"tillstream-{GROUPS[stage]}")
        committed = await committed_offsets(addresses.kafka_bootstrap, group, addresses.topic_prefix)
        reached = {(tp.topic, tp.partition): offset for tp, offset in committed.items()}
        row = _progress(WORKERS[stage], [topic], ends, reached, None)
        found.append(replace(row, members=await group_members(addresses.kafka_bootstrap, group)))
    engine = async_engine(addresses.postgres_dsn, "tillstream-progress")
    try:
        for (name, projection), fresh in zip(PROJECTIONS.items(), await read_freshnesses(engine, *PROJECTIONS), strict=True):
            found.append(_progress(name, list(projection.topics), ends, fresh.positions, fresh.as_of))
    finally:
        await engine.dispose()
    return found


def _progress(
    name: str, topics: list[str], ends: Mapping[Partition, int], positions: Mapping[tuple[str, int], int], as_of: datetime | None
) -> ConsumerProgress:
    mine = {tp: end for tp, end in ends.items() if tp.topic in topics}
    done = sum(min(end, positions.get((tp.topic, tp.partition), 0)) for tp, end in mine.items())
    unread = {tp: found for tp, end in mine.items() if (found := positions.get((tp.topic, tp.partition), 0)) < end}
    return ConsumerProgress(name, done, sum(mine.values()), as_of, unread)
