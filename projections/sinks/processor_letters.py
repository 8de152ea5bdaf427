"""The rule workers' dead letters as rows: a worker can only write to the log, so this projection of `dead-letters-v1` keeps them."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.codec import header
from contracts.errors import Problem, UnreadableRecord
from contracts.records import LogRecord, RawRecord
from contracts.topics import RETRY_APPLIED
from projections.batching import Batch, DeadLetter, Source, retry_of, source_of
from projections.dead_letters import PROCESSORS, insert_letters, letter_row, settle_retried
from projections.sinks.postgres import Mapped, Written
from projections.sinks.postgres_facts import FactTables

MAPPING_VERSION = 1
PROCESSORS_GENERATION = 1
_PREFIX = "x-"
_OF_RULES = Batch(PROCESSORS, PROCESSORS_GENERATION, ())
"""Whose letters are settled: the rules are a projection like any other to them."""


def processor_letter(record: LogRecord) -> tuple[DeadLetter, Source]:
    """Read what a worker wrote about a record: the letter, with the record's own headers, and where that record lies."""
    found = {
        name: header(record.headers, f"{_PREFIX}{name}")
        for name in ("reason", "detail", "source-topic", "source-partition", "source-offset")
    }
    topic, number, offset = found["source-topic"], found["source-partition"], found["source-offset"]
    if not topic or not _is_number(number) or not _is_number(offset):
        raise UnreadableRecord([Problem("no_source", "/headers", "x-source-topic, x-source-partition and x-source-offset")])
    source = Source(topic, int(number or 0), int(offset or 0))
    headers = [(name, value) for name, value in record.headers if not name.startswith(_PREFIX)]
    original = RawRecord(*source, record.timestamp, record.key, record.value, headers)
    return DeadLetter(original, found["reason"] or "unknown", found["detail"] or ""), source


def _is_number(found: str | None) -> bool:
    return found is not None and found.isascii() and found.isdecimal() and len(found) < 19


class ProcessorLetters:
    """The read model `dead_letters`."""

    fact_tables: FactTables | None = None

    def map(self, record: LogRecord) -> Mapped | None:
        """Read one letter."""
        return Mapped(record, processor_letter(record))

    async def write(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        """Insert letters, and settle those whose retry the rules applied; a letter about a record that is known already is a repeat."""
        repeats = []
        for item in mapped:
            letter, source = item.rows
            if letter.reason == RETRY_APPLIED:
                await settle_retried(conn, _OF_RULES, [of for of in (retry_of(letter.record),) if of])
                continue
            row = letter_row(PROCESSORS, PROCESSORS_GENERATION, letter, source, retry_of(letter.record))
            if not await insert_letters(conn, [row]):
                repeats.append(source_of(item.record))
        return Written(tuple(repeats))
