"""What a runner and its sinks are given: addresses, limits, and what only tests switch off or wait at."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from infra.addresses import Addresses
from infra.kafka.group import GroupMember


@dataclass(frozen=True, slots=True)
class Safeguards:
    """What keeps a late or a second writer harmless; negative controls switch one off to see the damage."""

    epoch: bool = True
    expected_position: bool = True
    first_position_wins: bool = True


class CrashPoints(Protocol):
    """Places where a fault test ends or freezes the process."""

    def reach(self, name: str) -> None:
        """Say that the work is at this point: `batch_received`, `effects_written` or `committed`."""
        ...


class NoCrashPoints:
    """Nothing happens anywhere."""

    def reach(self, name: str) -> None:
        """Go on."""


@dataclass(frozen=True, slots=True)
class DeadLetterLimit:
    """A partition halts when more than `open` of its last `among` records are open dead letters."""

    open: int = 100
    among: int = 1_000


@dataclass(frozen=True, slots=True)
class RunnerOptions:
    """How runners work; times in seconds. `on_ready` is called once, when every runner has its partitions.

    `waits_for_decisions`: with too many dead letters a consumer stands still until people have decided about them, and the others of
    the process go on; otherwise it ends. `records_per_second` slows a runner down; `only_store` lets it apply the records of one
    store, the others are filtered; `max_records` are a batch at most, by default as many as its read model says;
    `member` makes what it reads with. `answer_seconds`: how long one statement of a ClickHouse model may take, and
    `postgres_answer_seconds` one in Postgres, waiting for locks included; to give it up takes five more at most.
    """

    addresses: Addresses
    generation: int = 1
    max_records: int | None = None
    retry_seconds: float = 120.0
    answer_seconds: float = 60.0
    postgres_answer_seconds: float = 20.0
    stop_grace_seconds: float = 8.0
    limit: DeadLetterLimit = DeadLetterLimit()
    waits_for_decisions: bool = False
    safeguards: Safeguards = Safeguards()
    crash_points: CrashPoints = field(default_factory=NoCrashPoints)
    on_ready: Callable[[], None] | None = None
    consumer_settings: tuple[tuple[str, object], ...] = ()
    records_per_second: float | None = None
    only_store: str | None = None
    member: Callable[..., GroupMember] = GroupMember
