"""Rows of many events as one Arrow table, cut by event: into inserts of few months, down to the event that the store refuses."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import Error

from projections.sinks.clickhouse_insert import MONTHS_PER_INSERT, Piece, attempt, is_rejection
from projections.sinks.clickhouse_table import ClickHouseTable, UnfitRows

ROWS_PER_BLOCK: Final = 250_000
"""The largest batch, 60,000 sales of four lines in a replay, is one insert: what is inserted together need not be merged."""
MAX_REASON: Final = 2_000


class Block(NamedTuple):
    """Rows of a table with a `business_date`, one for an event, and by its place of which record of the batch each row is."""

    rows: pa.Table
    places: npt.NDArray[np.int64]

    def where(self, is_wanted: npt.NDArray[np.bool_]) -> "Block":
        """Return some of the rows."""
        if is_wanted.all():
            return self
        return Block(self.rows.filter(pa.array(is_wanted)), self.places[is_wanted])

    def of(self, is_wanted: npt.NDArray[np.bool_]) -> "Block":
        """Return the rows of some records; `is_wanted` by place, False for those beyond it."""
        inside = np.minimum(self.places, len(is_wanted) - 1)
        return self.where(is_wanted[inside] & (self.places < len(is_wanted)))

    def halves(self, of_rows: npt.NDArray[np.int64]) -> tuple["Block", "Block"]:
        """Cut by a number of each row, between the numbers in the middle; there are at least two different ones."""
        numbers = np.unique(of_rows)
        is_first = of_rows < numbers[len(numbers) // 2]
        return self.where(is_first), self.where(~is_first)

    def inserts(self) -> Iterator["Block"]:
        """Cut into inserts of few rows and few months; only a single event may be larger than an insert is meant to be."""
        months = self.rows.column("business_date").to_numpy().astype("datetime64[M]").astype(np.int64)
        by = None
        if len(np.unique(months)) > MONTHS_PER_INSERT:
            by = months
        elif len(months) > ROWS_PER_BLOCK and self.places[0] != self.places[-1]:
            by = self.places
        if by is None:
            yield from [self] if len(months) else []
            return
        for half in self.halves(by):
            yield from half.inserts()


def joined(table: ClickHouseTable, blocks: Sequence[Block]) -> Block:
    """Return the rows of all blocks."""
    some = [block for block in blocks if len(block.places)]
    if not some:
        return Block(table.empty, np.zeros(0, np.int64))
    return (
        some[0]
        if len(some) == 1
        else Block(pa.concat_tables([block.rows for block in some]), np.concatenate([block.places for block in some]))
    )


def fit_block(table: ClickHouseTable, pieces: Sequence[Piece]) -> tuple[Block, Mapping[int, str]]:
    """Return the rows that fit the table's columns, and by its place why those of an event do not."""
    pieces = [piece for piece in pieces if piece.rows.own]
    if not pieces:
        return joined(table, ()), {}
    try:
        rows = table.arrow_of([piece.rows for piece in pieces])
    except UnfitRows as error:
        if len(pieces) == 1:
            return joined(table, ()), {pieces[0].place: str(error)[:MAX_REASON]}
        middle = len(pieces) // 2
        (first, unfit), (second, more) = fit_block(table, pieces[:middle]), fit_block(table, pieces[middle:])
        return joined(table, [first, second]), {**unfit, **more}
    counts = [len(piece.rows.own) for piece in pieces]
    return Block(rows, np.repeat(np.array([piece.place for piece in pieces], np.int64), counts)), {}


async def insert_block(client: AsyncClient, table: ClickHouseTable, generation: int, block: Block) -> dict[int, str]:
    """Insert the rows and return why the store rejected those of an event, by its place; the others are in the table."""
    rejected: dict[int, str] = {}
    for part in block.inserts():
        rejected |= await _insert_or_bisect(client, table.name(generation), part)
    return rejected


async def _insert_or_bisect(client: AsyncClient, name: str, block: Block) -> Mapping[int, str]:
    try:
        rows = await asyncio.to_thread(block.rows.combine_chunks)
        await attempt(f"insert into {name}", lambda: client.insert_arrow(name, rows))
    except Error as error:
        if not is_rejection(error):
            raise
        if block.places[0] == block.places[-1]:
            return {int(block.places[0]): str(error)[:MAX_REASON]}
        first, second = block.halves(block.places)
        return {**await _insert_or_bisect(client, name, first), **await _insert_or_bisect(client, name, second)}
    return {}
