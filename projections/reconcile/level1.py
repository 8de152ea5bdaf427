"""Level 1: per store, business date and type, the events that the log holds against those that each read model holds.

Each model is judged by itself, as soon as it has applied what the log held. What could not be looked at is told as unverified.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
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
from projections.accounting import check_accounting
from projections.archive.cold import cold_of
from projections.reconcile.clickhouse_digest import ArchiveDigest, Place, SalesDigest, SumsCheck
from projections.reconcile.compare import Difference, Digest, Entry, Key, differing_keys, drill_down
from projections.reconcile.covered import FACTS_MODELS, POSTGRES_MODELS, SALES_MODEL, Coverage
from projections.reconcile.facts_digest import FactsDigest
from projections.reconcile.identities import IDENTITY_MODELS, Identities, IdentityModel, compare_identities
from projections.reconcile.log_digest import KeptLog, LogState, read_records
from projections.reconcile.postgres_digest import PostgresDigest, StoreEnds
from projections.reconcile.report import Compared, Report

ARCHIVE: Final = "event_log"
UNREACHABLE: Final = (LogError, SQLAlchemyError, ClickHouseError, ClientError, OSError, TimeoutError)
"""What says that something could not be looked at, rather than that it is wrong."""
_POLL_SECONDS: Final = 0.1
_LOOKS: Final = 5
_LOOK_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run works with: addresses, an engine, the digest of the log, which generations serve, and until when it waits.

    `tell` is told what is done, as it begins.
    """

    addresses: Addresses
    engine: AsyncEngine
    log: KeptLog
    generations: Mapping[str, int]
    deadline: float
    tell: Callable[[str], None]

    def serving(self, model: str) -> int:
        """Return the generation of a model that readers read."""
        return self.generations.get(model, 1)

    async def clickhouse(self) -> AsyncClient:
        """Connect to ClickHouse, to read only."""
        client = await async_reader(self.addresses.clickhouse_url)
        client.form_encode_query_params = True
        return client

    async def wait(self, model: str, topics: Collection[str], ends: Mapping[Partition, int]) -> str | None:
        """Return None as soon as a model has applied everything below an end vector, else how far behind it stays."""
        wanted = {tp: end for tp, end in ends.items() if tp.topic in topics and end}
        while True:
            reached = await _positions(self.engine, model, self.serving(model))
            behind = {tp: end - reached.get(tp, 0) for tp, end in wanted.items() if reached.get(tp, 0) < end}
            if not behind:
                return None
            if monotonic_seconds() > self.deadline:
                return f"{sum(behind.values())} records behind in {len(behind)} partitions"
            await asyncio.sleep(_POLL_SECONDS)


