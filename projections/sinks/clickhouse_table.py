"""How a ClickHouse table of ours is declared: its columns with their Arrow types, its identity, its partitions.

The migrations are written out by hand; a test compares what they make with these declarations. Rows become
one Arrow table here, with the declared schema and checked for nulls, which the engine would turn into zeros.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Final

import numpy as np
import pyarrow as pa

from projections.facts import EventRows

DURABLE: Final = "fsync_after_insert = 1, fsync_part_directory = 1"
"""Without it an acknowledged insert is only in the memory of the operating system."""


class UnfitRows(ValueError):
    """Rows do not fit the declared columns: an error of their content, never repaired by repeating."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, its type in ClickHouse, and the type in which it is sent."""

    name: str
    type: str
    arrow: pa.DataType

    @property
    def is_nullable(self) -> bool:
        """Tell whether the engine keeps a null as a null."""
        return self.type.startswith("Nullable(")


@dataclass(frozen=True)
class ClickHouseTable:
    """A table of every generation; `stem` with the generation's number is its physical name.

    `of_event` names the columns in which all rows of an event are the same.
    """

    stem: str
    columns: tuple[Column, ...]
    engine: str
    partition_by: str
    order_by: tuple[str, ...]
    indexes: tuple[str, ...] = ()
    of_event: frozenset[str] = frozenset()

    def name(self, generation: int) -> str:
        """Return the physical name, to which writers write and from which readers read."""
        return f"{self.stem}_g{generation}"

    def create_statement(self, generation: int) -> str:
        """Return the statement that makes the table of a generation unless it is there."""
        parts = [f"`{column.name}` {column.type}" for column in self.columns] + [f"INDEX {index}" for index in self.indexes]
        return (
            f"CREATE TABLE IF NOT EXISTS {self.name(generation)} ({', '.join(parts)}) ENGINE = {self.engine} "
            f"PARTITION BY {self.partition_by} ORDER BY ({', '.join(self.order_by)}) SETTINGS {DURABLE}"
        )

    @cached_property
    def schema(self) -> pa.Schema:
        """The explicit schema of an insert."""
        return pa.schema([pa.field(column.name, column.arrow, column.is_nullable) for column in self.columns])

    @cached_property
    def empty(self) -> pa.Table:
        """A table of no rows."""
        return self.schema.empty_table()

    def arrow(self, rows: Sequence[Sequence[Any]]) -> pa.Table:
        """Build a table from whole rows; UnfitRows when a value does not fit its column or is missing."""
        return self._table(self._arrays(self.columns, rows))

    def arrow_of(self, events: Sequence[EventRows]) -> pa.Table:
        """Build the one table of an insert, what events say once converted once; UnfitRows as above."""
        heads, own = ([column for column in self.columns if (column.name in self.of_event) is shared] for shared in (True, False))
        of_rows = iter(self._arrays(own, list(chain.from_iterable(event.own for event in events))))
        if not heads:
            return self._table(list(of_rows))
        repeats = pa.array(np.repeat(np.arange(len(events)), [len(event.own) for event in events]))
        of_events = (array.take(repeats) for array in self._arrays(heads, [event.head for event in events]))
        return self._table([next(of_events if column.name in self.of_event else of_rows) for column in self.columns])

    def _arrays(self, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> list[pa.Array]:
        values: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else ([] for _ in columns)
        try:
            return [pa.array(each, type=column.arrow) for column, each in zip(columns, values, strict=True)]
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            raise UnfitRows(f"{self.stem}: {error}") from error

    def _table(self, arrays: Sequence[pa.Array]) -> pa.Table:
        for column, array in zip(self.columns, arrays, strict=True):
            if array.null_count and not column.is_nullable:
                raise UnfitRows(f"{self.stem}.{column.name}: {array.null_count} values are missing")
        return pa.Table.from_arrays(arrays, schema=self.schema)


WORD: Final = "LowCardinality(String)"


def text(name: str) -> Column:
    """Declare free text."""
    return Column(name, "String", pa.string())


def word(name: str) -> Column:
    """Declare text of few different values."""
    return Column(name, WORD, pa.string())


def octets(name: str, is_nullable: bool = False) -> Column:
    """Declare bytes as they came."""
    return Column(name, "Nullable(String)" if is_nullable else "String", pa.binary())


def identity(name: str) -> Column:
    """Declare an event's id, sent as its sixteen bytes."""
    return Column(name, "UUID", pa.binary(16))


def day(name: str) -> Column:
    """Declare a calendar date."""
    return Column(name, "Date", pa.date32())


def moment(name: str, precision: int) -> Column:
    """Declare a UTC time in seconds (0), milliseconds (3) or microseconds (6); a plain DateTime would end in 2106."""
    return Column(name, f"DateTime64({precision}, 'UTC')", pa.timestamp({0: "s", 3: "ms", 6: "us"}[precision], tz="UTC"))


_INTEGERS: Final = {
    "Int16": pa.int16(),
    "Int64": pa.int64(),
    "UInt8": pa.uint8(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
}


def integer(name: str, kind: str) -> Column:
    """Declare an integer of a named width."""
    return Column(name, kind, _INTEGERS[kind])


def decimal(name: str, digits: int, places: int) -> Column:
    """Declare an exact decimal."""
    return Column(name, f"Decimal({digits}, {places})", pa.decimal128(digits, places))
