"""Note events that are new, and find the ones that came before with other content."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.records import LogRecord
from projections.batching import DeadLetter, Source, source_of
from projections.facts import FactKey
from projections.read_models.event_index.mapping import IndexEntry, index_entry
from projections.read_models.event_index.table import FACTS
from projections.sinks.postgres import Mapped, Written
from projections.sinks.postgres_facts import FactTables
from projections.sinks.postgres_rows import insert_missing, query

_TYPES = ("text", "uuid", "text", "date", "bigint", "text", "integer", "bigint", "timestamptz")


class EventIndex:
    """The read model `event_index`."""

    fact_tables: FactTables | None = FACTS

    def map(self, record: LogRecord) -> Mapped | None:
        """Map one record from its headers."""
        entry = index_entry(record)
        return None if entry is None else Mapped(record, entry, FactKey(entry.store_id, entry.event_id))

    async def write(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        """Insert what is new; the same identity with another hash is a dead letter."""
        first: dict[tuple[object, ...], Mapped] = {}
        later = [item for item in mapped if first.setdefault(item.rows[:2], item) is not item]
        rows = [item.rows for item in first.values()]
        inserted = await insert_missing(conn, "event_index", IndexEntry._fields, _TYPES, rows, ("store_id", "event_id"))
        later = [item for key, item in first.items() if key not in inserted] + later
        known = await self._hashes(conn, later)
        repeats: list[Source] = []
        letters: list[DeadLetter] = []
        for item in later:
            if known[item.rows[:2]] == item.rows.event_hash:
                repeats.append(source_of(item.record))
            else:
                letters.append(DeadLetter(item.record, "conflicting_duplicate", "the event is on the log already, with other content"))
        return Written(tuple(repeats), tuple(letters))

    @staticmethod
    async def _hashes(conn: AsyncConnection, items: Sequence[Mapped]) -> dict[tuple[object, ...], int]:
        if not items:
            return {}
        rows = await query(
            conn,
            "SELECT store_id, event_id, event_hash FROM event_index "
            "WHERE (store_id, event_id) IN (SELECT * FROM unnest(%s::text[], %s::uuid[]))",
            [[item.rows.store_id for item in items], [item.rows.event_id for item in items]],
        )
        return {(store_id, event_id): found for store_id, event_id, found in rows}