class FirstLevel:
    """Judges every model over one state of the log."""

    def __init__(self, around: Surroundings, state: LogState, report: Report) -> None:
        self._around, self._state, self._report = around, state, report

    async def judge_all(self) -> None:
        """Judge each model, and last the accounts of all."""
        for coverage in POSTGRES_MODELS:
            await self._judge(coverage.model, coverage.topics, partial(self._postgres, coverage))
        for model in IDENTITY_MODELS:
            await self._judge(model.model, model.topics, partial(self._identities, model))
        await self._judge(SALES_MODEL.model, SALES_MODEL.topics, self._sales)
        for coverage in FACTS_MODELS:
            await self._judge(coverage.model, coverage.topics, partial(self._facts, coverage))
        await self._judge(ARCHIVE, TOPICS, self._archive)
        await guarded(self._report, "the accounts", self._accounts)

    async def _judge(self, model: str, topics: Collection[str], judge: Callable[[], Awaitable[None]]) -> None:
        async def wait_and_judge() -> None:
            self._around.tell(f"comparing the events of {model}")
            behind = await self._around.wait(model, topics, self._state.ends)
            if behind is None:
                await judge()
            else:
                self._report.unverified.append(f"{model}: {behind}")

        await guarded(self._report, model, wait_and_judge)

    def _ends_of(self, topic: str) -> dict[int, int]:
        return {tp.partition: end for tp, end in self._state.ends.items() if tp.topic == topic}

    async def _postgres(self, coverage: Coverage) -> None:
        fact_ends = self._ends_of(STORE_FACTS)
        of_store = {
            store: fact_ends[tp.partition]
            for store, found in self._state.partitions_of_store.items()
            for tp in found
            if tp.topic == STORE_FACTS
        }
        ends = StoreEnds(of_store, min(fact_ends.values(), default=0))
        async with self._around.engine.connect() as conn:
            model = PostgresDigest(conn, coverage, self._around.serving(coverage.model), ends, self._ends_of(ALERTS))
            await self._compare(conn, coverage, await model.sums(), model.events)

    async def _identities(self, model: IdentityModel) -> None:
        """An id that the log did not name may have come after it was read: what it names now decides."""
        found = await self._look(model)
        wrong = set(found.differences)
        if any(difference.kind == "extra" for difference in wrong):
            addresses = self._around.addresses
            await self._around.log.advance(await end_offsets(addresses.kafka_bootstrap, TOPICS, addresses.topic_prefix))
            again = {each for each in (await self._look(model)).differences if each.kind == "extra"}
            wrong = {each for each in wrong if each.kind != "extra" or each in again}
        for difference in sorted(wrong, key=lambda each: (each.key, each.event_id)):
            self._report.add(difference)
        self._report.compared.append(Compared(model.model, found.keys, found.events))

    async def _look(self, model: IdentityModel) -> Identities:
        generation = self._around.serving(model.model)
        async with self._around.engine.connect() as conn:
            letters = await letters_of(conn, model.model, generation)
            return await compare_identities(conn, model, generation, letters)

    async def _sales(self) -> None:
        client = await self._around.clickhouse()
        generation = self._around.serving(SALES_MODEL.model)
        try:
            model = SalesDigest(client, generation, self._ends_of(STORE_FACTS))
            async with self._around.engine.connect() as conn:
                await self._compare(conn, SALES_MODEL, await model.sums(), model.events)
                await self._at_letters(conn, SALES_MODEL.model, model)
            for key, event_id, detail in await model.incomplete():
                self._report.add(Difference(SALES_MODEL.model, key, "incomplete", str(event_id), detail))
            await self._sums(SumsCheck(client, generation))
        finally:
            await client.close()

    async def _facts(self, coverage: Coverage) -> None:
        client = await self._around.clickhouse()
        try:
            ends = {topic: self._ends_of(topic) for topic in (STORE_FACTS, ALERTS)}
            model = FactsDigest(client, coverage, self._around.serving(coverage.model), ends)
            async with self._around.engine.connect() as conn:
                await self._compare(conn, coverage, await model.sums(), model.events)
                await self._at_letters(conn, coverage.model, model)
            for key, event_id, detail in await model.incomplete():
                self._report.add(Difference(coverage.model, key, "incomplete", str(event_id), detail))
        finally:
            await client.close()

    async def _at_letters(self, conn: AsyncConnection, name: str, model: SalesDigest | FactsDigest) -> None:
        """Report facts of records that were put aside: a process that was frozen before a letter was discarded may have written them."""
        letters = await letters_of(conn, name, self._around.serving(name))
        split = (place.rsplit("/", 2) for place in letters)
        places = [Place(int(part), int(offset)) for topic, part, offset in split if topic == STORE_FACTS]
        for key, event_id, at in await model.at(places) if places else ():
            place = f"{STORE_FACTS}/{at.partition}/{at.offset}"
            self._report.add(Difference(name, key, "extra", str(event_id), f"its record at {place} is a {letters[place]}"))

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
            self._report.add(Difference(SALES_MODEL.model, key, "wrong_sum", "", detail))

    async def _compare(
        self, conn: AsyncConnection, coverage: Coverage, found: Mapping[Key, Digest], events: Callable[[Key], Awaitable[dict[str, Entry]]]
    ) -> None:
        expected = coverage.expected(self._state.sums)
        letters = await letters_of(conn, coverage.model, self._around.serving(coverage.model))
        for own in differing_keys(expected, found):
            keys = [key for key in self._state.sums if coverage.covers(key) and coverage.key(key) == own]
            logged = coverage.known(own, await self._around.log.events(keys, self._state))
            for difference in drill_down(coverage.model, own, logged, await events(own), letters):
                self._report.add(difference)
        self._report.compared.append(Compared(coverage.model, len(expected), sum(of_key.ids for of_key in expected.values())))

    async def _archive(self) -> None:
        client = await self._around.clickhouse()
        generation = self._around.serving(ARCHIVE)
        try:
            async with self._around.engine.connect() as conn:
                cold = await cold_of(conn, self._around.addresses.log_id, generation)
                letters = await letters_of(conn, ARCHIVE, generation)
            model = ArchiveDigest(client, generation, self._around.addresses.log_id, cold)
            found = await model.sums(self._state.ends)
            for partition, expected in self._state.archive.items():
                if found.get(partition, Digest(0, 0)) != expected:
                    await self._archive_partition(model, partition, letters)
        finally:
            await client.close()
        self._report.compared.append(Compared(ARCHIVE, len(self._state.ends), self._state.records))

    async def _archive_partition(self, model: ArchiveDigest, partition: Partition, letters: Mapping[str, str]) -> None:
        logged = await read_records(self._around.addresses, partition, self._state.ends[partition])
        logged = {offset: event_hash for offset, event_hash in logged.items() if not model.cold.covers(partition, offset)}
        kept = await model.records(partition, self._state.ends[partition])
        key = Key("", "", f"{partition.topic}/{partition.partition}")
        expected, found = (
            {f"{key.event_type}/{offset}": Entry(event_hash, f"{key.event_type}/{offset}") for offset, event_hash in records.items()}
            for records in (logged, kept)
        )
        for difference in drill_down(ARCHIVE, key, expected, found, letters):
            self._report.add(difference)

    async def _accounts(self) -> None:
        for row in await check_accounting(self._around.engine):
            if row.generation == self._around.serving(row.projection) and not row.ok:
                key = Key("", "", f"{row.topic}/{row.part}")
                self._report.add(Difference(row.projection, key, "unaccounted", "", row.problem or ""))


async def guarded(report: Report, what: str, judge: Callable[[], Awaitable[None]]) -> None:
    """Judge something, or note that it could not be looked at."""
    try:
        await judge()
    except UNREACHABLE as error:
        report.unverified.append(f"{what}: {error!r}"[:500])


async def _positions(engine: AsyncEngine, projection: str, generation: int) -> dict[Partition, int]:
    statement = text("SELECT topic, part, next_offset FROM delivery.positions WHERE projection = :projection AND generation = :generation")
    async with engine.connect() as conn:
        rows = (await conn.execute(statement, {"projection": projection, "generation": generation})).all()
    return {Partition(topic, part): next_offset for topic, part, next_offset in rows}


async def letters_of(conn: AsyncConnection, projection: str, generation: int) -> dict[str, str]:
    """Return the places of the dead letters that were not applied since, each with its reason."""
    statement = text(
        """
        SELECT topic, part, record_offset, reason, disposition FROM delivery.dead_letters
        WHERE projection = :projection AND generation = :generation AND disposition <> 'applied'
        """
    )
    rows = (await conn.execute(statement, {"projection": projection, "generation": generation})).all()
    return {f"{topic}/{part}/{offset}": f"dead letter ({reason}, {disposition})" for topic, part, offset, reason, disposition in rows}
