"""Move months of the archive from ClickHouse to files: what there is, export what is proven, drop what was exported.

In this order, and each step again from its beginning when it was killed: the archive is proven to be the log; a month is written
to files and read again; ClickHouse drops it, after the files were read once more. A month that is not proven is never dropped.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from clickhouse_connect.driver.asyncclient import AsyncClient
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.records import RawRecord
from contracts.topics import TOPICS
from infra.addresses import Addresses
from infra.clickhouse.client import async_writer
from infra.clock import utc_now
from infra.kafka.consumer import Partition
from infra.postgres.engine import async_engine
from projections.archive.cold import ColdFile, Retention, decide_retention, is_over, keep_files, note_drop
from projections.archive.files import FileUnproven, Written, check_content, write_file
from projections.archive.listing import ARCHIVE, HotRange, Month, read_months, retention_in_force
from projections.generations import list_generations, serving_generation
from projections.replay.archive import ArchiveReader, ArchiveUnproven, check_archive

GROUP_RECORDS: Final = 5_000
_OTHERS: Final = "SELECT count() FROM {archive:Identifier} WHERE log_id != {log:String} AND toYYYYMM(recorded_at) = {month:UInt32}"


class MonthStays(Exception):
    """A month was not exported or dropped; the text says why."""


def is_due(month: Month, drop: bool) -> bool:
    """Tell whether the retention asks for a month to be exported, or dropped: also one whose drop was noted and not done."""
    if drop:
        return month.is_cold and (bool(month.hot) or not month.is_dropped)
    return month.is_cold and not (month.is_dropped or month.is_exported)


class Months:
    """The months of the serving generation of the archive. `root`: the folder of the files."""

    def __init__(
        self, addresses: Addresses, engine: AsyncEngine, client: AsyncClient, root: Path, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._addresses, self._engine, self._client = addresses, engine, client
        self._root, self._now = root, now

    async def all(self) -> list[Month]:
        """Return every month that is in ClickHouse or in files, oldest first."""
        return await read_months(self._engine, self._client, self._addresses.log_id, self._now())

    async def prove(self) -> dict[Partition, int]:
        """Compare the whole archive with the log; ArchiveUnproven where it is another."""
        return await check_archive(self._addresses, self._engine, self._client, TOPICS, self._root)

    async def export(self, month: Month, proven: dict[Partition, int]) -> list[ColdFile]:
        """Write a month that is proven to files, read them again, and note them; MonthStays otherwise."""
        if not is_over(month.month, self._now()):
            raise MonthStays("it is not over yet")
        if month.is_dropped:
            raise MonthStays("it was dropped already: its files are all there is of it")
        late = [each for each in month.hot if each.last_offset >= proven.get(each.partition, 0)]
        if late:
            raise MonthStays(f"{_name(late[0].partition)} is proven up to offset {proven.get(late[0].partition, 0)} only")
        generation = await self._serving()
        reader = ArchiveReader(self._client, generation, self._addresses.log_id)
        files = [await self._export(reader, each) for each in month.hot]
        async with self._engine.begin() as conn:
            await keep_files(conn, self._addresses.log_id, files)
        return files

    async def _export(self, reader: ArchiveReader, hot: HotRange) -> ColdFile:
        name = f"{self._addresses.log_id}/{hot.month}/{hot.partition.topic}-{hot.partition.partition}.parquet"
        if hot.last_offset - hot.first_offset + 1 != hot.digest.ids:
            raise MonthStays(f"{_name(hot.partition)}: records of two months lie between each other")
        loop = asyncio.get_running_loop()

        def groups() -> Iterator[Sequence[RawRecord]]:
            for first in range(hot.first_offset, hot.last_offset + 1, GROUP_RECORDS):
                until = min(first + GROUP_RECORDS, hot.last_offset + 1)
                yield asyncio.run_coroutine_threadsafe(reader.records(hot.partition, first, until), loop).result()

        try:
            written: Written = await asyncio.to_thread(write_file, self._root / name, groups())
        except FileUnproven as error:
            raise MonthStays(f"{_name(hot.partition)}: {error}") from error
        if written.digest != hot.digest:
            raise MonthStays(f"{_name(hot.partition)}: the bytes in ClickHouse are not those that were summed up when they came")
        return ColdFile(
            month=hot.month,
            topic=hot.partition.topic,
            part=hot.partition.partition,
            first_offset=written.first_offset,
            last_offset=written.last_offset,
            records=written.digest.ids,
            hash_sum=written.digest.hash_sum,
            file=name,
            sha256=written.sha256,
            bytes=written.bytes,
        )

    async def drop(self, month: Month) -> None:
        """Let ClickHouse drop a month whose files hold all of it, read once more; MonthStays otherwise.

        It is noted first: from then on the files count and not what ClickHouse may still have, so that it may be killed anywhere.
        """
        generation = await self._serving()
        await self._may_be_dropped(month)
        async with self._engine.begin() as conn:
            await note_drop(conn, self._addresses.log_id, month.month, generation)
        await self._client.command(f"ALTER TABLE {ARCHIVE}_g{generation} DROP PARTITION '{int(month.month)}'")

    async def _may_be_dropped(self, month: Month) -> None:
        if not is_over(month.month, self._now()):
            raise MonthStays("it is not over yet")
        if not (month.is_exported or month.is_dropped):
            raise MonthStays("its files do not hold all of it: export it first")
        async with self._engine.connect() as conn:
            others = [each.number for each in await list_generations(conn, [ARCHIVE], ("building", "running")) if not each.serving]
        if others:
            raise MonthStays(f"the archive has other generations ({', '.join(map(str, others))}): drop them first")
        generation = await self._serving()
        bound = {"archive": f"{ARCHIVE}_g{generation}", "log": self._addresses.log_id, "month": month.month}
        if (await self._client.query(_OTHERS, parameters=bound)).result_rows[0][0]:
            raise MonthStays("it holds records of another log, too")
        try:
            for each in month.files:
                await asyncio.to_thread(check_content, self._root, each)
        except (FileUnproven, OSError) as error:
            raise MonthStays(str(error)) from error

    async def _serving(self) -> int:
        async with self._engine.connect() as conn:
            return await serving_generation(conn, ARCHIVE)


@asynccontextmanager
async def months_of(addresses: Addresses, root: Path, now: Callable[[], datetime] = utc_now) -> AsyncIterator[Months]:
    """Connect to both stores."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-archive", pool_size=2)
    client = await async_writer(addresses.clickhouse_url)
    client.form_encode_query_params = True
    try:
        yield Months(addresses, engine, client, root, now)
    finally:
        await client.close()
        await engine.dispose()


