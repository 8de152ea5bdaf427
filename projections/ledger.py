"""The ledger: for every range of a partition, what became of its records."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.batching import Batch, LedgerRow

_INSERT = text(
    """
    INSERT INTO delivery.ledger (id, projection, generation, topic, part, first, next, applied, repeats, filtered, control, dead)
    VALUES (:id, :projection, :generation, :topic, :part, :first, :next, :applied, :repeats, :filtered, :control, :dead)
    """
)


async def allocate_ledger_id(conn: AsyncConnection) -> int:
    """Take the id of the batch about to be written; ids grow, and one that is never used leaves a hole."""
    return int((await conn.execute(text("SELECT nextval('delivery.ledger_id')"))).scalar_one())


async def write_ledger(conn: AsyncConnection, ledger_id: int, batch: Batch, rows: Sequence[LedgerRow]) -> None:
    """Write one row a partition, within the transaction that advances the positions."""
    await conn.execute(
        _INSERT,
        [
            {
                "id": ledger_id,
                "projection": batch.projection,
                "generation": batch.generation,
                "topic": row.part.topic,
                "part": row.part.number,
                "first": row.first,
                "next": row.next,
                "applied": row.tally.applied,
                "repeats": row.tally.repeats,
                "filtered": row.tally.filtered,
                "control": row.tally.control,
                "dead": row.tally.dead,
            }
            for row in rows
        ],
    )
