"""Keep every transition at its first content, and show of each alert the one with the highest number."""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.records import LogRecord
from projections.batching import source_of
from projections.read_models.open_alerts.mapping import ProgressRow, TransitionRow, alert_row
from projections.sinks.postgres import Mapped, Written
from projections.sinks.postgres_facts import FactTables
from projections.sinks.postgres_rows import insert_missing, query

_TYPES: Final = (
    *("uuid", "integer", "text", "uuid", "text", "integer", "integer", "text", "text", "text", "text"),
    *("timestamptz", "timestamptz", "text", "jsonb", "timestamptz", "timestamptz", "integer", "bigint"),
)
_COLUMNS: Final = ", ".join(TransitionRow._fields)
_RECOMPUTE: Final = f"""
    INSERT INTO open_alerts ({_COLUMNS}, raised_at)
    SELECT DISTINCT ON (alert_id) {_COLUMNS}, first_value(occurred_at) OVER (PARTITION BY alert_id ORDER BY transition)
    FROM alert_transitions WHERE alert_id = ANY(%s) ORDER BY alert_id, transition DESC
    ON CONFLICT (alert_id) DO UPDATE SET
        ({_COLUMNS}, raised_at) = ({", ".join(f"excluded.{name}" for name in (*TransitionRow._fields, "raised_at"))})
"""  # noqa: S608 - columns of ours
_PROGRESS: Final = """
    INSERT INTO rule_progress (part, next_offset, clock, recorded_at) VALUES (%s, %s, %s, %s)
    ON CONFLICT (part) DO UPDATE SET next_offset = excluded.next_offset, clock = excluded.clock, recorded_at = excluded.recorded_at
    WHERE rule_progress.next_offset <= excluded.next_offset
"""


class OpenAlerts:
    """The read model `open_alerts`."""

    fact_tables: FactTables | None = None

    def map(self, record: LogRecord) -> Mapped | None:
        """Decode and map one record."""
        return Mapped(record, alert_row(record))

    async def write(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        """Insert transitions and fold their alerts; a number that is known is a repeat, whatever it says."""
        newest: dict[int, ProgressRow] = {}
        first: dict[tuple[object, ...], Mapped] = {}
        repeats = []
        for item in mapped:
            if isinstance(item.rows, ProgressRow):
                newest[item.rows.part] = max(item.rows, newest.get(item.rows.part, item.rows))
            elif first.setdefault(item.rows[:2], item) is not item:
                repeats.append(source_of(item.record))
        rows = [item.rows._replace(evidence=json.dumps(item.rows.evidence)) for item in first.values()]
        inserted = await insert_missing(conn, "alert_transitions", TransitionRow._fields, _TYPES, rows, ("alert_id", "transition"))
        repeats += [source_of(item.record) for key, item in first.items() if key not in inserted]
        if inserted:
            await query(conn, _RECOMPUTE, [sorted({alert_id for alert_id, _ in inserted})])
        for _, progress in sorted(newest.items()):
            await query(conn, _PROGRESS, progress)
        return Written(tuple(repeats))
