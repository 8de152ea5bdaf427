"""Keep every version once, from whichever topic it came first."""

import json
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.records import LogRecord
from projections.batching import source_of
from projections.read_models.stores.mapping import COLUMNS, VersionRow, version_row
from projections.sinks.postgres import Mapped, Written
from projections.sinks.postgres_facts import FactTables
from projections.sinks.postgres_rows import query


class Stores:
    """The read model `stores`."""

    fact_tables: FactTables | None = None

    def map(self, record: LogRecord) -> Mapped | None:
        """Decode and map one record."""
        return Mapped(record, version_row(record))

    async def write(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        """Insert versions; one that is known under its event id is a repeat."""
        first: dict[UUID, Mapped] = {}
        for item in mapped:
            first.setdefault(item.rows.event_id, item)
        by_table: dict[str, list[VersionRow]] = defaultdict(list)
        for item in first.values():
            by_table[item.rows.table].append(item.rows)
        inserted: set[UUID] = set()
        for table, rows in sorted(by_table.items()):
            inserted |= await _insert(conn, table, rows)
        fresh = {id(item) for key, item in first.items() if key in inserted}
        return Written(tuple(source_of(item.record) for item in mapped if id(item) not in fresh))


async def _insert(conn: AsyncConnection, table: str, rows: Sequence[VersionRow]) -> set[UUID]:
    """Insert what is missing, in the order of identities: two owners may write copies of one version at once."""
    columns = COLUMNS[table]
    names = ", ".join(columns)
    documents = [dict(zip(columns, row.values, strict=True)) for row in rows]
    found = await query(
        conn,
        f"INSERT INTO {table} ({names}) SELECT {names} FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) "  # noqa: S608 - ours
        "ORDER BY event_id ON CONFLICT DO NOTHING RETURNING event_id",
        [json.dumps(documents, default=str)],
    )
    return {event_id for (event_id,) in found}
