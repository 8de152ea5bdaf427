"""Keep every revision at its first content, and show of each recommendation the highest."""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.records import LogRecord
from projections.batching import source_of
from projections.read_models.reorder_recommendations.mapping import RevisionRow, revision_row
from projections.sinks.postgres import Mapped, Written
from projections.sinks.postgres_facts import FactTables
from projections.sinks.postgres_rows import insert_missing, query

_TYPES: Final = (
    *("uuid", "integer", "text", "uuid", "text", "text", "numeric", "numeric", "numeric"),
    *("integer", "integer", "jsonb", "timestamptz", "timestamptz"),
)
_COLUMNS: Final = ", ".join(RevisionRow._fields)
_RECOMPUTE: Final = f"""
    INSERT INTO reorder_recommendations ({_COLUMNS})
    SELECT DISTINCT ON (recommendation_id) {_COLUMNS} FROM reorder_revisions
    WHERE recommendation_id = ANY(%s) ORDER BY recommendation_id, revision DESC
    ON CONFLICT (recommendation_id) DO UPDATE SET ({_COLUMNS}) = ({", ".join(f"excluded.{name}" for name in RevisionRow._fields)})
"""  # noqa: S608 - columns of ours


class ReorderRecommendations:
    """The read model `reorder_recommendations`."""

    fact_tables: FactTables | None = None

    def map(self, record: LogRecord) -> Mapped | None:
        """Decode and map one record."""
        return Mapped(record, revision_row(record))

    async def write(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        """Insert revisions and fold their recommendations; a number that is known is a repeat, whatever it says."""
        first: dict[tuple[object, ...], Mapped] = {}
        repeats = [source_of(item.record) for item in mapped if first.setdefault(item.rows[:2], item) is not item]
        rows = [item.rows._replace(evidence=json.dumps(item.rows.evidence)) for item in first.values()]
        key = ("recommendation_id", "revision")
        inserted = await insert_missing(conn, "reorder_revisions", RevisionRow._fields, _TYPES, rows, key)
        repeats += [source_of(item.record) for of, item in first.items() if of not in inserted]
        if inserted:
            await query(conn, _RECOMPUTE, [sorted({recommendation_id for recommendation_id, _ in inserted})])
        return Written(tuple(repeats))
