"""Keep transitions and answers at their first content; of each alert show the transition with the highest number.

The machine's part and the people's part are folded apart and joined when they are read: neither waits for the other.
"""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.records import LogRecord
from projections.batching import Source, source_of
from projections.read_models.open_alerts.mapping import AnswerFact, AnswerRow, ProgressRow, TransitionRow, alert_row
from projections.read_models.open_alerts.table import FACTS
from projections.sinks.fresh_facts import insert_fresh
from projections.sinks.postgres import Mapped, Written
from projections.sinks.postgres_facts import FactTables, judge_corrections
from projections.sinks.postgres_rows import insert_missing, insert_new, query

_TYPES: Final = (
    *("uuid", "integer", "text", "uuid", "text", "integer", "integer", "text", "text", "text", "text"),
    *("timestamptz", "timestamptz", "text", "jsonb", "timestamptz", "timestamptz", "timestamptz", "integer", "bigint"),
)
_COLUMNS: Final = ", ".join(TransitionRow._fields)
_FOLDED: Final = (*TransitionRow._fields, "raised_at", "due_at")
_RECOMPUTE: Final = f"""
    INSERT INTO open_alerts ({", ".join(_FOLDED)})
    SELECT DISTINCT ON (alert_id) {_COLUMNS}, raised_at,
        min(coalesce(notify_at, occurred_at)) FILTER (WHERE transition >= life) OVER (PARTITION BY alert_id)
    FROM (
        SELECT {_COLUMNS}, first_value(occurred_at) OVER (PARTITION BY alert_id ORDER BY transition) AS raised_at,
            coalesce(max(transition) FILTER (WHERE status = 'raised') OVER (PARTITION BY alert_id), 0) AS life
        FROM alert_transitions WHERE alert_id = ANY(%s)
    ) AS course ORDER BY alert_id, transition DESC
    ON CONFLICT (alert_id) DO UPDATE SET
        ({", ".join(_FOLDED)}) = ({", ".join(f"excluded.{name}" for name in _FOLDED)})
"""  # noqa: S608 - columns of ours
"""People are told of an alert when any transition since it was last raised is due: what they know, they need not wait for."""
_PROGRESS: Final = """
    INSERT INTO rule_progress (stage, part, next_offset, clock, recorded_at) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (stage, part) DO UPDATE SET next_offset = excluded.next_offset, clock = excluded.clock, recorded_at = excluded.recorded_at
    WHERE rule_progress.next_offset <= excluded.next_offset
"""


class OpenAlerts:
    """The read model `open_alerts`."""

    fact_tables: FactTables | None = FACTS

    def map(self, record: LogRecord) -> Mapped | None:
        """Decode and map one record."""
        rows = alert_row(record)
        return None if rows is None else Mapped(record, rows, rows.event.key if isinstance(rows, AnswerFact) else None)

    async def write(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        """Write each part of a batch; what is known is a repeat, whatever it says."""
        repeats = await _write_transitions(conn, [item for item in mapped if isinstance(item.rows, TransitionRow)])
        repeats += await _write_answers(conn, [item for item in mapped if isinstance(item.rows, AnswerFact)])
        newest: dict[tuple[str, int], ProgressRow] = {}
        for row in (item.rows for item in mapped if isinstance(item.rows, ProgressRow)):
            newest[row[:2]] = max(row, newest.get(row[:2], row))
        for _, progress in sorted(newest.items()):
            await query(conn, _PROGRESS, progress)
        return Written(repeats)


async def _write_transitions(conn: AsyncConnection, mapped: Sequence[Mapped]) -> tuple[Source, ...]:
    """Insert transitions and fold their alerts."""
    first: dict[tuple[object, ...], Mapped] = {}
    for item in mapped:
        first.setdefault(item.rows[:2], item)
    rows = [item.rows._replace(evidence=json.dumps(item.rows.evidence)) for item in first.values()]
    inserted = await insert_missing(conn, "alert_transitions", TransitionRow._fields, _TYPES, rows, ("alert_id", "transition"))
    if inserted:
        await query(conn, _RECOMPUTE, [sorted({alert_id for alert_id, _ in inserted})])
    return tuple(source_of(item.record) for item in mapped if first[item.rows[:2]] is not item or item.rows[:2] not in inserted)


async def _write_answers(conn: AsyncConnection, mapped: Sequence[Mapped]) -> tuple[Source, ...]:
    """Insert answers and let corrections of answers take effect; their alerts are joined when they are read."""
    fresh, repeats = await insert_fresh(conn, FACTS, mapped)
    if fresh:
        await insert_new(conn, "alert_answers", AnswerRow._fields, [fact.answer for fact in fresh if fact.answer])
        await judge_corrections(conn, FACTS, [fact.event.store_id for fact in fresh])
    return repeats
