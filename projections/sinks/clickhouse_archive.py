"""The archive of the log in ClickHouse: every record of a batch as it came, under its place on the log."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from clickhouse_connect.driver.asyncclient import AsyncClient

from contracts.records import LogRecord
from contracts.topics import TOPICS
from projections.batching import Covers
from projections.facts import EventRows
from projections.read_models.event_log.mapping import MAPPING_VERSION, EventLogRow, map_record
from projections.read_models.event_log.table import EVENT_LOG
from projections.sinks.clickhouse_insert import Piece, insert_pieces
from projections.sinks.clickhouse_model import Judgement, dead


@dataclass(slots=True)
class ArchiveBatch:
    """Rows by the records' places in the batch."""

    rows: list[EventLogRow]
    judgements: dict[int, Judgement] = field(default_factory=dict)


class ArchiveModel:
    """Writes the archive of one generation; nothing is a repeat here, each position is a record of its own."""

    mapping_version: Final = MAPPING_VERSION
    covers: Final[Covers] = dict.fromkeys(TOPICS)
    tables: Final = (EVENT_LOG,)

    def __init__(self, log_id: str, generation: int = 1) -> None:
        self._client: AsyncClient
        self._log_id = log_id
        self._generation = generation

    def connect(self, client: AsyncClient) -> None:
        """Work with this connection from now on."""
        self._client = client

    async def withdraw(self, seen: Sequence[EventLogRow | Judgement], version: int) -> None:
        """Leave everything: a discarded record was on the log all the same."""

    def read(self, _: int, records: Sequence[LogRecord]) -> list[EventLogRow]:
        """Map records; none is refused."""
        return [map_record(self._log_id, record) for record in records]

    async def prepare(self, seen: Sequence[EventLogRow | Judgement], is_covered: bool = False) -> ArchiveBatch:  # noqa: ARG002 - a place is no repeat
        """Take all rows."""
        return ArchiveBatch([row for row in seen if isinstance(row, EventLogRow)])

    def remember(self, work: ArchiveBatch) -> None:
        """Nothing is ever looked up."""

    async def insert(self, work: ArchiveBatch) -> None:
        """Write the rows; one that the store refuses is judged dead."""
        pieces = [Piece(index, row.recorded_at.date(), EventRows((), (row,))) for index, row in enumerate(work.rows)]
        rejected = await insert_pieces(self._client, EVENT_LOG, self._generation, pieces)
        work.judgements |= {index: dead("refused_by_store", reason) for index, reason in rejected.items()}

    async def sum_again(self, work: ArchiveBatch, version: int) -> None:
        """Nothing follows from the archive."""
