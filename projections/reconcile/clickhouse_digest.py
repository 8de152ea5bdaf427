"""Sum up the facts of sales and the archive in ClickHouse, name the events of one key, and check the hourly sums against the facts."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

from clickhouse_connect.driver.asyncclient import AsyncClient

from contracts.corrections import Link, not_counting
from infra.kafka.consumer import Partition
from projections.archive.cold import Cold, added
from projections.reconcile.compare import MODULUS, Digest, Entry, Key, told_rows
from projections.reconcile.log_record import key_type

AT_PLACES: Final = "(partition, position) IN (SELECT arrayJoin(arrayZip({at_parts:Array(UInt32)}, {at_offsets:Array(UInt64)})))"

_BELOW: Final = "position < transform(partition, {parts:Array(UInt32)}, {ends:Array(UInt64)}, toUInt64(0))"

_EVENTS: Final = f"""
    SELECT store_id, business_date, event_id, any(event_type) AS event_type, '' AS corrects_type,
           any(event_hash) AS event_hash, min(position) AS first_position
    FROM {{lines:Identifier}} FINAL WHERE is_correction = 0 AND {_BELOW}
    GROUP BY store_id, business_date, event_id
    UNION ALL
    SELECT store_id, business_date, event_id, 'event.corrected.v1', corrects_type, event_hash, position
    FROM {{corrections:Identifier}} FINAL WHERE {_BELOW}
"""  # noqa: S608 - literal texts

_SUMS: Final = f"""
    SELECT store_id, business_date, event_type, corrects_type, count(), sum(event_hash)
    FROM ({_EVENTS}) GROUP BY store_id, business_date, event_type, corrects_type
"""  # noqa: S608 - literal texts

_OF_KEY: Final = f"""
    SELECT event_id, event_hash, first_position FROM ({_EVENTS})
    WHERE store_id = {{store:String}} AND business_date = {{day:Date}}
      AND event_type = {{type:String}} AND corrects_type = {{corrects:String}}
"""  # noqa: S608 - literal texts

_INCOMPLETE: Final = f"""
    SELECT store_id, business_date, event_type, event_id, lines, expected_lines, hashes FROM (
        SELECT store_id, business_date, event_id, any(event_type) AS event_type, count() AS lines, max(line_count) AS expected_lines,
               uniqExact(event_hash, position) AS hashes
        FROM {{lines:Identifier}} FINAL WHERE {_BELOW}
        GROUP BY store_id, business_date, event_id
    ) WHERE lines != expected_lines OR hashes != 1
    UNION ALL
    SELECT c.store_id, c.business_date, c.corrects_type, c.event_id, 0, 1, 0 FROM {{corrections:Identifier}} AS c FINAL
    WHERE c.kind = 'incorrect_data' AND {_BELOW}
      AND (c.store_id, c.event_id, c.event_hash) NOT IN (
          SELECT store_id, event_id, event_hash FROM {{lines:Identifier}} FINAL WHERE is_correction = 1
      )
    UNION ALL
    SELECT store_id, business_date, event_type, event_id, count(), 0, 0 FROM {{lines:Identifier}} FINAL
    WHERE is_correction = 1 AND {_BELOW}
      AND (store_id, event_id) NOT IN (SELECT store_id, event_id FROM {{corrections:Identifier}} FINAL WHERE kind = 'incorrect_data')
    GROUP BY store_id, business_date, event_type, event_id
    UNION ALL
    SELECT store_id, business_date, any(type), event_id, toUInt64(sum(found)), toUInt32(sum(expected)), uniqExact(event_hash, position)
    FROM (
        SELECT store_id, business_date, event_id, event_type AS type, 0 AS found, tender_count AS expected, event_hash, position
        FROM {{lines:Identifier}} FINAL WHERE {_BELOW} AND tender_count > 0 LIMIT 1 BY store_id, business_date, event_id
        UNION ALL
        SELECT store_id, business_date, event_id, event_type, 1, 0, event_hash, position FROM {{tenders:Identifier}} FINAL WHERE {_BELOW}
    )
    GROUP BY store_id, business_date, event_id HAVING sum(found) != sum(expected) OR uniqExact(event_hash, position) != 1
