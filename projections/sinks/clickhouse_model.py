"""What a ClickHouse read model owes the sink: prepare, insert, sum again, each repeatable; and how it judges a record."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from clickhouse_connect.driver.asyncclient import AsyncClient

from contracts.records import LogRecord
from projections.batching import Covers, Outcome
from projections.sinks.clickhouse_table import ClickHouseTable


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a record that was not applied; reason and detail say why it is a dead letter."""

    outcome: Outcome
    reason: str = ""
    detail: str = ""


REPEAT: Final = Judgement(Outcome.REPEAT)
FILTERED: Final = Judgement(Outcome.FILTERED)


def dead(reason: str, detail: str) -> Judgement:
    """Judge a record to be a dead letter: its content is wrong, repeating it cannot help."""
    return Judgement(Outcome.DEAD, reason, detail)


class JudgedBatch(Protocol):
    """A batch in work: a record that has no judgement in the end was applied."""

    @property
    def judgements(self) -> dict[int, Judgement]:
        """Judgements by the record's place in the batch."""
        ...


Work = TypeVar("Work", bound=JudgedBatch)


class ClickHouseModel(Protocol[Work]):
    """A read model in ClickHouse. Every step may run again with the same records, in this or in another process."""

    @property
    def mapping_version(self) -> int:
        """Version of the mapping that fills a generation."""
        ...

    @property
    def covers(self) -> Covers:
        """Which records of which topics it takes."""
        ...

    @property
    def tables(self) -> Sequence[ClickHouseTable]:
        """Tables whose rows must replace."""
        ...

    def connect(self, client: AsyncClient) -> None:
        """Give it the connection it works with."""
        ...

    async def prepare(self, records: Sequence[LogRecord]) -> Work:
        """Read records without writing; data errors are judgements, faults of the store raise."""
        ...

    async def insert(self, work: Work) -> None:
        """Write the facts; on return all of them are durable but those judged dead."""
        ...

    async def sum_again(self, work: Work, version: int) -> None:
        """Write what follows from the facts; of two writes the one with the higher version stays."""
        ...
