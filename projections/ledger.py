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


async def merge_adjacent(conn: AsyncConnection, projection: str, generation: int) -> int:
    """Join ranges that follow each other, written more than ten minutes ago; returns how many rows are gone.

    Only sound ones: a hole, an overlap or a wrong sum stays as it is, for the accounts to find. One at a time does this for a
    generation, until the end of the caller's transaction.
    """
    place = {"projection": projection, "generation": generation}
    await conn.execute(_ONE_AT_A_TIME, {"lock": f"ledger/{projection}/{generation}"})
    return (await conn.execute(_MERGE, place)).rowcount


_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:lock, 0))")
_MERGE = text(
    """
    WITH old AS (
        SELECT *, applied + repeats + filtered + control + dead = next - first AS sound,
               lag(next) OVER line AS before, lag(applied + repeats + filtered + control + dead = next - first) OVER line AS sound_before
        FROM delivery.ledger
        WHERE projection = :projection AND generation = :generation AND written_at < now() - interval '10 minutes'
        WINDOW line AS (PARTITION BY topic, part ORDER BY first, next, id)
    ), numbered AS (
        SELECT *, count(*) FILTER (WHERE (sound AND sound_before AND first = before) IS NOT TRUE)
                  OVER (PARTITION BY topic, part ORDER BY first, next, id) AS run
        FROM old
    ), runs AS (
        SELECT topic, part, run, max(id) AS id, min(first) AS first, max(next) AS next, sum(applied) AS applied,
               sum(repeats) AS repeats, sum(filtered) AS filtered, sum(control) AS control, sum(dead) AS dead
        FROM numbered GROUP BY topic, part, run HAVING count(*) > 1
    ), joined AS (
        UPDATE delivery.ledger AS kept
        SET first = runs.first, next = runs.next, applied = runs.applied, repeats = runs.repeats, filtered = runs.filtered,
            control = runs.control, dead = runs.dead
        FROM runs WHERE (kept.id, kept.topic, kept.part) = (runs.id, runs.topic, runs.part)
    )
    DELETE FROM delivery.ledger AS gone USING numbered JOIN runs USING (topic, part, run)
    WHERE (gone.id, gone.topic, gone.part) = (numbered.id, numbered.topic, numbered.part) AND gone.id <> runs.id
    """
)
