"""Sum up the fact rows of the Postgres read models, and name the events of one key."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.events.registry import ALERT_CHANGED
from contracts.topics import STORE_FACTS
from projections.reconcile.compare import MODULUS, Digest, Entry, Key
from projections.reconcile.covered import EVENT_INDEX, OPEN_ALERTS, Coverage
from projections.reconcile.log_record import key_type

_SOURCES: Final[dict[str, tuple[str, str]]] = {
    "event_index": ("event_index", f"NULL::text, '{STORE_FACTS}' = topic"),
    "stock_on_hand": ("stock_on_hand_events", "corrects_type, true"),
    "incoming_goods": ("incoming_goods_events", "corrects_type, true"),
    "attendance_day": ("attendance_day_events", "corrects_type, true"),
    "till_periods": ("till_period_events", "corrects_type, true"),
    "open_alerts": ("alert_answer_events", "corrects_type, true"),
}

_FACTS: Final = """
    SELECT f.store_id, f.event_id, f.event_type, f.business_date, f.event_hash, f.position, {extra}
    FROM read_g{generation}.{table} f
    LEFT JOIN unnest(CAST(:stores AS text[]), CAST(:ends AS bigint[])) AS b (store_id, until) USING (store_id)
    WHERE f.position < coalesce(b.until, :unknown) AND (CAST(:types AS text[]) IS NULL OR f.event_type = ANY (CAST(:types AS text[])))
"""
_TRANSITIONS: Final = f"""
    UNION ALL
    SELECT store_id, event_id, '{ALERT_CHANGED}', NULL::date, ('x' || right(replace(event_id::text, '-', ''), 16))::bit(64)::bigint,
           position, NULL::text, true
    FROM read_g{{generation}}.alert_transitions JOIN unnest(CAST(:parts AS integer[]), CAST(:alert_ends AS bigint[])) AS b (part, until)
         USING (part)
    WHERE position < b.until
"""  # noqa: S608 - a name of ours
"""By the hash of their ids, as `hash_of_id` says it."""


class StoreEnds(NamedTuple):
    """Where the facts of each store end; rows of stores that the log does not know are taken up to its shortest partition."""

    of_store: Mapping[str, int]
    shortest: int


class PostgresDigest:
    """Reads one Postgres model below an end vector."""

    def __init__(self, conn: AsyncConnection, coverage: Coverage, generation: int, ends: StoreEnds, alert_ends: Mapping[int, int]) -> None:
        self._conn = conn
        table, extra = _SOURCES[coverage.model]
        statement = _FACTS + _TRANSITIONS if coverage is OPEN_ALERTS else _FACTS
        self._facts = statement.format(extra=extra, generation=generation, table=table)
        types = sorted({*coverage.facts, "event.corrected.v1"}) if coverage is EVENT_INDEX else None
        self._bound: dict[str, Any] = {"stores": list(ends.of_store), "ends": list(ends.of_store.values()), "unknown": ends.shortest}
        self._bound |= {"types": types}
        if coverage is OPEN_ALERTS:
            self._bound |= {"parts": list(alert_ends), "alert_ends": list(alert_ends.values())}

    async def sums(self) -> dict[Key, Digest]:
        """Return the sums per key."""
        statement = f"""
            SELECT store_id, business_date, event_type, corrects_type, count(*), sum(event_hash)
            FROM ({self._facts}) AS facts (store_id, event_id, event_type, business_date, event_hash, position, corrects_type, is_compared)
            WHERE is_compared GROUP BY 1, 2, 3, 4
        """  # noqa: S608 - table names of ours
        rows = (await self._conn.execute(text(statement), self._bound)).all()
        return {
            Key(store_id, _day(day), key_type(event_type, corrects_type)): Digest(count, int(total) % MODULUS)
            for store_id, day, event_type, corrects_type, count, total in rows
        }

    async def events(self, key: Key) -> dict[str, Entry]:
        """Return the events of a key."""
        event_type, _, corrects_type = key.event_type.partition(":")
        statement = f"""
            SELECT event_id, event_hash, position
            FROM ({self._facts}) AS facts (store_id, event_id, event_type, business_date, event_hash, position, corrects_type, is_compared)
            WHERE is_compared AND store_id = :store AND coalesce(business_date::text, '') = :day
              AND event_type = :type AND coalesce(corrects_type, '') = :corrects
        """  # noqa: S608 - table names of ours
        wanted = {"store": key.store_id, "day": key.business_date, "type": event_type, "corrects": corrects_type}
        rows: Sequence[tuple[UUID, int, int]] = (await self._conn.execute(text(statement), {**self._bound, **wanted})).all()
        return {str(event_id): Entry(event_hash, f"position {position}") for event_id, event_hash, position in rows}


def _day(value: Any) -> str:
    return value.isoformat() if value is not None else ""
