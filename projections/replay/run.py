"""Build a generation of a read model beside the one that serves, hold both at one position, compare, and then let it serve.

Every step can be repeated: a replay that was killed goes on where it was when it is asked for again. Nothing here, and nothing
that it calls, writes to the log: a replay has no producer.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

from clickhouse_connect.driver.asyncclient import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from infra.addresses import Addresses
from infra.clickhouse.client import async_writer
from infra.clock import monotonic_seconds
from infra.kafka.consumer import end_offsets
from infra.postgres.engine import async_engine
from projections.archive.cold import cold_of
from projections.batching import Part
from projections.catalogue import PROJECTIONS
from projections.generation_tables import CLICKHOUSE_TABLES, REBUILDABLE, create_in_clickhouse, create_in_postgres
from projections.generations import Generation, begin, list_generations, mark, serving_generation, switch
from projections.holds import Ends, Holder, Holds, holding
from projections.ledger import allocate_ledger_id
from projections.options import CrashPoints, NoCrashPoints, RunnerOptions
from projections.positions import read_positions
from projections.replay import clickhouse_tables, postgres_tables
from projections.replay.archive import ARCHIVE, ArchiveReader, check_archive
from projections.replay.comparison import Comparison
from projections.replay.postgres_tables import StoreDays
from projections.replay.retire import drop
from projections.replay.shared_log import Beside, LogReader
from projections.replay.sources import members_of
from projections.runner import Runner

Done: TypeAlias = Literal["built", "switched", "compared", "differs", "repaired", "same", "nothing"]
"""`nothing`: neither the log nor the generation that serves has any row of the store and the dates that were named."""

_POLL_SECONDS: Final = 0.25
_CAUGHT_UP_RECORDS: Final = 2_000
_ENDS_SECONDS: Final = 2.0
"""How old the known ends of the log may be while much is left to be read: to ask for them costs a connection."""
_STOP_SECONDS: Final = 10.0
_A_DAY_SECONDS: Final = 86_400.0
_TIMES_AS_MANY: Final = 2
"""Records in a batch: nobody waits for the figures, and larger inserts leave the store less to merge."""
_NOTHING_SERVES: Final = (
    "no generation of {name} serves yet: nothing of it was ever written, so there are no rows to compare or to put right; "
    "start `tillstream project {name}`, or build all of it: `tillstream replay {name}`"
)


class CannotReplay(Exception):
    """The replay was not begun: the text says why."""


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What to rebuild and what to do with it.

    With `days` only the rows of those store-days are replaced, in the generation that serves. `compare_only`: build, compare,
    report, drop. `records_per_second` slows the rebuild down. A generation that differs serves only if `accept_differences`.
    From the archive is read what is proven of it, the rest from the log; `archive_root` is the folder of its files.
    """

    projection: str
    days: StoreDays = field(default_factory=StoreDays)
    compare_only: bool = False
    accept_differences: bool = False
    records_per_second: float | None = None
    source: Literal["log", "archive"] = "log"
    archive_root: Path | None = None
    hold_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class ReplayProgress:
    """Where a replay stands; `records_per_second` and `seconds_left` are None until they are known."""

    phase: str
    done: int
    total: int
    records_per_second: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay did; `generation` is the one that it built, `changed_rows` counts those that a repair took out or put in."""

    projection: str
    generation: int
    done: Done
    comparison: Comparison | None = None
    changed_rows: int = 0


@dataclass(slots=True)
class _Replay:
    """One replay of one read model."""

    addresses: Addresses
    request: ReplayRequest
    engine: AsyncEngine
    tell: Callable[[ReplayProgress], None]
    crash_points: CrashPoints
    reader: LogReader | None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    is_accepted: bool = False
    """The generation waits since it was compared with one that stands still, and is accepted as it is."""

    @property
    def _is_scratch(self) -> bool:
        """Tell whether the generation is only looked at, or taken rows from, and then dropped."""
        return self.request.compare_only or not self.request.days.is_everything

    async def run(self) -> ReplayResult:
        """Do everything; see the module."""
        name = self.request.projection
        serving, generation = await self._open()
        self.crash_points.reach("generation_registered")
        async with self.engine.begin() as conn:
            await create_in_postgres(conn, name, generation)
        if name in CLICKHOUSE_TABLES:
            async with self._clickhouse() as client:
                await create_in_clickhouse(client, name, generation)
        self.crash_points.reach("tables_created")
        async with AsyncExitStack() as stack:
            options = await self._source(self._options(generation), stack)
            return await self._fill(serving, generation, Runner(PROJECTIONS[name], options, self.engine, Holds(self.engine), self.stop))

    async def _fill(self, serving: Generation | None, generation: int, filling: Runner) -> ReplayResult:
        """Let a runner fill the generation, and do meanwhile what is to be done with it."""
        runner = asyncio.create_task(filling.run())
        work = asyncio.create_task(self._beside(serving, generation))
        try:
            await asyncio.wait([runner, work], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                runner.result()
            result = await work
        finally:
            self.stop.set()
            work.cancel()
            await asyncio.wait([runner], timeout=_STOP_SECONDS)
            runner.cancel()
            await asyncio.gather(runner, work, return_exceptions=True)
        if serving is not None and self._is_scratch:
            await drop(self.addresses, self.engine, self.request.projection, generation)
        return result

    async def _beside(self, serving: Generation | None, generation: int) -> ReplayResult:
        """While the generation is filled: wait for it, compare, and do with it what was asked for."""
        name = self.request.projection
        if serving is None:
            await self._catch_up(generation, self._ends, 0)
            return ReplayResult(name, generation, "built")
        if self.is_accepted:
            await self._catch_up(generation, self._ends, _CAUGHT_UP_RECORDS)
            return ReplayResult(name, generation, await self._switch(generation))
        async with self._standing(serving, generation) as holder:
            self.crash_points.reach("held")
            comparison = await self._compare(serving.number, generation, holder.ends)
            self.crash_points.reach("compared")
            is_repair = not self.request.days.is_everything and not self.request.compare_only
            changed = await self._repair(serving.number, generation, holder) if is_repair else 0
        self.crash_points.reach("let_go")
        return ReplayResult(name, generation, await self._conclude(generation, comparison), comparison, changed)

    @asynccontextmanager
    async def _standing(self, serving: Generation, generation: int) -> AsyncIterator[Holder]:
        """Hold both at one position. One that another mapping made stands still by itself, and the new one is led there."""
        name, seconds = self.request.projection, self.request.hold_seconds
        if serving.mapping_version == PROJECTIONS[name].mapping_version:
            await self._catch_up(generation, self._ends, _CAUGHT_UP_RECORDS)
            self.crash_points.reach("caught_up")
            if not self._is_scratch:
                await self._mark_running(generation)
            holder = Holder(self.engine, name, [serving.number, generation])
            async with holding(holder, self._ends, seconds):
                yield holder
            return

        async def where_it_stands() -> dict[Part, int]:
            return await self._positions(serving.number)

        holder = Holder(self.engine, name, [generation])
        told = asyncio.create_task(self._catch_up(generation, where_it_stands, 0))
        try:
            async with holding(holder, where_it_stands, _A_DAY_SECONDS):
                yield holder
        finally:
            told.cancel()
        await self._catch_up(generation, self._ends, _CAUGHT_UP_RECORDS)
        await self._mark_running(generation)

    async def _mark_running(self, generation: int) -> None:
        async with self.engine.begin() as conn:
            known = await list_generations(conn, [self.request.projection])
            await mark(conn, next(each for each in known if each.number == generation), "running")
        self.crash_points.reach("waiting_to_serve")

    async def _open(self) -> tuple[Generation | None, int]:
        """Return the generation that serves, and the one to fill: that of a replay which did not end, or a new one."""
        name = self.request.projection
        version = PROJECTIONS[name].mapping_version
        async with self.engine.connect() as conn:
            known = await list_generations(conn, [name])
        serving = next((each for each in known if each.serving), None)
        self._refuse(serving)
        if serving is None:
            return None, 1
        for each in known:
            if each.has_served:
                continue
            is_asked_for = (each.mapping_version, each.is_scratch, each.store_id) == (version, self._is_scratch, self.request.days.store_id)
            if is_asked_for and await self._goes_on(each, serving):
                return serving, each.number
            if is_asked_for or each.state == "building":
                await drop(self.addresses, self.engine, name, each.number)
        async with self.engine.begin() as conn:
            begun = await begin(conn, name, version, self.addresses.log_id, self._is_scratch, self.request.days.store_id)
        return serving, begun.number

    def _refuse(self, serving: Generation | None) -> None:
        """Raise CannotReplay where what serves does not allow what is asked for."""
        name = self.request.projection
        if serving is None:
            if self._is_scratch:
                raise CannotReplay(_NOTHING_SERVES.format(name=name))
        elif name not in REBUILDABLE:
            raise CannotReplay(f"{name} has no generations: its rows are what was written, once for all")
        elif serving.mapping_version != PROJECTIONS[name].mapping_version and self._is_scratch:
            raise CannotReplay(f"{name} was made by mapping version {serving.mapping_version}: replay it as a whole")

    async def _goes_on(self, unfinished: Generation, serving: Generation) -> bool:
        """Tell whether one that was begun can be gone on with: past one that stands still it can be accepted, not compared again."""
        if serving.mapping_version == unfinished.mapping_version:
            return True
        self.is_accepted = unfinished.state == "running" and self.request.accept_differences
        stands, reached = await self._positions(serving.number), await self._positions(unfinished.number)
        return self.is_accepted or all(offset <= stands.get(part, 0) for part, offset in reached.items())

    def _options(self, generation: int) -> RunnerOptions:
        rate = self.request.records_per_second
        most = _TIMES_AS_MANY * PROJECTIONS[self.request.projection].max_records
        return RunnerOptions(
            addresses=self.addresses,
            generation=generation,
            max_records=most if rate is None else max(1, min(most, int(rate))),
            crash_points=self.crash_points,
            records_per_second=rate,
            only_store=self.request.days.store_id,
        )

    async def _source(self, options: RunnerOptions, stack: AsyncExitStack) -> RunnerOptions:
        """Let the runner read from where it was asked for."""
        if self.reader is not None:
            return replace(options, member=members_of(self.reader, self.reader.ends))
        if self.request.source == "log":
            return options
        if self.request.projection == ARCHIVE:
            raise CannotReplay("the archive cannot be its own source")
        self.tell(ReplayProgress("checking the archive", 0, 0))
        client = await stack.enter_async_context(self._clickhouse())
        topics, root = PROJECTIONS[self.request.projection].topics, self.request.archive_root
        ends = await check_archive(self.addresses, self.engine, client, topics, root)
        async with self.engine.connect() as conn:
            serving = await serving_generation(conn, ARCHIVE)
            cold = await cold_of(conn, self.addresses.log_id, serving)
        reader = ArchiveReader(client, serving, self.addresses.log_id, cold, root)
        return replace(options, member=members_of(reader, ends))

    async def _ends(self) -> dict[Part, int]:
        topics = PROJECTIONS[self.request.projection].topics
        found = await end_offsets(self.addresses.kafka_bootstrap, topics, self.addresses.topic_prefix)
        return {Part(tp.topic, tp.partition): end for tp, end in found.items()}

    async def _positions(self, generation: int) -> dict[Part, int]:
        async with self.engine.connect() as conn:
            return await read_positions(conn, self.request.projection, generation)

    async def _catch_up(self, generation: int, ends_of: Ends, short_of: int) -> None:
        """Wait until at most so many records are left to be read, and tell how far it is."""
        began = asked = monotonic_seconds()
        ends: Mapping[Part, int] = {}
        first, left = None, 0
        while True:
            is_fresh = left <= short_of or monotonic_seconds() - asked > _ENDS_SECONDS
            if is_fresh:
                ends, asked = await ends_of(), monotonic_seconds()
            reached = await self._positions(generation)
            total = sum(ends.values())
            done = sum(min(end, reached.get(part, 0)) for part, end in ends.items())
            first, left = (done if first is None else first), total - done
            seconds = monotonic_seconds() - began
            rate = (done - first) / seconds if done > first and seconds > 0 else None
            self.tell(ReplayProgress("reading the log", done, total, rate, left / rate if rate else None))
            if is_fresh and left <= short_of and set(ends) <= set(reached):
                return
            await asyncio.sleep(_POLL_SECONDS)

    async def _compare(self, serving: int, generation: int, vector: Mapping[Part, int]) -> Comparison:
        name, days = self.request.projection, self.request.days
        total = sum(vector.values())
        self.tell(ReplayProgress("comparing", total, total))
        positions = {f"{part.topic}/{part.number}": end for part, end in sorted(vector.items())}
        comparison = Comparison(name, serving, generation, positions)
        if name in CLICKHOUSE_TABLES:
            async with self._clickhouse() as client:
                comparison.tables += await clickhouse_tables.compare_tables(client, name, serving, generation, days)
        else:
            async with self.engine.connect() as conn:
                await conn.execution_options(isolation_level="REPEATABLE READ")
                comparison.tables += await postgres_tables.compare_tables(conn, name, serving, generation, days)
        return comparison

    async def _repair(self, serving: int, generation: int, holder: Holder) -> int:
        name, days = self.request.projection, self.request.days
        async with self.engine.begin() as conn:
            if name not in CLICKHOUSE_TABLES:
                await holder.pin(conn)
                changed = await postgres_tables.replace_rows(conn, name, serving, generation, days)
            version = await allocate_ledger_id(conn)
        if name in CLICKHOUSE_TABLES:
            async with self._clickhouse() as client:
                changed = await clickhouse_tables.replace_rows(client, name, serving, generation, days, version, holder.extend)
        self.crash_points.reach("rows_replaced")
        return changed

    async def _conclude(self, generation: int, comparison: Comparison) -> Done:
        if not self.request.days.is_everything and comparison.is_empty:
            return "nothing"
        if self.request.compare_only:
            return "same" if comparison.is_equal else "compared"
        if not self.request.days.is_everything:
            return "same" if comparison.is_equal else "repaired"
        if not comparison.is_equal and not self.request.accept_differences:
            return "differs"
        return await self._switch(generation)

    async def _switch(self, generation: int) -> Done:
        async with self.engine.begin() as conn:
            await switch(conn, self.request.projection, generation)
        self.crash_points.reach("switched")
        return "switched"

    @asynccontextmanager
    async def _clickhouse(self) -> AsyncIterator[AsyncClient]:
        client = await async_writer(self.addresses.clickhouse_url)
        client.form_encode_query_params = True
        try:
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def alone(engine: AsyncEngine, *projections: str) -> AsyncIterator[None]:
    """Keep others from replaying the same read models; the locks end with the connection. CannotReplay while somebody does."""
    async with engine.connect() as conn:
        await conn.execution_options(isolation_level="AUTOCOMMIT")
        try:
            for projection in projections:
                bound = {"name": f"tillstream replay {projection}"}
                if not (await conn.execute(text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))"), bound)).scalar_one():
                    raise CannotReplay(f"another replay of {projection} is at work")
            yield
        finally:
            await conn.execute(text("SELECT pg_advisory_unlock_all()"))


async def replay(
    addresses: Addresses,
    request: ReplayRequest,
    tell: Callable[[ReplayProgress], None] = lambda _: None,
    crash_points: CrashPoints | None = None,
    beside: Beside | None = None,
) -> ReplayResult:
    """Rebuild one read model, beside the generation that serves if there is one; see `ReplayRequest`.

    `beside`: what it has in common with others.

    CannotReplay before anything is begun; NotHeld when the generations could not be brought to one position; Halted when the
    log cannot be read to its end. After either the same request goes on.
    """
    if request.projection not in PROJECTIONS:
        raise CannotReplay(f"there is no read model {request.projection!r}; there are {', '.join(REBUILDABLE)}")
    engine = async_engine(addresses.postgres_dsn, "tillstream-replay") if beside is None else beside.engine
    try:
        async with alone(engine, request.projection):
            reader = None if beside is None else beside.reader
            return await _Replay(addresses, request, engine, tell, crash_points or NoCrashPoints(), reader).run()
    finally:
        if beside is None:
            await engine.dispose()
