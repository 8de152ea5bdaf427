"""Reconcile: capture where the log ends, wait until the models are there, and compare what they hold below that.

Each model is judged by itself. What could not be looked at (a store that does not answer, a model that is behind, a log
whose beginning is gone) makes the verdict UNVERIFIED; it never counts as equal.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import ClientError
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import Error as ClickHouseError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from contracts.topics import ALERTS, STORE_FACTS, TOPICS
from infra.addresses import Addresses
from infra.clickhouse.client import async_reader
from infra.clock import monotonic_seconds
from infra.kafka.consumer import Partition, end_offsets
from infra.kafka.group import LogError
from infra.postgres.engine import async_engine
from projections.accounting import check_accounting
from projections.reconcile.clickhouse_digest import ArchiveDigest, SalesDigest, SumsCheck
from projections.reconcile.compare import Difference, Digest, Entry, Key, differing_keys, digest, drill_down
from projections.reconcile.covered import FACTS_MODELS, POSTGRES_MODELS, SALES_MODEL, Coverage
from projections.reconcile.facts_digest import FactsDigest
from projections.reconcile.log_digest import LogDigest, read_log, read_records
from projections.reconcile.postgres_digest import PostgresDigest, StoreEnds
from projections.reconcile.report import Compared, Report

ARCHIVE: Final = "event_log"
_POLL_SECONDS: Final = 0.1
_LOOKS: Final = 5
_LOOK_SECONDS: Final = 0.2
_UNREACHABLE: Final = (LogError, SQLAlchemyError, ClickHouseError, ClientError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class ReconcileOptions:
    """How long to wait for models that are behind, and how long to read the log."""

    wait_seconds: float = 30.0
    read_seconds: float = 600.0


async def reconcile(addresses: Addresses, options: ReconcileOptions | None = None) -> Report:
    """Compare the log with every model and return the report; it raises nothing but cancellation."""
    began = monotonic_seconds()
    run = _Reconciliation(addresses, options or ReconcileOptions())
    try:
        await run.everything()
    except _UNREACHABLE as error:
        run.report.unverified.append(f"the log: {error!r}")
    except Exception as error:  # noqa: BLE001 - the outermost loop of the check: a fault of its own is a verdict of its own
        run.report.error = repr(error)
    run.report.seconds = monotonic_seconds() - began
    return run.report


class _Reconciliation:
    """One run over one end vector."""

    def __init__(self, addresses: Addresses, options: ReconcileOptions) -> None:
        self._addresses, self._options = addresses, options
        self._ends: dict[Partition, int] = {}
        self._log = LogDigest()
        self._generations: dict[str, int] = {}
        self.report = Report()

    async def everything(self) -> None:
        """Digest the log, then judge each model."""
        deadline = monotonic_seconds() + self._options.wait_seconds
        self._ends = await end_offsets(self._addresses.kafka_bootstrap, TOPICS, self._addresses.topic_prefix)
        async with asyncio.timeout(self._options.read_seconds):
            self._log = await read_log(self._addresses.kafka_bootstrap, self._ends, self._addresses.topic_prefix)
        self._tell_log()
        async with AsyncExitStack() as stack:
            engine = async_engine(self._addresses.postgres_dsn, "tillstream-reconcile", pool_size=1)
            stack.push_async_callback(engine.dispose)
            await self._guarded("the generations", partial(self._ask_which_serve, engine))
            for coverage in POSTGRES_MODELS:
                await self._judge(engine, coverage.model, coverage.topics, partial(self._postgres, engine, coverage), deadline)
            await self._judge(engine, SALES_MODEL.model, SALES_MODEL.topics, partial(self._sales, engine), deadline)
            for coverage in FACTS_MODELS:
                await self._judge(engine, coverage.model, coverage.topics, partial(self._facts, engine, coverage), deadline)
            await self._judge(engine, ARCHIVE, TOPICS, partial(self._archive, engine), deadline)
            await self._guarded("the accounts", partial(self._accounts, engine))

    async def _ask_which_serve(self, engine: AsyncEngine) -> None:
        async with engine.connect() as conn:
            rows = (await conn.execute(text("SELECT projection, generation FROM delivery.generations WHERE serving"))).all()
        self._generations = {row.projection: row.generation for row in rows}

    def _serving(self, model: str) -> int:
        return self._generations.get(model, 1)

    def _tell_log(self) -> None:
        log, report = self._log, self.report
        report.records, report.repeats = log.records, log.repeats
        report.events = sum(len(events) for events in log.events.values())
        report.conflicts = [
            f"{c.event_id} of {c.store_id}: first at {c.first}, again with other content at {c.later}" for c in log.conflicts
        ]
        report.unverified += log.holes

    async def _judge(
        self, engine: AsyncEngine, model: str, topics: Collection[str], judge: Callable[[], Awaitable[None]], deadline: float
    ) -> None:
        async def wait_and_judge() -> None:
            behind = await self._wait(engine, model, topics, deadline)
            if behind is None:
                await judge()
            else:
                self.report.unverified.append(f"{model}: {behind}")

        await self._guarded(model, wait_and_judge)

    async def _guarded(self, what: str, judge: Callable[[], Awaitable[None]]) -> None:
        try:
            await judge()
        except _UNREACHABLE as error:
            self.report.unverified.append(f"{what}: {error!r}"[:500])

    async def _wait(self, engine: AsyncEngine, model: str, topics: Collection[str], deadline: float) -> str | None:
        """Return None as soon as the model has applied everything below the end vector, else how far behind it stays."""
        wanted = {tp: end for tp, end in self._ends.items() if tp.topic in topics and end}
        while True:
            reached = await _positions(engine, model, self._serving(model))
            behind = {tp: end - reached.get(tp, 0) for tp, end in wanted.items() if reached.get(tp, 0) < end}
            if not behind:
                return None
            if monotonic_seconds() > deadline:
                return f"{sum(behind.values())} records behind in {len(behind)} partitions"
            await asyncio.sleep(_POLL_SECONDS)

    def _ends_of(self, topic: str) -> dict[int, int]:
        return {tp.partition: end for tp, end in self._ends.items() if tp.topic == topic}

    async def _postgres(self, engine: AsyncEngine, coverage: Coverage) -> None:
        async with engine.connect() as conn:
            fact_ends = self._ends_of(STORE_FACTS)
            of_store = {store: fact_ends[part] for store, part in self._log.partition_of_store.items()}
            ends = StoreEnds(of_store, min(fact_ends.values(), default=0))
            model = PostgresDigest(conn, coverage, self._serving(coverage.model), ends, self._ends_of(ALERTS))
            await self._compare(conn, coverage, await model.sums(), model.events)

    async def _sales(self, engine: AsyncEngine) -> None:
        client = await self._clickhouse()
        try:
            model = SalesDigest(client, self._serving(SALES_MODEL.model), self._ends_of(STORE_FACTS))
            async with engine.connect() as conn:
                await self._compare(conn, SALES_MODEL, await model.sums(), model.events)
            for key, event_id, detail in await model.incomplete():
                self.report.add(Difference(SALES_MODEL.model, key, "incomplete", str(event_id), detail))
            await self._sums(SumsCheck(client, self._serving(SALES_MODEL.model)))
        finally:
            await client.close()

    async def _facts(self, engine: AsyncEngine, coverage: Coverage) -> None:
        client = await self._clickhouse()
        try:
            ends = {topic: self._ends_of(topic) for topic in (STORE_FACTS, ALERTS)}
            model = FactsDigest(client, coverage, self._serving(coverage.model), ends)
            async with engine.connect() as conn:
                await self._compare(conn, coverage, await model.sums(), model.events)
            for key, event_id, detail in await model.incomplete():
                self.report.add(Difference(coverage.model, key, "incomplete", str(event_id), detail))
        finally:
            await client.close()

    async def _sums(self, check: SumsCheck) -> None:
        """Report the hours that are wrong each time that one looks: facts come a moment before their sums."""
        wrong = await check.wrong()
        for _ in range(_LOOKS):
            if not wrong:
                return
            await asyncio.sleep(_LOOK_SECONDS)
            again = await check.wrong()
            wrong = {key: again[key] for key in wrong if key in again}
        for key, detail in wrong.items():
            self.report.add(Difference(SALES_MODEL.model, key, "wrong_sum", "", detail))

    async def _compare(
        self, conn: AsyncConnection, coverage: Coverage, found: Mapping[Key, Digest], events: Callable[[Key], Awaitable[dict[str, Entry]]]
    ) -> None:
        expected: dict[Key, dict[str, Entry]] = defaultdict(dict)
        for key, of_key in self._log.events.items():
            if coverage.covers(key):
                expected[coverage.key(key)] |= coverage.known(key, of_key)
        sums = {key: _digest(of_key) for key, of_key in expected.items()}
        letters = await _letters(conn, coverage.model, self._serving(coverage.model))
        for key in differing_keys(sums, found):
            for difference in drill_down(coverage.model, key, expected.get(key, {}), await events(key), letters):
                self.report.add(difference)
        self.report.compared.append(Compared(coverage.model, len(sums), sum(of_key.ids for of_key in sums.values())))

    async def _archive(self, engine: AsyncEngine) -> None:
        client = await self._clickhouse()
        try:
            model = ArchiveDigest(client, self._serving(ARCHIVE), self._addresses.log_id)
            found = await model.sums(self._ends)
            async with engine.connect() as conn:
                letters = await _letters(conn, ARCHIVE, self._serving(ARCHIVE))
            for partition, expected in self._log.archive.items():
                if found.get(partition, Digest(0, 0)) != expected:
                    await self._archive_partition(model, partition, letters)
        finally:
            await client.close()
        self.report.compared.append(Compared(ARCHIVE, len(self._ends), self._log.records))

    async def _archive_partition(self, model: ArchiveDigest, partition: Partition, letters: Mapping[str, str]) -> None:
        addresses = self._addresses
        logged = await read_records(addresses.kafka_bootstrap, partition, self._ends[partition], addresses.topic_prefix)
        kept = await model.records(partition, self._ends[partition])
        key = Key("", "", f"{partition.topic}/{partition.partition}")
        expected, found = (
            {f"{key.event_type}/{offset}": Entry(event_hash, f"{key.event_type}/{offset}") for offset, event_hash in records.items()}
            for records in (logged, kept)
        )
        for difference in drill_down(ARCHIVE, key, expected, found, letters):
            self.report.add(difference)

    async def _accounts(self, engine: AsyncEngine) -> None:
        for row in await check_accounting(engine):
            if row.generation == self._serving(row.projection) and not row.ok:
                key = Key("", "", f"{row.topic}/{row.part}")
                self.report.add(Difference(row.projection, key, "unaccounted", "", row.problem or ""))

    async def _clickhouse(self) -> AsyncClient:
        client = await async_reader(self._addresses.clickhouse_url)
        client.form_encode_query_params = True
        return client


def _digest(of_key: Mapping[str, Entry]) -> Digest:
    return digest(entry.event_hash for entry in of_key.values())


async def _positions(engine: AsyncEngine, projection: str, generation: int) -> dict[Partition, int]:
    statement = text("SELECT topic, part, next_offset FROM delivery.positions WHERE projection = :projection AND generation = :generation")
    async with engine.connect() as conn:
        rows = (await conn.execute(statement, {"projection": projection, "generation": generation})).all()
    return {Partition(topic, part): next_offset for topic, part, next_offset in rows}


async def _letters(conn: AsyncConnection, projection: str, generation: int) -> dict[str, str]:
    """Return the places of the dead letters that were not applied since, each with its reason."""
    statement = text(
        """
        SELECT topic, part, record_offset, reason, disposition FROM delivery.dead_letters
        WHERE projection = :projection AND generation = :generation AND disposition <> 'applied'
        """
    )
    rows = (await conn.execute(statement, {"projection": projection, "generation": generation})).all()
    return {f"{topic}/{part}/{offset}": f"dead letter ({reason}, {disposition})" for topic, part, offset, reason, disposition in rows}
