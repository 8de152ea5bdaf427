"""Apply a batch to a read model in ClickHouse: number, facts, sums, and only then the positions, in one Postgres transaction.

There is no transaction over both stores and no plan to recover: a process that dies anywhere leaves positions behind its
facts, and the next owner repeats the batch, which changes nothing. This holds as long as the tables replace by identity
(a probe at the start refuses to run otherwise) and as long as sums of an older batch lose against those of a newer one.
"""

from collections.abc import Sequence
from typing import Final, Generic

from clickhouse_connect.driver.asyncclient import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.records import LogRecord
from infra.clickhouse.client import async_writer
from projections.batching import Batch, DeadLetter, LedgerRow, Outcome, Part, Sorted, Source, sort_records, source_of
from projections.dead_letters import note_letters, refuse_excess
from projections.discards import set_aside_on
from projections.ledger import allocate_ledger_id
from projections.positions import Displaced, advance
from projections.settlement import settle
from projections.sinks.clickhouse_archive import ArchiveModel
from projections.sinks.clickhouse_insert import attempt
from projections.sinks.clickhouse_model import ClickHouseModel, Judgement, Seen, Work
from projections.sinks.clickhouse_probe import probe
from projections.sinks.clickhouse_sales import SalesModel
from projections.sinks.reading import Reading
from projections.sinks.seen_ids import FromTheFirst
from projections.sinks.sink import Sink, SinkContext

PORTION_RECORDS: Final = 1_000
"""Read together: columns are made of so many at once, and the other work of the process waits some 15 milliseconds for them."""

_EPOCHS = text(
    """
    SELECT topic, part, epoch FROM delivery.positions WHERE projection = :projection AND generation = :generation
    """
)


_LOSES: Final = 0
"""A version below those of all batches."""


class ClickHouseSink(Generic[Seen, Work]):
    """Takes the batches of one ClickHouse projection."""

    def __init__(self, context: SinkContext, model: ClickHouseModel[Seen, Work]) -> None:
        self._context = context
        self._model = model
        self._client: AsyncClient | None = None
        self._asking = context.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._reading: Reading[Seen | Judgement] = Reading(model.covers, model.read, PORTION_RECORDS)
        self._from_the_first = FromTheFirst()

    async def start(self) -> None:
        """Connect, and refuse to run on tables that do not replace (StoreDoesNotReplace)."""
        if self._client is None:
            context = self._context
            self._client = await attempt("connection", lambda: async_writer(context.addresses.clickhouse_url, context.answer_seconds))
        client: AsyncClient = self._client
        client.form_encode_query_params = True  # ids of a batch do not fit an address
        self._model.connect(client)
        self._model.read(0, ())  # imports what the first batch would wait for
        await probe(client, self._model.tables, self._context.generation)

    async def look_at(self, batch: Batch) -> None:
        """Read the records, or those that were added, and remember what they say until another batch is looked at."""
        await self._reading.look_at(batch)

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
        async with self._asking.connect() as conn:
            _, discarded = await set_aside_on(conn, batch, [sort_records(part, self._model.covers) for part in batch.parts])
        if discarded:
            await self._model.withdraw(await self._reading.items([letter.record for letter in discarded]), _LOSES)

    async def _apply(self, batch: Batch) -> tuple[LedgerRow, ...]:
        reach = self._context.crash_points.reach
        looked = await self._reading.take(batch)
        splits, taken, seen = looked.in_order(), looked.taken, looked.items
        async with self._asking.connect() as conn:
            ledger_id = await self._number(conn, batch)
            kept, discarded = await set_aside_on(conn, batch, splits)
        if discarded:
            await self._model.withdraw(await self._reading.items([letter.record for letter in discarded]), ledger_id)
            taken, seen = kept, await self._reading.items(kept)
        is_covered = self._from_the_first.covers(batch)
        work = await self._model.prepare(seen, is_covered)
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

    async def _number(self, conn: AsyncConnection, batch: Batch) -> int:
        """Take the batch's number, then make sure that it is still ours.

        In this order, each seen by itself: an owner who was displaced unnoticed never goes on with a number above those of its
        successor, so whatever it still writes loses.
        """
        ledger_id = await allocate_ledger_id(conn)
        await self._check_owner(conn, batch)
        return ledger_id

    async def _check_owner(self, conn: AsyncConnection, batch: Batch) -> None:
        if not self._context.safeguards.epoch:
            return
        rows = await conn.execute(_EPOCHS, {"projection": batch.projection, "generation": batch.generation})
        epochs = {Part(topic, number): epoch for topic, number, epoch in rows}
        lost = [part.part for part in batch.parts if epochs.get(part.part) != part.epoch]
        if lost:
            raise Displaced(lost)

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
