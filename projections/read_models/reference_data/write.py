"""Keep every version once: nothing of reference data is ever overwritten."""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.records import LogRecord
from projections.batching import source_of
from projections.read_models.reference_data.mapping import ReferenceRow, reference_row
from projections.sinks.postgres import Mapped, Written
from projections.sinks.postgres_facts import FactTables
from projections.sinks.postgres_rows import insert_missing

_TYPES: Final = ("uuid", "text", "text", "text", "text", "integer", "timestamptz", "jsonb", "timestamptz")


class ReferenceData:
    """The read model `reference_data`."""

    fact_tables: FactTables | None = None

    def map(self, record: LogRecord) -> Mapped | None:
        """Decode and map one record."""
        return Mapped(record, reference_row(record))

    async def write(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        """Insert versions; one that is known under its event id is a repeat, whatever it says."""
        first: dict[object, Mapped] = {}
        for item in mapped:
            first.setdefault(item.rows.event_id, item)
        rows = [item.rows._replace(data=json.dumps(item.rows.data)) for item in first.values()]
        inserted = {key for (key,) in await insert_missing(conn, "reference_data", ReferenceRow._fields, _TYPES, rows, ("event_id",))}
        fresh = {id(item) for key, item in first.items() if key in inserted}
        return Written(tuple(source_of(item.record) for item in mapped if id(item) not in fresh))
