"""Every record has its account: ledger ranges tile each partition up to its position, and outcomes add up to what was consumed."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.batching import Tally


@dataclass(frozen=True, slots=True)
class AccountingRow:
    """The account of one partition of one projection; `problem` is None where everything tiles."""

    projection: str
    generation: int
    topic: str
    part: int
    next_offset: int
    tally: Tally
    ranges: int
    problem: str | None

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
               min(first) FILTER (WHERE first > expected) AS after_hole,
               min(first) FILTER (WHERE first < expected) AS told_twice,
               min(first) FILTER (WHERE applied + repeats + filtered + control + dead <> next - first) AS wrong_sum
        FROM ranges GROUP BY projection, generation, topic, part
    )
    SELECT p.projection, p.generation, p.topic, p.part, p.next_offset, coalesce(s.ranges, 0) AS ranges, coalesce(s.reached, 0) AS reached,
           coalesce(s.applied, 0) AS applied, coalesce(s.repeats, 0) AS repeats, coalesce(s.filtered, 0) AS filtered,
           coalesce(s.control, 0) AS control, coalesce(s.dead, 0) AS dead, s.after_hole, s.told_twice, s.wrong_sum
    FROM delivery.positions p LEFT JOIN sums s USING (projection, generation, topic, part)
    ORDER BY p.projection, p.generation, p.topic, p.part
    """
)


async def check_accounting(engine: AsyncEngine) -> list[AccountingRow]:
    """Return the account of every partition that any projection has owned."""
    async with engine.connect() as conn:
        rows = (await conn.execute(_ACCOUNTS)).all()
    return [
        AccountingRow(
            row.projection,
            row.generation,
            row.topic,
            row.part,
            row.next_offset,
            Tally(row.applied, row.repeats, row.filtered, row.control, row.dead),
            row.ranges,
            _problem(row.next_offset, row.reached, row.after_hole, row.told_twice, row.wrong_sum),
        )
        for row in rows
    ]


def _problem(next_offset: int, reached: int, after_hole: int | None, told_twice: int | None, wrong_sum: int | None) -> str | None:
    if after_hole is not None:
        return f"no account of the records before offset {after_hole}"
    if told_twice is not None:
        return f"more than one account of offset {told_twice}"
    if wrong_sum is not None:
        return f"outcomes of the range from offset {wrong_sum} do not add up to its records"
    if reached != next_offset:
        return f"accounts reach offset {reached}, the position is {next_offset}"
    return None
