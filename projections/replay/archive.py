"""The archive as a source: partitions are read from ClickHouse as far as its digest was checked, and from the log after that.

What was checked once is remembered with the sum of its hashes, so that it stays checked when the log no longer has it. A later
check reads only what was added on the log since. Months that were moved to files are read from those, whose bytes are checked.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from clickhouse_connect.driver.asyncclient import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.codec import content_hash
from contracts.records import RawRecord
from infra.addresses import Addresses
from infra.kafka.consumer import Partition, Record, read_range
from infra.kafka.group import LogError, OutOfRange
from projections.archive.cold import Cold, cold_of
from projections.archive.files import FileUnproven, check_file, records_in
from projections.generations import serving_generation
from projections.positions import read_positions
from projections.reconcile.clickhouse_digest import ArchiveDigest
from projections.reconcile.compare import MODULUS, Digest

ARCHIVE: Final = "event_log"
_RECORDS: Final = """
    SELECT offset, toUnixTimestamp64Milli(recorded_at), key, value, header_names, header_values FROM {archive:Identifier} FINAL
    WHERE log_id = {log:String} AND topic = {topic:String} AND partition = {part:UInt32}
      AND offset >= {first:UInt64} AND offset < {next:UInt64} AND toYYYYMM(recorded_at) NOT IN {cold:Array(UInt32)}
    ORDER BY offset
"""
_CHECKED: Final = text("SELECT topic, part, next_offset, hash_sum FROM delivery.archive_checks WHERE log_id = :log")
_REMEMBER: Final = text(
    """
    INSERT INTO delivery.archive_checks (log_id, topic, part, next_offset, hash_sum)
    VALUES (:log, :topic, :part, :next, :hashed)
    ON CONFLICT (log_id, topic, part)
    DO UPDATE SET next_offset = excluded.next_offset, hash_sum = excluded.hash_sum, checked_at = now()
    """
)


class ArchiveUnproven(Exception):
    """The archive is not what the log had, or it cannot be told whether it is."""


async def check_archive(
    addresses: Addresses, engine: AsyncEngine, client: AsyncClient, topics: Iterable[str], root: Path | None = None
) -> dict[Partition, int]:
    """Return up to where the archive is proven to be the log, for each partition of the topics; ArchiveUnproven where it is not.

    `root`: the folder of the files, which are needed where months were moved there.
    """
    async with engine.connect() as conn:
        generation = await serving_generation(conn, ARCHIVE)
        cold = await cold_of(conn, addresses.log_id, generation)
        positions = await read_positions(conn, ARCHIVE, generation)
        checked = {
            Partition(topic, part): Digest(next_offset, int(hash_sum))
            for topic, part, next_offset, hash_sum in (await conn.execute(_CHECKED, {"log": addresses.log_id})).all()
        }
    wanted = set(topics)
    ends = {Partition(*part): next_offset for part, next_offset in positions.items() if part.topic in wanted and next_offset}
    expected = {tp: checked.get(tp, Digest(0, 0)) for tp in ends}

    def take(tp: Partition, records: list[Record]) -> None:
        known = expected[tp]
        total = known.hash_sum + sum(content_hash(record.headers, record.value) for record in records)
        expected[tp] = Digest(known.ids + len(records), total % MODULUS)

    try:
        await read_range(addresses.kafka_bootstrap, {tp: known.ids for tp, known in expected.items()}, ends, take, addresses.topic_prefix)
    except LogError as error:
        raise ArchiveUnproven(f"the log no longer has what was never checked: {error!r}") from error
    await asyncio.to_thread(_check_files, cold, wanted, root)
    found = await ArchiveDigest(client, generation, addresses.log_id, cold).sums(ends)
    wrong = [f"{tp.topic}/{tp.partition}" for tp in sorted(ends) if found.get(tp) != expected[tp]]
    if wrong:
        raise ArchiveUnproven(f"the archive is not what the log has in {', '.join(wrong)}: see `tillstream reconcile`")
    async with engine.begin() as conn:
        for tp, known in expected.items():
            place = {"log": addresses.log_id, "topic": tp.topic, "part": tp.partition}
            await conn.execute(_REMEMBER, {**place, "next": known.ids, "hashed": known.hash_sum})
    return ends


def _check_files(cold: Cold, topics: Collection[str], root: Path | None) -> None:
    """Read the bytes of all files that are needed."""
    for each in cold.files:
        if each.topic in topics:
            try:
                check_file(root or Path(), each)
            except (FileUnproven, OSError) as error:
                raise ArchiveUnproven(str(error)) from error


class ArchiveReader:
    """Reads the archive of one log, from ClickHouse and from the files of months that were moved there."""

    def __init__(self, client: AsyncClient, generation: int, log_id: str, cold: Cold | None = None, root: Path | None = None) -> None:
        self._client = client
        self._cold, self._root = cold or Cold(), root or Path()
        self._bound: dict[str, Any] = {"archive": f"{ARCHIVE}_g{generation}", "log": log_id, "cold": list(self._cold.months)}

    def begins(self, positions: Mapping[Partition, int]) -> None:
        """Any place is as good as any other."""

    async def some(
        self, places: Mapping[Partition, int], ends: Mapping[Partition, int], max_records: int
    ) -> dict[Partition, list[RawRecord]]:
        """Return records of every partition from its place on; OutOfRange where one has none before its end."""
        share = max(1, max_records // len(places))
        found = {tp: await self.records(tp, first, min(ends[tp], first + share)) for tp, first in places.items()}
        missing = [f"{tp.topic}/{tp.partition}/{places[tp]}" for tp, records in found.items() if not records]
        if missing:
            raise OutOfRange(f"not in the archive: {', '.join(missing)}")
        return found

    async def records(self, tp: Partition, first: int, until: int) -> list[RawRecord]:
        """Return the records `[first, until)` of a partition as they came."""
        found: list[RawRecord] = []
        for file in self._cold.files:
            if file.partition == tp and file.first_offset < until and file.last_offset >= first:
                found += await asyncio.to_thread(records_in, self._root, file, first, until)
        if len(found) < until - first:
            found += await self._hot(tp, first, until)
        return sorted(found, key=lambda record: record.offset)

    async def _hot(self, tp: Partition, first: int, until: int) -> list[RawRecord]:
        bound = {**self._bound, "topic": tp.topic, "part": tp.partition, "first": first, "next": until}
        rows = (await self._client.query(_RECORDS, parameters=bound, query_formats={"String": "bytes"})).result_rows
        return [
            RawRecord(
                tp.topic,
                tp.partition,
                offset,
                milliseconds,
                key,
                value,
                [(_name(name), header) for name, header in zip(names, values, strict=True)],
            )
            for offset, milliseconds, key, value, names, values in rows
        ]


def _name(found: bytes | str) -> str:
    return found.decode() if isinstance(found, bytes) else found