"""  # noqa: S608 - literal texts

_AT: Final = f"""
    SELECT store_id, business_date, any(event_type), event_id, any(partition), any(position) FROM (
        SELECT store_id, business_date, event_type, event_id, partition, position FROM {{lines:Identifier}} FINAL
        UNION ALL SELECT store_id, business_date, corrects_type, event_id, partition, position FROM {{corrections:Identifier}} FINAL
    ) WHERE {AT_PLACES} GROUP BY store_id, business_date, event_id
"""  # noqa: S608 - literal texts

_ARCHIVE: Final = """
    SELECT topic, partition, count(), sum(event_hash) FROM {archive:Identifier} FINAL
    WHERE log_id = {log:String} AND toYYYYMM(recorded_at) NOT IN {cold:Array(UInt32)}
      AND offset < arrayElement({ends:Array(UInt64)}, indexOf({places:Array(String)}, concat(topic, '/', toString(partition))))
    GROUP BY topic, partition
"""

_ARCHIVED: Final = """
    SELECT offset, event_hash FROM {archive:Identifier} FINAL
    WHERE log_id = {log:String} AND topic = {topic:String} AND partition = {part:UInt32} AND offset < {end:UInt64}
"""


_LINKS: Final = "SELECT store_id, event_id, corrects_event_id, position FROM {corrections:Identifier} FINAL"

_WRONG_SUMS: Final = """
    SELECT store_id, business_date, hour_start, currency, sum(line_count * sign) AS lines_more, sum(net_sum * sign) AS net_more
    FROM (
        SELECT store_id, business_date, hour_start, currency, counted_lines AS line_count, net AS net_sum, 1 AS sign
        FROM {rollup:Identifier} FINAL
        UNION ALL
        SELECT store_id, business_date, hour_start, currency,
               toInt64(count()),
               sumIf(gross - discount, event_type = 'sale.completed.v1' AND kind = 'item')
                 - sumIf(gross - discount, event_type = 'sale.completed.v1' AND kind = 'return')
                 - sumIf(gross - discount, event_type = 'sale.returned.v1' AND kind != 'service')
                 - sumIf(gross - discount, event_type = 'sale.voided.v1' AND kind = 'item'),
               -1
        FROM {lines:Identifier} FINAL
        WHERE phase != 'before_completion'
          AND (store_id, event_id) NOT IN (SELECT arrayJoin(arrayZip({out_stores:Array(String)}, {out_ids:Array(UUID)})))
        GROUP BY store_id, business_date, hour_start, currency
    )
    GROUP BY store_id, business_date, hour_start, currency
    HAVING lines_more != 0 OR net_more != 0
"""


class Place(NamedTuple):
    """Partition and offset of a record of the facts' topic."""

    partition: int
    offset: int


def at_places(places: Sequence[Place]) -> dict[str, list[int]]:
    """Bind places."""
    return {"at_parts": [place.partition for place in places], "at_offsets": [place.offset for place in places]}


