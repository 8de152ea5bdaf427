"""Which rows of a Postgres model of facts count: now, or as far as was known at a moment of the broker's clock.

Nothing is stored a second time for it: every event keeps when it was recorded first, and corrections among the events that were
recorded by then decide, as they decide now, which of the others count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.sale_facts import Correction, out_of

_CORRECTIONS: Final = """
    SELECT store_id, event_id, corrects_event_id, position, recorded_at FROM {events}
    WHERE corrects_event_id IS NOT NULL AND store_id = ANY (:stores)
"""
_THEN: Final = """(EXISTS (
            SELECT FROM {events} known
            WHERE known.store_id = {row}.store_id AND known.event_id = {row}.event_id AND known.recorded_at <= :known_at
        ) AND ({row}.store_id, {row}.event_id) NOT IN (SELECT * FROM unnest(CAST(:out_stores AS text[]), CAST(:out_ids AS uuid[]))))"""


@dataclass(frozen=True, slots=True)
class Counting:
    """A condition on rows of events, and what it binds."""

    events: str | None = None
    bound: Mapping[str, Any] = field(default_factory=dict)

    def of(self, row: str) -> str:
        """Return the condition for the rows that a statement calls so."""
        return f"{row}.counts" if self.events is None else _THEN.format(events=self.events, row=row)


async def counting_at(conn: AsyncConnection, events: str, store_ids: Sequence[str], known_at: datetime | None) -> Counting:
    """Return what counts of these stores; `events`: the model's table of events, with its schema. None: by all that is known."""
    if known_at is None:
        return Counting()
    out = sorted(out_of(await corrections_in(conn, events, store_ids), known_at))
    return Counting(events, {"known_at": known_at, **bound_facts("out", out)})


async def corrections_in(conn: AsyncConnection, events: str, store_ids: Sequence[str]) -> list[Correction]:
    """Return all corrections of these stores, whenever they were recorded."""
    rows = (await conn.execute(text(_CORRECTIONS.format(events=events)), {"stores": list(store_ids)})).all()
    return [Correction(*row) for row in rows]


def bound_facts(prefix: str, facts: Sequence[tuple[str, UUID]]) -> dict[str, list[Any]]:
    """Bind facts as two arrays."""
    return {f"{prefix}_stores": [store_id for store_id, _ in facts], f"{prefix}_ids": [event_id for _, event_id in facts]}
