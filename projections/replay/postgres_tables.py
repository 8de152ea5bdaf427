"""Compare the tables of two generations in Postgres at one moment, and put the rows of store-days from one into the other."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Numeric, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.generation_tables import POSTGRES_TABLES
from projections.replay.comparison import MOST_DIFFERENCES, RowDifference, Side, TableComparison
from projections.replay.measures import TOTALS

_MODULUS: Final = 2**64


@dataclass(frozen=True, slots=True)
class StoreDays:
    """Which rows are meant: of one store or of all, of business dates (inclusive) or of all."""

    store_id: str | None = None
    first: date | None = None
    last: date | None = None

    @property
    def is_everything(self) -> bool:
        """Tell whether nothing is left out."""
        return self.store_id is None and self.first is None and self.last is None

    def __str__(self) -> str:
        """Name them as a person would."""
        dates = f"{self.first or 'the first business date'} to {self.last or 'the last'}" if self.first or self.last else ""
        return " from ".join(part for part in ("any store" if self.store_id is None else f"store {self.store_id}", dates) if part)

    def bound(self) -> dict[str, Any]:
        """Return the parameters of statements about these rows."""
        found = {"store": self.store_id, "first": self.first, "last": self.last}
        return {name: value for name, value in found.items() if value is not None}


async def compare_tables(conn: AsyncConnection, projection: str, old: int, new: int, days: StoreDays) -> list[TableComparison]:
    """Compare every table; the caller's transaction sees both at one moment."""
    return [await _compare(conn, projection, table, (old, new), days) for table in _concerned(projection, days)]


async def replace_rows(conn: AsyncConnection, projection: str, old: int, new: int, days: StoreDays) -> int:
    """Let the serving generation have the rows of the other one for these store-days; return how many were taken out or put in.

    Rows that are the same stay untouched. Events come last: until then they say of which date the rows are that follow from them.
    """
    changed = 0
    for table in sorted(_concerned(projection, days), key=_is_of_events):
        key = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
        condition = _condition(projection, table, days, (old, new))
        sides = {number: _rows(table, number, condition) for number in (old, new)}
        extra = await conn.execute(
            text(
                f"DELETE FROM read_g{old}.{table.name} WHERE ({key}) IN "  # noqa: S608 - names of ours
                f"(SELECT {key} FROM ((({sides[old]}) EXCEPT ({sides[new]})) UNION ALL (({sides[new]}) EXCEPT ({sides[old]}))) AS wrong)"
            ),
            days.bound(),
        )
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        missing = await conn.execute(
            text(f"INSERT INTO read_g{old}.{table.name} ({names}) SELECT {names} FROM ({sides[new]} EXCEPT {sides[old]}) AS right_ones"),  # noqa: S608
            days.bound(),
        )
        changed += extra.rowcount + missing.rowcount
    return changed


def _is_of_events(table: Table) -> bool:
    return table.name.endswith("_events")


def _concerned(projection: str, days: StoreDays) -> list[Table]:
    """A table that does not name stores has nothing that is a store's."""
    return [table for table in POSTGRES_TABLES[projection] if days.store_id is None or "store_id" in table.columns]


def _condition(projection: str, table: Table, days: StoreDays, numbers: tuple[int, int]) -> str:
    """Say which rows are meant: by their own business date, else by that of their event in either generation, else all of the store's."""
    parts = []
    if days.store_id is not None and "store_id" in table.columns:
        parts.append("store_id = :store")
    bounds = [(">=", "first", days.first), ("<=", "last", days.last)]
    dates = " AND ".join(f"business_date {sign} :{name}" for sign, name, value in bounds if value is not None)
    if dates and "business_date" in table.columns:
        parts.append(f"({dates})")
    elif dates and {"store_id", "event_id"} <= set(table.columns.keys()):
        events = next(filter(_is_of_events, POSTGRES_TABLES[projection]), None)
        if events is not None:
            of_days = " UNION ".join(f"SELECT store_id, event_id FROM read_g{number}.{events.name} WHERE {dates}" for number in numbers)  # noqa: S608
            parts.append(f"(store_id, event_id) IN ({of_days})")
    return " AND ".join(parts) or "true"


def _rows(table: Table, generation: int, condition: str) -> str:
    columns = ", ".join(_plain(column.name, column.type) for column in table.columns)
    return f"SELECT {columns} FROM read_g{generation}.{table.name} WHERE {condition}"  # noqa: S608 - names of ours


def _plain(name: str, kind: object) -> str:
    """Name a column so that equal quantities look alike: 2 and 2.00 are one."""
    return f'trim_scale("{name}") AS "{name}"' if isinstance(kind, Numeric) else f'"{name}"'


async def _compare(conn: AsyncConnection, projection: str, table: Table, numbers: tuple[int, int], days: StoreDays) -> TableComparison:
    old, new = numbers
    condition = _condition(projection, table, days, numbers)
    sides = {number: _rows(table, number, condition) for number in numbers}
    found: list[RowDifference] = []
    count = 0
    for number, other in ((old, new), (new, old)):
        key = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
        statement = f"SELECT {key}, count(*) OVER () AS of_all FROM ({sides[number]} EXCEPT {sides[other]}) AS rest ORDER BY {key} LIMIT {MOST_DIFFERENCES}"  # noqa: S608, E501
        rows = (await conn.execute(text(statement), days.bound())).mappings().all()
        count += rows[0]["of_all"] if rows else 0
        found += [RowDifference(table.name, number, {k: v for k, v in row.items() if k != "of_all"}) for row in rows]
    return TableComparison(
        table.name,
        await _side(conn, table, sides[old], days),
        await _side(conn, table, sides[new], days),
        count,
        tuple(found[:MOST_DIFFERENCES]),
    )


async def _side(conn: AsyncConnection, table: Table, rows: str, days: StoreDays) -> Side:
    measures = TOTALS.get(table.name, ())
    sums = "".join(f', coalesce(sum("{name}"), 0) AS "{name}"' for name in measures)
    statement = f"SELECT count(*) AS n, coalesce(sum(hashtextextended(side::text, 0)), 0) AS hashed{sums} FROM ({rows}) AS side"  # noqa: S608
    row = (await conn.execute(text(statement), days.bound())).mappings().one()
    return Side(row["n"], int(row["hashed"]) % _MODULUS, {name: Decimal(row[name]) for name in measures})
