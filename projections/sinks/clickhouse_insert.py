"""Insert the rows of events into a table: few parts at a time, exact about what the store refuses.

An insert is atomic per partition only, so after an unknown outcome the runner repeats the whole batch: rows replace by
identity, a repeat changes nothing. Only a definite rejection of content is taken apart, down to the event that causes it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple, TypeVar

from aiohttp import ClientError
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import Error

from projections.errors import Unavailable
from projections.facts import EventRows
from projections.sinks.clickhouse_table import ClickHouseTable, UnfitRows

Answer = TypeVar("Answer")

ROWS_PER_INSERT: Final = 20_000
MONTHS_PER_INSERT: Final = 12
"""An insert that touches more than 100 partitions is refused by the engine."""

_CONTENT_ERRORS: Final = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        33,  # CANNOT_READ_ALL_DATA
        38,  # CANNOT_PARSE_DATE
        41,  # CANNOT_PARSE_DATETIME
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND
        70,  # CANNOT_CONVERT_TYPE
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        131,  # TOO_LARGE_STRING_SIZE
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        376,  # CANNOT_PARSE_UUID
        407,  # DECIMAL_OVERFLOW
        469,  # VIOLATED_CONSTRAINT
    }
)
"""Error codes by which the engine says that it looked at the rows and will never take them."""

_HOPELESS_ERRORS: Final = frozenset({16, 36, 43, 46, 47, 60, 62, 81, 115, 181, 516})
"""No such column, table, database, function or setting, bad syntax, wrong password: repeating the same cannot help."""


class Piece(NamedTuple):
    """The rows of one event for one table; all fall into one partition."""

    place: int
    day: date
    rows: EventRows


def is_rejection(error: BaseException) -> bool:
    """Tell whether the rows themselves were refused; anything else is an unknown outcome or a fault of the store."""
    return isinstance(error, UnfitRows) or (isinstance(error, Error) and error.code in _CONTENT_ERRORS)


async def attempt(what: str, action: Callable[[], Awaitable[Answer]]) -> Answer:
    """Do it once; faults of the store become Unavailable, rejections and hopeless errors stay what they are."""
    try:
        return await action()
    except (Error, ClientError, OSError) as error:
        if is_rejection(error) or (isinstance(error, Error) and error.code in _HOPELESS_ERRORS):
            raise
        raise Unavailable(f"{what}: {error}") from error


def portions(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Cut pieces into inserts of few rows and few months; pieces of one month stay together."""
    portion: list[Piece] = []
    months: set[tuple[int, int]] = set()
    row_count = 0
    for piece in sorted(pieces, key=lambda piece: (piece.day.year, piece.day.month)):
        month = (piece.day.year, piece.day.month)
        is_full = row_count + len(piece.rows.own) > ROWS_PER_INSERT or (month not in months and len(months) == MONTHS_PER_INSERT)
        if portion and is_full:
            yield portion
            portion, months, row_count = [], set(), 0
        portion.append(piece)
        months.add(month)
        row_count += len(piece.rows.own)
    if portion:
        yield portion


async def insert_pieces(client: AsyncClient, table: ClickHouseTable, generation: int, pieces: Sequence[Piece]) -> dict[int, str]:
    """Insert the pieces and return why each rejected one was rejected, by its index; the others are in the table."""
    rejected: dict[int, str] = {}
    for portion in portions([piece for piece in pieces if piece.rows.own]):
        rejected |= await _insert_or_bisect(client, table, generation, portion)
    return rejected


async def _insert_or_bisect(client: AsyncClient, table: ClickHouseTable, generation: int, pieces: Sequence[Piece]) -> Mapping[int, str]:
    async def insert() -> None:
        arrow = await asyncio.to_thread(table.arrow_of, [piece.rows for piece in pieces])
        await client.insert_arrow(table.name(generation), arrow)

    try:
        await attempt(f"insert into {table.name(generation)}", insert)
    except (Error, UnfitRows) as error:
        if not is_rejection(error):
            raise
        if len(pieces) == 1:
            return {pieces[0].place: str(error)[:2000]}
        middle = len(pieces) // 2
        first = await _insert_or_bisect(client, table, generation, pieces[:middle])
        return {**first, **await _insert_or_bisect(client, table, generation, pieces[middle:])}
    return {}
