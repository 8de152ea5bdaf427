"""Sum up a table of plain facts in ClickHouse, name the events of one key, and find events that are not whole."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from clickhouse_connect.driver.asyncclient import AsyncClient

from contracts.topics import ALERTS, STORE_FACTS
from projections.reconcile.clickhouse_digest import AT_PLACES, Place, at_places
from projections.reconcile.compare import MODULUS, Digest, Entry, Key, told_rows
from projections.reconcile.covered import Coverage
from projections.reconcile.log_record import key_type

_FACTS: Final = """
    {table:Identifier} FINAL WHERE event_type IN {types:Array(String)}
      AND position < if(event_type = 'alert.changed.v1',
                        transform(partition, {alert_parts:Array(UInt32)}, {alert_ends:Array(UInt64)}, toUInt64(0)),
                        transform(partition, {parts:Array(UInt32)}, {ends:Array(UInt64)}, toUInt64(0)))
"""
_SUMS: Final = f"""
    SELECT store_id, business_date, event_type, corrects_type, count(), sum(event_hash) FROM {_FACTS} AND line = 0
    GROUP BY store_id, business_date, event_type, corrects_type
"""  # noqa: S608 - literal texts
_OF_KEY: Final = f"""
    SELECT event_id, event_hash, position FROM {_FACTS} AND line = 0
      AND store_id = {{store:String}} AND toString(business_date) = {{day:String}}
      AND event_type = {{type:String}} AND corrects_type = {{corrects:String}}
"""  # noqa: S608 - literal texts
_INCOMPLETE: Final = f"""
    SELECT store_id, business_date, any(event_type), event_id, count() AS found, max(line_count) AS expected,
           uniqExact(event_hash, position) AS hashes
    FROM {_FACTS} GROUP BY store_id, business_date, event_id
    HAVING found != expected OR hashes != 1
"""  # noqa: S608 - literal texts


_AT: Final = f"""
    SELECT store_id, business_date, event_type, event_id, partition, position FROM {{table:Identifier}} FINAL
    WHERE line = 0 AND event_type != 'alert.changed.v1' AND {AT_PLACES}
"""  # noqa: S608 - literal texts


class FactsDigest:
    """Reads one model of plain facts below an end vector: topic to partition to end."""

    def __init__(self, client: AsyncClient, coverage: Coverage, generation: int, ends: Mapping[str, Mapping[int, int]]) -> None:
        self._client = client
        self._bound: dict[str, Any] = {
            "table": f"{coverage.model}_g{generation}",
            "types": sorted({*coverage.facts, "event.corrected.v1"}),
            "parts": list(ends[STORE_FACTS]),
            "ends": list(ends[STORE_FACTS].values()),
            "alert_parts": list(ends[ALERTS]),
            "alert_ends": list(ends[ALERTS].values()),
        }

    async def sums(self) -> dict[Key, Digest]:
        """Return the sums per key."""
        rows = (await self._client.query(_SUMS, parameters=self._bound)).result_rows
        return {Key(s, d.isoformat(), key_type(t, c)): Digest(count, int(total) % MODULUS) for s, d, t, c, count, total in rows}

    async def events(self, key: Key) -> dict[str, Entry]:
        """Return the events of a key."""
        event_type, _, corrects_type = key.event_type.partition(":")
        wanted = {"store": key.store_id, "day": key.business_date, "type": event_type, "corrects": corrects_type}
        rows = (await self._client.query(_OF_KEY, parameters={**self._bound, **wanted})).result_rows
        return {str(event_id): Entry(event_hash, f"position {position}") for event_id, event_hash, position in rows}

    async def incomplete(self) -> list[tuple[Key, UUID, str]]:
        """Return the events whose rows are not those of one whole event, with what is wrong."""
        found = (await self._client.query(_INCOMPLETE, parameters=self._bound)).result_rows
        return [
            (Key(store_id, day.isoformat(), event_type), event_id, told_rows(rows, expected, hashes))
            for store_id, day, event_type, event_id, rows, expected, hashes in found
        ]

    async def at(self, places: Sequence[Place]) -> list[tuple[Key, UUID, Place]]:
        """Return the events that stand at one of these places of the log."""
        rows = (await self._client.query(_AT, parameters={**self._bound, **at_places(places)})).result_rows
        return [(Key(s, day.isoformat(), event_type), event_id, Place(*place)) for s, day, event_type, event_id, *place in rows]
