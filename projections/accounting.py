"""Every record has its account: ledger ranges tile each partition up to its position, and outcomes add up to what was consumed.

What does not tile is named with its offsets; so is a position beyond the end of the log, and a dead letter that nobody kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.batching import Tally


@dataclass(frozen=True, slots=True)
class AccountingRow:
    """The account of one partition of one projection; `problem` is None where everything tiles.

    `serving` tells whether readers read this generation; `unread`: records on the log beyond it, None where the log was not asked.
    """

    projection: str
    generation: int
    topic: str
    part: int
    next_offset: int
    tally: Tally
    ranges: int
    problem: str | None
    serving: bool = True
    unread: int | None = None

    @property
    def ok(self) -> bool:
        """Tell whether every consumed record has exactly one account."""
        return self.problem is None


_ACCOUNTS = text(
    """
    WITH ranges AS (
        SELECT projection, generation, topic, part, first, next, applied, repeats, filtered, control, dead,
               lag(next, 1, 0::bigint) OVER (PARTITION BY projection, generation, topic, part ORDER BY first, next, id) AS expected
        FROM delivery.ledger
    ), sums AS (
        SELECT projection, generation, topic, part, count(*) AS ranges, max(next) AS reached,
               sum(applied)::bigint AS applied, sum(repeats)::bigint AS repeats, sum(filtered)::bigint AS filtered,
               sum(control)::bigint AS control, sum(dead)::bigint AS dead,
               (min(ARRAY[first, expected]) FILTER (WHERE first > expected)) AS hole,
               (min(ARRAY[first, least(next, expected)]) FILTER (WHERE first < expected)) AS twice,
               (min(ARRAY[first, next]) FILTER (WHERE applied + repeats + filtered + control + dead <> next - first)) AS wrong_sum
        FROM ranges GROUP BY projection, generation, topic, part
    ), letters AS (
        SELECT projection, generation, topic, part, count(*) AS letters FROM delivery.dead_letters
        GROUP BY projection, generation, topic, part
    )
    SELECT p.projection, p.generation, p.topic, p.part, p.next_offset, coalesce(g.serving, true) AS serving,
           coalesce(s.ranges, 0) AS ranges, coalesce(s.reached, 0) AS reached,
           coalesce(s.applied, 0) AS applied, coalesce(s.repeats, 0) AS repeats, coalesce(s.filtered, 0) AS filtered,
           coalesce(s.control, 0) AS control, coalesce(s.dead, 0) AS dead, coalesce(l.letters, 0) AS letters, s.hole, s.twice, s.wrong_sum
    FROM delivery.positions p LEFT JOIN sums s USING (projection, generation, topic, part)
    LEFT JOIN letters l USING (projection, generation, topic, part)
    LEFT JOIN (SELECT projection, generation, serving FROM delivery.generations) g USING (projection, generation)
    ORDER BY p.projection, p.generation, p.topic, p.part
    """
)


async def check_accounting(engine: AsyncEngine, ends: Mapping[tuple[str, int], int] | None = None) -> list[AccountingRow]:
    """Return the account of every partition that any projection has owned; `ends` are those of the log, where it was asked."""
    async with engine.connect() as conn:
        rows = (await conn.execute(_ACCOUNTS)).all()
    accounts = [
        AccountingRow(
            row.projection,
            row.generation,
            row.topic,
            row.part,
            row.next_offset,
            Tally(row.applied, row.repeats, row.filtered, row.control, row.dead),
            row.ranges,
            _problem(row),
            row.serving,
        )
        for row in rows
    ]
    return accounts if ends is None else [_against(row, ends.get((row.topic, row.part), 0)) for row in accounts]


def _problem(row: Row[Any]) -> str | None:
    if row.hole is not None:
        first, expected = row.hole
        return f"no account of the offsets {expected} to {first - 1}"
    if row.twice is not None:
        first, until = row.twice
        return f"more than one account of the offsets {first} to {until - 1}"
    if row.wrong_sum is not None:
        first, until = row.wrong_sum
        return f"outcomes of the offsets {first} to {until - 1} do not add up to its records"
    if row.reached != row.next_offset:
        return f"accounts reach offset {row.reached}, the position is {row.next_offset}"
    if row.letters != row.dead:
        return f"{row.dead} dead letters are accounted for, {row.letters} are kept"
    return None


def _against(row: AccountingRow, end: int) -> AccountingRow:
    """Positions of a log that has lost its end, or was replaced, lie beyond it."""
    beyond = f"the log ends at offset {end}, the position is {row.next_offset}" if row.next_offset > end else None
    return replace(row, unread=max(0, end - row.next_offset), problem=row.problem or beyond)
