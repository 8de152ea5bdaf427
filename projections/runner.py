"""Drives a projection: takes ownership of partitions, reads from the positions in Postgres, hands batches to a sink.

It never goes on past an error. What a batch does to a store is the sink's; where to read and who may write is
decided in Postgres, never by the broker.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, TypeVar

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from contracts.records import LogRecord, RawRecord
from infra.clock import monotonic_seconds
from infra.kafka.admin import log_id
from infra.kafka.consumer import Partition, Record
from infra.kafka.group import GroupMember, LogError, OutOfRange, stop_quietly
from projections.batching import Batch, LedgerRow, OffsetGap, Part, grown, part_batch, shortened
from projections.catalogue import Declared
from projections.consumers import Pulse
from projections.dead_letters import check_limit
from projections.errors import Halted, LimitPassed, RecordMissing, TooManyDeadLetters, Unavailable
from projections.generations import register
from projections.holds import Gate, Holds
from projections.options import RunnerOptions
from projections.positions import Claim, Displaced, claim, read_positions
from projections.sinks.sink import Sink, SinkContext

_log = structlog.get_logger(__name__)
_Result = TypeVar("_Result")

_PASSING = (OperationalError, InterfaceError, PoolTimeout, LogError, Unavailable, OSError, TimeoutError)
"""Errors of the surroundings, not of the data: the same step is tried again."""
_FETCH_MILLISECONDS = 250
_REVOKE_SECONDS = 4.0
_LAG_NOTE_SECONDS = 1.0
_FEW_RECORDS = 500
"""Fewer are a small batch, unless it could not have been larger."""
RECORDS_AT_ONCE: Final = 2_000
"""Fetched and read, before it is asked whether the store waits for more to do."""
_GATHER_SECONDS = 0.05
"""How often what has come is fetched while a batch is written: the next one then has all that came before its turn."""
_HALT_LOOK_SECONDS = 3.0
_NOTHING: Mapping[Part, int] = {}


class GaveUp(Exception):
    """The surroundings did not come back within the time that the options allow."""


class _Stopped(Exception):
    """The process was asked to end while it waited for its surroundings."""


class Runner:
    """Runs one projection as one member of its group until it is stopped."""

    def __init__(self, declared: Declared, options: RunnerOptions, engine: AsyncEngine, holds: Holds, stop: asyncio.Event) -> None:
        self._declared = declared
        self._options = options
        self._engine = engine
        self._stop = stop
        self._max_records = options.max_records or declared.max_records
        self._few_records = min(_FEW_RECORDS, self._max_records)
        self._idle = asyncio.Event()
        self._idle.set()
        self._claims: dict[Part, Claim] = {}
        self._lag: dict[Partition, int] = {}
        self._lag_noted = 0.0
        self._log_answered = monotonic_seconds()
        self.owned = asyncio.Event()
        """Set once the first assignment, which may be empty, was taken over."""
        self._looking: asyncio.Task[Batch | None] | None = None
        self._gate = Gate(engine, holds, declared.name, options.generation)
        context = SinkContext(
            declared.name,
            options.generation,
            engine,
            options.addresses,
            options.safeguards,
            options.crash_points,
            options.limit,
            options.answer_seconds,
        )
        self._pulse = Pulse(engine, declared.name, options.generation)
        self._sink: Sink = declared.factory(context)
        self._log = _log.bind(read_model=declared.name, generation=options.generation)

    async def run(self) -> None:
        """Work until stopped; raises what no repetition heals, and leaves word of it."""
        async with self._pulse.beating():
            try:
                await self._work()
            except (Halted, GaveUp) as error:
                self._pulse.halts(error)
                raise

    async def _work(self) -> None:
        try:
            await self._retrying("begin to work", self._prepare)
            while not self._stop.is_set():
                try:
                    await self._membership()
                except TooManyDeadLetters as halt:
                    if not self._options.waits_for_decisions:
                        raise
                    await self._await_decisions(halt)
                except Displaced as displaced:
                    self._log.warning("batch_abandoned", reason=str(displaced))
                except (LogError, OSError) as error:
                    self._log.warning("membership_lost", error=repr(error))
                    self._pulse.waits(error)
                    if monotonic_seconds() - self._log_answered > self._options.retry_seconds:
                        raise GaveUp(f"{self._declared.name}: {error!r}") from error
                    await self._pause(0.5)
        except _Stopped:
            pass
        finally:
            await self._sink.close()
        self._log.info("runner_stopped")

    async def _await_decisions(self, halt: TooManyDeadLetters) -> None:
        """Stand still, out of the group, until people have decided about the letters; the other consumers of the process go on."""
        self._pulse.halts(halt)
        await self._pulse.say_now()
        self._log.error("consumer_halted", reason=str(halt))
        self.owned.set()
        while not self._stop.is_set():
            await self._pause(_HALT_LOOK_SECONDS)
            try:
                await self._retrying("count dead letters", self._check_all_limits)
            except TooManyDeadLetters:
                self._pulse.halts(halt)
            else:
                self._log.info("consumer_goes_on")
                return

    async def _check_all_limits(self) -> None:
        async with self._engine.connect() as conn:
            await self._check_limits(conn, await read_positions(conn, self._declared.name, self._options.generation))

    async def _prepare(self) -> None:
        found = await log_id(self._options.addresses.kafka_bootstrap)
        async with self._engine.begin() as conn:
            await register(conn, self._declared.name, self._options.generation, self._declared.mapping_version, found)
        await self._sink.start()

    async def _membership(self) -> None:
        addresses = self._options.addresses
        group = f"{addresses.topic_prefix}tillstream-{self._declared.name}-g{self._options.generation}"
        member = self._options.member(
            addresses.kafka_bootstrap,
            f"tillstream-{self._declared.name}",
            group,
            self._declared.topics,
            addresses.topic_prefix,
            self._finish_batch,
            **dict(self._options.consumer_settings),
        )
        self._claims = {}
        try:
            await member.start()
            while not self._stop.is_set():
                if member.changed:
                    await self._take_over(member)
                await self._step(member)
        finally:
            await self._look_no_further()
            await stop_quietly(member)

    async def _finish_batch(self) -> None:
        """Let the batch at hand end; one that does not in time finds its epoch raised by the next owner."""
        await self._until_idle(_REVOKE_SECONDS)

    async def _until_idle(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    async def _take_over(self, member: GroupMember) -> None:
        await self._look_no_further()  # before anything is sought: what it has in hand is read again
        member.changed = False
        wanted = [Part(tp.topic, tp.partition) for tp in member.assigned]
        self._claims = {}
        if wanted:
            self._claims = await self._retrying("take over partitions", lambda: self._claim(wanted))
            member.read_from({Partition(*part): taken.next_offset for part, taken in self._claims.items()})
        self._log.info("partitions_taken", parts={f"{p.topic}/{p.number}": c.next_offset for p, c in sorted(self._claims.items())})
        self.owned.set()

    async def _claim(self, wanted: Sequence[Part]) -> dict[Part, Claim]:
        name, generation = self._declared.name, self._options.generation
        async with self._engine.begin() as conn:
            found = await log_id(self._options.addresses.kafka_bootstrap)
            await register(conn, name, generation, self._declared.mapping_version, found)
            claims = await claim(conn, name, generation, wanted)
            await self._check_limits(conn, {part: taken.next_offset for part, taken in claims.items()})
        return claims

    async def _check_limits(self, conn: AsyncConnection, positions: Mapping[Part, int]) -> None:
        for part, offset in positions.items():
            await check_limit(conn, self._declared.name, self._options.generation, part, offset, self._options.limit)

    async def _step(self, member: GroupMember) -> None:
        looking, self._looking = self._looking, None
        ahead = None if looking is None else await looking
        fetched = await self._fetch(member) if looking is None else _records_of(ahead)
        if member.changed:
            return
        if ahead is not None and not self._follows(ahead):
            member.read_from({Partition(*part): owned.next_offset for part, owned in self._claims.items()})
            return
        admitted, again = await self._retrying("ask for holds", lambda: self._gate.admit(self._claims, fetched))
        member.read_from(again)
        if member.changed or not admitted:
            return
        batch = ahead if ahead is not None and admitted is fetched else self._batch(admitted)
        self._idle.clear()
        reads_ahead = batch.records >= self._few_records or not self._declared.stands_back
        if reads_ahead and not again and self._options.records_per_second is None:
            self._looking = asyncio.create_task(self._look_ahead(member, batch))
        began = monotonic_seconds()
        try:
            self._options.crash_points.reach("batch_received")
            batch, rows = await self._retrying("write a batch", lambda: self._apply(batch))
        finally:
            self._idle.set()
        self._options.crash_points.reach("committed")
        await self._applied(member, batch, rows, monotonic_seconds() - began)

    async def _fetch(self, member: GroupMember, already: int = 0) -> Mapping[Partition, Sequence[LogRecord]]:
        try:
            fetched = await member.fetch(1 if already else _FETCH_MILLISECONDS, min(RECORDS_AT_ONCE, self._max_records - already))
        except OutOfRange as error:
            raise RecordMissing(f"{self._declared.name}: {error}") from error
        self._log_answered = monotonic_seconds()
        return {tp: _plain_records(tp.topic, records) for tp, records in fetched.items()}

    async def _look_ahead(self, member: GroupMember, before: Batch) -> Batch | None:
        """Fetch and read what follows a batch for as long as that is written, piece by piece; nothing of it is applied before its turn."""
        after = {part.part: part.next for part in before.parts}
        ahead: Batch | None = None
        while not member.changed:
            more = await self._fetch(member, ahead.records if ahead is not None else 0)
            if more and not member.changed:
                ahead = self._batch(more, after, ahead)
                await self._sink.look_at(ahead)
            if self._idle.is_set() or (ahead is not None and ahead.records >= self._max_records):
                break
            if not may_have_more(more, len(after)):
                await self._until_idle(_GATHER_SECONDS)
        return ahead

    async def _look_no_further(self) -> None:
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    def _follows(self, batch: Batch) -> bool:
        """Tell whether a batch begins where its partitions really are."""
        claims = [(part, self._claims.get(part.part)) for part in batch.parts]
        return all(owned is not None and (part.epoch, part.first) == (owned.epoch, owned.next_offset) for part, owned in claims)

    async def _apply(self, batch: Batch) -> tuple[Batch, Sequence[LedgerRow]]:
        """Apply a batch, or as much of it as has no more dead letters than are allowed; return what was applied, and its accounts."""
        while True:
            try:
                return batch, await self._sink.apply(batch)
            except LimitPassed as passed:
                batch = shortened(batch, passed.ends)

    def _batch(
        self, fetched: Mapping[Partition, Sequence[LogRecord]], after: Mapping[Part, int] = _NOTHING, before: Batch | None = None
    ) -> Batch:
        """Make a batch of what follows the positions that are claimed, or other ones, or a batch that it is to be joined with."""
        parts = {part.part: part for part in before.parts} if before is not None else {}
        try:
            for tp, records in fetched.items():
                part = Part(tp.topic, tp.partition)
                owned, known = self._claims[part], parts.get(part)
                first = after.get(part, owned.next_offset)
                parts[part] = (
                    grown(known, records) if known is not None else part_batch(part, owned.epoch, first, records, self._options.only_store)
                )
        except OffsetGap as gap:
            raise RecordMissing(f"{self._declared.name}: {gap}") from gap
        return Batch(self._declared.name, self._options.generation, tuple(parts[part] for part in sorted(parts)))

    async def _applied(self, member: GroupMember, batch: Batch, rows: Sequence[LedgerRow], took_seconds: float) -> None:
        for part in batch.parts:
            if part.part in self._claims:
                self._claims[part.part] = Claim(part.part, part.epoch, part.next, part.recorded_at)
            self._lag[Partition(*part.part)] = part.next
        dead = [row for row in rows if row.tally.dead]
        self._log.info(
            "batch_written",
            records=batch.records,
            applied=sum(row.tally.applied for row in rows),
            repeats=sum(row.tally.repeats for row in rows),
            dead=sum(row.tally.dead for row in rows),
        )
        if dead:
            async with self._engine.connect() as conn:
                await self._check_limits(conn, {row.part: row.next for row in dead})
        if monotonic_seconds() - self._lag_noted > _LAG_NOTE_SECONDS:
            self._lag_noted = monotonic_seconds()
            await member.note_for_lag_tools(self._lag)
            self._lag.clear()
        if self._options.records_per_second is not None:
            await self._pause(batch.records / self._options.records_per_second)
        elif batch.records < self._few_records:
            await self._pause(self._declared.pause_after(took_seconds))

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    async def _retrying(self, what: str, step: Callable[[], Awaitable[_Result]]) -> _Result:
        """Repeat a step while its surroundings fail, for as long as the options allow; then let the error through."""
        deadline = monotonic_seconds() + self._options.retry_seconds
        wait = 0.1
        while True:
            try:
                with self._pulse.asking(what):
                    answer = await step()
            except _PASSING as error:
                self._pulse.waits(error)
                if monotonic_seconds() > deadline:
                    raise GaveUp(f"{self._declared.name}: {error!r}") from error
                self._log.warning("step_failed", error=repr(error)[:500], again_in_seconds=wait)
            else:
                self._pulse.works()
                return answer
            await self._pause(wait)
            if self._stop.is_set():
                raise _Stopped
            wait = min(2.0, wait * 2)


def may_have_more(found: Mapping[Partition, Sequence[LogRecord]], partitions: int) -> bool:
    """Tell whether one of so many partitions gave at least its share of a piece: some sources give no more of each at once."""
    return max(map(len, found.values()), default=0) >= RECORDS_AT_ONCE // partitions


def _records_of(batch: Batch | None) -> Mapping[Partition, Sequence[LogRecord]]:
    return {} if batch is None else {Partition(*part.part): part.records for part in batch.parts}


def _plain_records(topic: str, records: Sequence[Record]) -> list[LogRecord]:
    """Return records under the plain name of their topic; some sources make them so."""
    return [
        each
        if isinstance(each, RawRecord)
        else RawRecord(topic, each.partition, each.offset, each.timestamp, each.key, each.value, each.headers)
        for each in records
    ]
