"""Keep the facts of goods on their way, each once; what is outstanding follows from them when read."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.records import LogRecord
from projections.read_models.incoming_goods.mapping import IncomingLine, incoming_fact
from projections.read_models.incoming_goods.table import FACTS
from projections.sinks.fresh_facts import insert_fresh
from projections.sinks.postgres import Mapped, Written
from projections.sinks.postgres_facts import FactTables, judge_corrections
from projections.sinks.postgres_rows import insert_new


class IncomingGoods:
    """The read model `incoming_goods`."""

    fact_tables: FactTables | None = FACTS

    def map(self, record: LogRecord) -> Mapped | None:
        """Decode and map one record."""
        fact = incoming_fact(record)
        return None if fact is None else Mapped(record, fact, fact.event.key)

    async def write(self, conn: AsyncConnection, mapped: Sequence[Mapped]) -> Written:
        """Insert the facts that are new, and let corrections take effect."""
        fresh, repeats = await insert_fresh(conn, FACTS, mapped)
        if fresh:
            await insert_new(conn, "incoming_goods_lines", IncomingLine._fields, [row for fact in fresh for row in fact.lines])
            await judge_corrections(conn, FACTS, [fact.event.store_id for fact in fresh])
        return Written(repeats)
