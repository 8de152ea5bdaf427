"""Which months the archive has, in ClickHouse and in files, and what may be done with each: read only."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from clickhouse_connect.driver.asyncclient import AsyncClient
from sqlalchemy.ext.asyncio import AsyncEngine

from infra.kafka.consumer import Partition
from projections.archive.cold import ColdFile, Retention, added, cold_of, files_of, retention_of
from projections.generations import serving_generation
from projections.reconcile.compare import MODULUS, Digest

ARCHIVE: Final = "event_log"
_MONTHS: Final = """
    SELECT toYYYYMM(recorded_at) AS month, topic, partition, min(offset), max(offset), count(), sum(event_hash)
    FROM {archive:Identifier} FINAL WHERE log_id = {log:String} GROUP BY month, topic, partition ORDER BY month, topic, partition
"""
_SIZES: Final = """
    SELECT toUInt32(partition), sum(bytes_on_disk) FROM system.parts
    WHERE database = currentDatabase() AND table = {archive:String} AND active GROUP BY partition
"""


@dataclass(frozen=True, slots=True)
class HotRange:
    """The records of a partition in a month that ClickHouse has."""

    month: int
    partition: Partition
    first_offset: int
    last_offset: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the archive: what ClickHouse has of it, and what lies in files. `is_cold`: the retention lets it go."""

    month: int
    hot: tuple[HotRange, ...]
    files: tuple[ColdFile, ...]
    hot_bytes: int
    is_dropped: bool
    is_cold: bool

    @property
    def records(self) -> int:
        """How many records ClickHouse has."""
        return sum(each.digest.ids for each in self.hot)

    @property
    def is_exported(self) -> bool:
        """Tell whether files hold all that ClickHouse has of it."""
        known = {each.partition: each.digest for each in self.files}
        return bool(self.files) and all(known.get(each.partition) == each.digest for each in self.hot)


async def read_months(engine: AsyncEngine, client: AsyncClient, log_id: str, at: datetime) -> list[Month]:
    """Return every month of a log that the serving archive or its files have, oldest first; `at`: by when it is judged what is cold."""
    async with engine.connect() as conn:
        generation = await serving_generation(conn, ARCHIVE)
        cold, files, retention = await cold_of(conn, log_id, generation), await files_of(conn, log_id), await retention_of(conn)
    bound: dict[str, Any] = {"archive": f"{ARCHIVE}_g{generation}", "log": log_id}
    hot: dict[int, list[HotRange]] = defaultdict(list)
    for month, topic, part, first, last, count, total in (await client.query(_MONTHS, parameters=bound)).result_rows:
        digest = added(None, Digest(count, int(total) % MODULUS))
        hot[month].append(HotRange(month, Partition(topic, part), first, last, digest))
    sizes = dict((await client.query(_SIZES, parameters=bound)).result_rows)
    return [
        Month(
            month,
            tuple(hot[month]),
            tuple(each for each in files if each.month == month),
            int(sizes.get(month, 0)),
            month in cold.months,
            retention.is_cold(month, at),
        )
        for month in sorted(hot.keys() | {each.month for each in files})
    ]


async def retention_in_force(engine: AsyncEngine) -> Retention:
    """Return the decision in force."""
    async with engine.connect() as conn:
        return await retention_of(conn)