async def read_retention(addresses: Addresses) -> Retention:
    """Return the decision in force."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-archive", pool_size=1)
    try:
        return await retention_in_force(engine)
    finally:
        await engine.dispose()


async def set_retention(addresses: Addresses, hot_months: int | None, decided_by: str) -> None:
    """Decide how many months stay; None: all."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-archive", pool_size=1)
    try:
        async with engine.begin() as conn:
            await decide_retention(conn, hot_months, decided_by)
    finally:
        await engine.dispose()


async def move(months: Months, chosen: Callable[[Month], bool], drop: bool, tell: Callable[[Month, str, bool], None]) -> bool:
    """Export the months that are chosen, or drop them; tell of each what was done; False when one of them stays."""
    proven = {} if drop else await months.prove()
    is_good = True
    for month in await months.all():
        if not chosen(month):
            continue
        try:
            if drop:
                await months.drop(month)
                tell(month, "dropped: its files are read instead", True)
            else:
                files = await months.export(month, proven)
                tell(month, f"exported: {sum(each.records for each in files):,} records in {len(files)} files", True)
        except (MonthStays, ArchiveUnproven) as error:
            is_good = False
            tell(month, f"stays: {error}", False)
    return is_good


def _name(partition: Partition) -> str:
    return f"{partition.topic}/{partition.partition}"
