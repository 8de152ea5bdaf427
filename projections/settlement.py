"""The end of a batch in Postgres: positions, ledger, dead letters and settled retries, in the caller's one transaction."""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from projections.batching import Batch, DeadLetter, LedgerRow, Outcome, Sorted, Source, account, source_of
from projections.dead_letters import note_letters, refuse_excess, settle_retried
from projections.ledger import write_ledger
from projections.options import DeadLetterLimit


async def settle(
    conn: AsyncConnection,
    ledger_id: int,
    batch: Batch,
    splits: Sequence[Sorted],
    outcomes: Mapping[Source, Outcome],
    letters: Sequence[DeadLetter],
    limit: DeadLetterLimit,
) -> tuple[LedgerRow, ...]:
    """Account for a batch whose positions were advanced in this transaction; `splits` are in the order of `batch.parts`.

    A taken record without an outcome was applied; each letter is an outcome of its own. LimitPassed when they are too many for one
    of the partitions before its range ends.
    """
    judged = {**outcomes, **{letter.source: Outcome.DEAD for letter in letters}}
    rows = tuple(account(part, split, judged) for part, split in zip(batch.parts, splits, strict=True))
    await write_ledger(conn, ledger_id, batch, rows)
    if letters:
        await note_letters(conn, batch, letters)
        await refuse_excess(conn, batch, letters, limit)
    done = (Outcome.APPLIED, Outcome.REPEAT)
    retried = [of for split in splits for record, of in split.retries if judged.get(source_of(record), Outcome.APPLIED) in done]
    await settle_retried(conn, batch, retried)
    return rows
