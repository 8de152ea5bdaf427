"""Apply a batch to a read model in ClickHouse: number, facts, sums, and only then the positions, in one Postgres transaction.

There is no transaction over both stores and no plan to recover: a process that dies anywhere leaves positions behind its
facts, and the next owner repeats the batch, which changes nothing. This holds as long as the tables replace by identity
(a probe at the start refuses to run otherwise) and as long as sums of an older batch lose against those of a newer one.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic

from clickhouse_connect.driver.asyncclient import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.records import LogRecord
from infra.clickhouse.client import async_writer
from projections.batching import Batch, DeadLetter, LedgerRow, Outcome, Sorted, Source, sort_records, source_of
from projections.dead_letters import note_letters, refuse_excess
from projections.discards import set_aside
from projections.ledger import allocate_ledger_id
from projections.positions import Displaced, advance
from projections.settlement import settle
from projections.sinks.clickhouse_archive import ArchiveModel
from projections.sinks.clickhouse_insert import attempt
from projections.sinks.clickhouse_model import ClickHouseModel, Judgement, Seen, Work
from projections.sinks.clickhouse_probe import probe
from projections.sinks.clickhouse_sales import SalesModel
from projections.sinks.seen_ids import FromTheFirst
from projections.sinks.sink import BREATH_RECORDS, Sink, SinkContext

_EPOCH = text(
    """
    SELECT epoch FROM delivery.positions
    WHERE projection = :projection AND generation = :generation AND topic = :topic AND part = :part
    """
)


_LOSES: Final = 0
"""A version below those of all batches."""


@dataclass(frozen=True, slots=True)
class _Looked(Generic[Seen]):
    """What was seen in the taken records of a batch, before anybody was asked."""

    batch: Batch
    splits: list[Sorted]
    seen: list[Seen | Judgement]


class ClickHouseSink(Generic[Seen, Work]):
    """Takes the batches of one ClickHouse projection."""

    def __init__(self, context: SinkContext, model: ClickHouseModel[Seen, Work]) -> None:
        self._context = context
        self._model = model
        self._client: AsyncClient | None = None
        self._looked: _Looked[Seen] | None = None
        self._from_the_first = FromTheFirst()

    async def start(self) -> None:
        """Connect, and refuse to run on tables that do not replace (StoreDoesNotReplace)."""
        if self._client is None:
            context = self._context
            self._client = await attempt("connection", lambda: async_writer(context.addresses.clickhouse_url, context.answer_seconds))
        client: AsyncClient = self._client
        client.form_encode_query_params = True  # ids of a batch do not fit an address
        self._model.connect(client)
        await probe(client, self._model.tables, self._context.generation)

    async def look_at(self, batch: Batch) -> None:
        """Read the records, and remember what they say until another batch is looked at or applied."""
        self._looked = await self._look(batch)

    async def _look(self, batch: Batch) -> _Looked[Seen]:
        splits = [sort_records(part, self._model.covers) for part in batch.parts]
        return _Looked(batch, splits, await self._see([record for split in splits for record in split.taken]))

    async def _see(self, records: Sequence[LogRecord]) -> list[Seen | Judgement]:
        seen: list[Seen | Judgement] = []
        for index, record in enumerate(records):
            if index % BREATH_RECORDS == 0:
                await asyncio.sleep(0)  # heartbeats and the answers of stores share this loop
            seen.append(self._model.read_one(index, record))
        return seen

    async def apply(self, batch: Batch) -> tuple[LedgerRow, ...]:
        """Make a batch durable and advance its positions; repeatable, see the protocol of sinks."""
        try:
            return await self._apply(batch)
        except Displaced:
            await self._take_back(batch)
            raise

    async def _take_back(self, batch: Batch) -> None:
        """Take out what may have been written of records that were discarded while this process did not run.

        Whoever owns the partitions now has passed them, before this process wrote; the sums, which were right then, lose to the owner's.
        """
        _, discarded = await set_aside(self._context.engine, batch, [sort_records(part, self._model.covers) for part in batch.parts])
        if discarded:
            await self._model.withdraw(await self._see([letter.record for letter in discarded]), _LOSES)

    async def _apply(self, batch: Batch) -> tuple[LedgerRow, ...]:
        reach = self._context.crash_points.reach
        ledger_id = await self._number(batch)
        looked, self._looked = self._looked, None
        if looked is None or looked.batch is not batch:
            looked = await self._look(batch)
        splits, seen = looked.splits, looked.seen
        taken, discarded = await set_aside(self._context.engine, batch, splits)
        if discarded:
            await self._model.withdraw(await self._see([letter.record for letter in discarded]), ledger_id)
        is_covered = self._from_the_first.covers(batch)
        work = await self._model.prepare(await self._see(taken) if discarded else seen, is_covered)
        await self._refuse_excess(batch, self._outcomes(taken, work)[1])
        reach("before_insert")
        await self._model.insert(work)
        reach("inserted")
        await self._model.sum_again(work, ledger_id)
        reach("recomputed")
        reach("effects_written")
        rows = await self._advance(batch, ledger_id, splits, self._outcomes(taken, work), discarded)
        if is_covered:
            self._from_the_first.applied(batch)
            self._model.remember(work)
        reach("positions_advanced")
        return rows

    async def close(self) -> None:
        """Release the connection."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _number(self, batch: Batch) -> int:
        """Take the batch's number, then make sure that it is still ours.

        In this order: an owner who was displaced unnoticed never goes on with a number above those of its successor, so
        whatever it still writes loses.
        """
        async with self._context.engine.begin() as conn:
            ledger_id = await allocate_ledger_id(conn)
        async with self._context.engine.begin() as conn:
            await self._check_owner(conn, batch)
        return ledger_id

    async def _check_owner(self, conn: AsyncConnection, batch: Batch) -> None:
        if not self._context.safeguards.epoch:
            return
        for part in batch.parts:
            place = {
                "projection": batch.projection,
                "generation": batch.generation,
                "topic": part.part.topic,
                "part": part.part.number,
            }
            if (await conn.execute(_EPOCH, place)).scalar_one_or_none() != part.epoch:
                raise Displaced(part.part)

    async def _refuse_excess(self, batch: Batch, letters: Sequence[DeadLetter]) -> None:
        """Raise LimitPassed before anything is written that the positions would not follow; what is noted here to count is not kept."""
        if letters:
            async with self._context.engine.connect() as conn:
                await note_letters(conn, batch, letters)
                await refuse_excess(conn, batch, letters, self._context.limit)

    def _outcomes(self, taken: Sequence[LogRecord], work: Work) -> tuple[dict[Source, Outcome], list[DeadLetter]]:
        outcomes: dict[Source, Outcome] = {}
        letters: list[DeadLetter] = []
        for index, judgement in work.judgements.items():
            outcomes[source_of(taken[index])] = judgement.outcome
            if judgement.outcome is Outcome.DEAD:
                letters.append(DeadLetter(taken[index], judgement.reason, judgement.detail))
        return outcomes, letters

    async def _advance(
        self,
        batch: Batch,
        ledger_id: int,
        splits: Sequence[Sorted],
        judged: tuple[dict[Source, Outcome], list[DeadLetter]],
        discarded: Sequence[DeadLetter],
    ) -> tuple[LedgerRow, ...]:
        outcomes, letters = judged
        async with self._context.engine.begin() as conn:
            await advance(conn, batch, self._context.safeguards)
            return await settle(conn, ledger_id, batch, splits, outcomes, [*discarded, *letters], self._context.limit)


def sales_sink(context: SinkContext) -> Sink:
    """Make the sink of the sales facts and their hourly sums."""
    return ClickHouseSink(context, SalesModel(context.generation, context.safeguards.first_position_wins))


def event_log_sink(context: SinkContext) -> Sink:
    """Make the sink of the archive."""
    return ClickHouseSink(context, ArchiveModel(context.addresses.log_id, context.generation))