class SalesDigest:
    """Reads the facts of sales below an end vector."""

    def __init__(self, client: AsyncClient, generation: int, ends: Mapping[int, int]) -> None:
        self._client = client
        self._bound: dict[str, Any] = {
            "lines": f"sales_lines_g{generation}",
            "tenders": f"receipt_tenders_g{generation}",
            "corrections": f"sale_corrections_g{generation}",
            "parts": list(ends),
            "ends": list(ends.values()),
        }

    async def sums(self) -> dict[Key, Digest]:
        """Return the sums per key."""
        rows = (await self._client.query(_SUMS, parameters=self._bound)).result_rows
        return {Key(s, d.isoformat(), key_type(t, c)): Digest(count, int(total) % MODULUS) for s, d, t, c, count, total in rows}

    async def events(self, key: Key) -> dict[str, Entry]:
        """Return the events of a key."""
        event_type, _, corrects_type = key.event_type.partition(":")
        try:
            day = date.fromisoformat(key.business_date)
        except ValueError:
            return {}
        wanted = {"store": key.store_id, "day": day, "type": event_type, "corrects": corrects_type}
        rows = (await self._client.query(_OF_KEY, parameters={**self._bound, **wanted})).result_rows
        return {str(event_id): Entry(event_hash, f"position {position}") for event_id, event_hash, position in rows}

    async def incomplete(self) -> list[tuple[Key, UUID, str]]:
        """Return the events whose lines or tenders are not those of one whole event, with what is wrong."""
        found = (await self._client.query(_INCOMPLETE, parameters=self._bound)).result_rows
        return [
            (Key(store_id, day.isoformat(), event_type), event_id, told_rows(rows, expected, hashes))
            for store_id, day, event_type, event_id, rows, expected, hashes in found
        ]

    async def at(self, places: Sequence[Place]) -> list[tuple[Key, UUID, Place]]:
        """Return the events that stand at one of these places of the log."""
        rows = (await self._client.query(_AT, parameters={**self._bound, **at_places(places)})).result_rows
        return [(Key(s, day.isoformat(), event_type), event_id, Place(*place)) for s, day, event_type, event_id, *place in rows]


class SumsCheck:
    """Compares the hourly sums with the facts below them, both as they are now: a moment's difference is the batch in work."""

    def __init__(self, client: AsyncClient, generation: int) -> None:
        self._client = client
        self._bound: dict[str, Any] = {
            "lines": f"sales_lines_g{generation}",
            "corrections": f"sale_corrections_g{generation}",
            "rollup": f"sales_by_hour_g{generation}",
        }

    async def wrong(self) -> dict[Key, str]:
        """Return the hours whose sums are not those of the facts that count, with how far they are off."""
        links: dict[str, list[Link]] = {}
        for store_id, event_id, corrects_event_id, position in (await self._client.query(_LINKS, parameters=self._bound)).result_rows:
            links.setdefault(store_id, []).append(Link(event_id, corrects_event_id, position))
        out = [(store_id, event_id) for store_id, of_store in links.items() for event_id in not_counting(of_store)]
        bound = {**self._bound, "out_stores": [store_id for store_id, _ in out], "out_ids": [event_id for _, event_id in out]}
        return {
            Key(store_id, day.isoformat(), f"{hour_start.isoformat()} {currency}"): f"{lines:+} lines, net {net:+} minor units"
            for store_id, day, hour_start, currency, lines, net in (await self._client.query(_WRONG_SUMS, parameters=bound)).result_rows
        }


class ArchiveDigest:
    """Reads the archive of one log; months that lie in files count as what these hold."""

    def __init__(self, client: AsyncClient, generation: int, log_id: str, cold: Cold | None = None) -> None:
        self._client = client
        self.cold = cold or Cold()
        self._bound = {"archive": f"event_log_g{generation}", "log": log_id, "cold": list(self.cold.months)}

    async def sums(self, ends: Mapping[Partition, int]) -> dict[Partition, Digest]:
        """Return number and hash sum of the archived records per partition."""
        bound = {
            **self._bound,
            "places": [f"{partition.topic}/{partition.partition}" for partition in ends],
            "ends": list(ends.values()),
        }
        rows = (await self._client.query(_ARCHIVE, parameters=bound)).result_rows
        found = self.cold.sums(ends)
        for topic, part, count, total in rows:
            found[Partition(topic, part)] = added(found.get(Partition(topic, part)), Digest(count, int(total) % MODULUS))
        return found

    async def records(self, partition: Partition, end: int) -> dict[int, int]:
        """Return offset to hash of the records of a partition that ClickHouse has."""
        bound = {**self._bound, "topic": partition.topic, "part": partition.partition, "end": end}
        rows = (await self._client.query(_ARCHIVED, parameters=bound)).result_rows
        return {int(offset): int(event_hash) for offset, event_hash in rows}
