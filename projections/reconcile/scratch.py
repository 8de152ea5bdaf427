"""Fold stores anew, beside the generations that serve: tables of their own, the same mappings and sinks, dropped afterwards.

Readers and runners know nothing of it: such a generation is never switched to, and its positions count its own records.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.records import LogRecord
from infra.addresses import Addresses
from infra.clickhouse.client import async_writer
from projections.batching import Batch, Part, PartBatch, sort_records
from projections.catalogue import PROJECTIONS
from projections.discards import set_aside
from projections.generation_tables import CLICKHOUSE_TABLES, create_in_clickhouse, create_in_postgres
from projections.generations import begin, forget_dropped, list_generations
from projections.options import DeadLetterLimit, NoCrashPoints, Safeguards
from projections.positions import Claim, claim
from projections.replay.retire import drop
from projections.replay.run import CannotReplay, alone
from projections.sinks.sink import Sink, SinkContext

_NO_LIMIT: Final = DeadLetterLimit(open=2**40, among=1)
"""What the serving generation has as dead letters, this one has as well."""
_OURS: Final = "(reconciliation)"
"""Stands where a repair names its store, so that no replay takes one of these for its own and goes on with it."""


@dataclass(slots=True)
class ScratchModel:
    """One read model folded anew. `until`: how far the serving generation had applied, which is how far this one is fed."""

    name: str
    generation: int
    until: Mapping[Part, int]
    sink: Sink
    engine: AsyncEngine
    claims: dict[Part, Claim] = field(default_factory=dict)

    async def feed(self, part: Part, records: Sequence[LogRecord]) -> None:
        """Apply records of one partition, in their order; those that do not concern the model are passed over."""
        declared = PROJECTIONS[self.name]
        mine = [record for record in records if record.offset < self.until.get(part, 0)] if part.topic in declared.covers else []
        if not mine:
            return
        latest = datetime.fromtimestamp(max(record.timestamp for record in mine) / 1000, UTC)
        asked = PartBatch(part, 0, mine[0].offset, mine[-1].offset + 1, latest, mine)
        taken = sort_records(asked, declared.covers)
        kept, _ = await set_aside(self.engine, Batch(self.name, self.generation, (asked,)), [taken])
        if not kept:
            return
        if part not in self.claims:
            async with self.engine.begin() as conn:
                self.claims |= await claim(conn, self.name, self.generation, [part])
        own = self.claims[part]
        batch = PartBatch(part, own.epoch, own.next_offset, own.next_offset + len(kept), latest, kept)
        await self.sink.apply(Batch(self.name, self.generation, (batch,)))
        self.claims[part] = replace(own, next_offset=batch.next)


@asynccontextmanager
async def scratch_models(
    addresses: Addresses, engine: AsyncEngine, until: Mapping[str, Mapping[Part, int]]
) -> AsyncIterator[list[ScratchModel]]:
    """Make empty tables of these models, which have a generation that serves; CannotReplay while one of them is replayed."""
    async with alone(engine, *sorted(until)), AsyncExitStack() as stack:
        models = []
        await _drop_left_over(addresses, engine, list(until))
        for name in until:
            version = PROJECTIONS[name].mapping_version
            async with engine.begin() as conn:
                generation = (await begin(conn, name, version, addresses.log_id, is_scratch=True, store_id=_OURS)).number
                if generation == 1:
                    raise CannotReplay(f"{name} has no generation yet, and the first one is no scratch")
                await create_in_postgres(conn, name, generation)
            stack.push_async_callback(drop, addresses, engine, name, generation)
            context = SinkContext(name, generation, engine, addresses, Safeguards(), NoCrashPoints(), _NO_LIMIT)
            models.append(ScratchModel(name, generation, until[name], PROJECTIONS[name].factory(context), engine))
            stack.push_async_callback(models[-1].sink.close)
        await _create_in_clickhouse(addresses, models)
        for model in models:
            await model.sink.start()
        yield models


async def _drop_left_over(addresses: Addresses, engine: AsyncEngine, names: Sequence[str]) -> None:
    """Drop what a run that was killed has left, and forget the generations of earlier runs."""
    async with engine.connect() as conn:
        known = await list_generations(conn, names, ("building", "dropping"))
    for each in known:
        if each.store_id == _OURS:
            await drop(addresses, engine, each.projection, each.number)
    async with engine.begin() as conn:
        await forget_dropped(conn, names, _OURS)


async def _create_in_clickhouse(addresses: Addresses, models: Sequence[ScratchModel]) -> None:
    client = await async_writer(addresses.clickhouse_url)
    try:
        for model in models:
            if model.name in CLICKHOUSE_TABLES:
                await create_in_clickhouse(client, model.name, model.generation)
    finally:
        await client.close()
