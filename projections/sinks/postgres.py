"""The Postgres protocol: effects, next position, ledger rows and dead letters in one transaction, for the owner of the partitions only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.errors import ContractError
from contracts.records import LogRecord
from projections.batching import Batch, Covers, DeadLetter, LedgerRow, Outcome, Source, source_of
from projections.discards import set_aside_on
from projections.errors import Unavailable
from projections.facts import FactKey
from projections.ledger import allocate_ledger_id
from projections.positions import advance
from projections.settlement import settle
from projections.sinks.postgres_facts import FactTables, forget
from projections.sinks.reading import Reading
from projections.sinks.sink import BREATH_RECORDS, SinkContext

_TRANSACTION_IDLE: Final = "10s"
"""A frozen owner's transaction is ended by the server, so that it cannot keep its successor waiting."""
_PASSING = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.IdleInTransactionSessionTimeout)
_REFUSED = (DataError, IntegrityError, psycopg.DataError, psycopg.IntegrityError)


def is_passing(error: Exception) -> bool:
    """Tell whether an error of the driver, wrapped or not, says that the connection or the server failed, not the statement."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error.orig, _PASSING)
    return isinstance(error, _PASSING)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A record and what the read model made of it; `key` where it has an identity within a store."""

    record: LogRecord
    rows: Any
    key: FactKey | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What a write found: records whose event was there already, and records that the rows there contradict."""

    repeats: tuple[Source, ...] = ()
    letters: tuple[DeadLetter, ...] = ()

    def __add__(self, other: "Written") -> "Written":
        """Join two writes of one batch."""
        return Written(self.repeats + other.repeats, self.letters + other.letters)


class PostgresModel(Protocol):
    """A read model in Postgres: what it takes from a record, and how its rows change."""

    fact_tables: FactTables | None

    def map(self, record: LogRecord) -> Mapped | None:
        """Decode and map one record, without reading anything else; None when it does not concern the model.

        ContractError makes the record a dead letter.
        """
        ...

    async def write(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        """Apply mapped records in the caller's transaction, whose search path is the model's generation."""
        ...


class PostgresSink:
    """Applies batches to one Postgres read model."""

    def __init__(self, context: SinkContext, covers: Covers, model: PostgresModel) -> None:
        self._context = context
        self._model = model
        self._reading: Reading[Mapped | DeadLetter | None] = Reading(covers, self._read, BREATH_RECORDS)

    async def start(self) -> None:
        """Nothing to check: Postgres does what the protocol needs."""

    async def close(self) -> None:
        """Nothing to release: the engine belongs to the process."""

    async def look_at(self, batch: Batch) -> None:
        """Map the records, or those that were added, and remember it until another batch is looked at."""
        await self._reading.look_at(batch)

    async def apply(self, batch: Batch) -> tuple[LedgerRow, ...]:
        """Apply a batch in one transaction; Displaced when a partition is no longer ours."""
        looked = await self._reading.take(batch)
        splits = looked.in_order()
        try:
            async with self._context.engine.begin() as conn:
                await self._prepare(conn, batch.generation)
                await advance(conn, batch, self._context.safeguards)
                ledger_id = await allocate_ledger_id(conn)
                taken, items = looked.taken, looked.items
                kept, discarded = await set_aside_on(conn, batch, splits)
                if discarded:
                    taken, items = kept, await self._reading.items(kept)
                written = await self._write(conn, [item for item in items if isinstance(item, Mapped)])
                outcomes = {source_of(record): Outcome.FILTERED for record, item in zip(taken, items, strict=True) if item is None}
                outcomes |= dict.fromkeys(written.repeats, Outcome.REPEAT)
                refused = [*discarded, *(item for item in items if isinstance(item, DeadLetter)), *written.letters]
                rows = await settle(conn, ledger_id, batch, splits, outcomes, refused, self._context.limit)
                self._context.crash_points.reach("effects_written")
        except (DBAPIError, *_PASSING) as error:
            if is_passing(error):
                raise Unavailable(repr(getattr(error, "orig", error))) from error
            raise
        return rows

    def _read(self, _: int, records: Sequence[LogRecord]) -> list[Mapped | DeadLetter | None]:
        return [self._read_one(record) for record in records]

    def _read_one(self, record: LogRecord) -> Mapped | DeadLetter | None:
        try:
            return self._model.map(record)
        except ContractError as error:
            return DeadLetter(record, error.code, str(error))

    async def _prepare(self, conn: AsyncConnection, generation: int) -> None:
        await conn.execute(
            text("SELECT set_config('search_path', :path, true), set_config('idle_in_transaction_session_timeout', :idle, true)"),
            {"path": f"read_g{generation}, delivery", "idle": _TRANSACTION_IDLE},
        )

    async def _write(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        """Write all, or find by halving the records that Postgres refuses."""
        if not mapped:
            return Written()
        try:
            async with conn.begin_nested():
                if not self._context.safeguards.first_position_wins:
                    return await self._let_last_win(conn, mapped)
                return await self._model.write(conn, mapped)
        except _REFUSED as error:
            if len(mapped) == 1:
                reason = str(getattr(error, "orig", error)).splitlines()[0]
                return Written(letters=(DeadLetter(mapped[0].record, "refused_by_store", reason),))
        middle = len(mapped) // 2
        return await self._write(conn, mapped[:middle]) + await self._write(conn, mapped[middle:])

    async def _let_last_win(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        written = Written()
        for item in mapped:
            if self._model.fact_tables is not None and item.key is not None:
                await forget(conn, self._model.fact_tables, [item.key])
            written += await self._model.write(conn, [item])
        return written
