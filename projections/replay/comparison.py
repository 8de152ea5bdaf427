"""What two generations of a read model have in common at one position: rows, hashes, totals, and the keys that differ. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

MOST_DIFFERENCES: Final = 1_000
"""How many differing rows a report names for each table; all of them are counted."""


@dataclass(frozen=True, slots=True)
class Side:
    """One generation's table: number of rows, sum of the hashes of its rows, and sums of its measures."""

    rows: int
    hash_sum: int
    totals: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A row that only one side has, or that is another one there; `key` names it."""

    table: str
    only_in: int
    key: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TableComparison:
    """One table of both generations, without what depends on when it was written."""

    table: str
    old: Side
    new: Side
    differing_rows: int
    differences: tuple[RowDifference, ...]


@dataclass(slots=True)
class Comparison:
    """Both generations at one position; `positions`: topic/partition to the next offset."""

    projection: str
    old: int
    new: int
    positions: Mapping[str, int]
    tables: list[TableComparison] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        """Tell whether every table has the same rows."""
        return all(table.differing_rows == 0 for table in self.tables)

    @property
    def is_empty(self) -> bool:
        """Tell whether neither generation has any of the rows that were asked for."""
        return all(table.old.rows == table.new.rows == 0 for table in self.tables)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "read_model": self.projection,
            "old_generation": self.old,
            "new_generation": self.new,
            "positions": dict(self.positions),
            "is_equal": self.is_equal,
            "tables": {table.table: _as_json(table) for table in self.tables},
        }


def _as_json(table: TableComparison) -> dict[str, Any]:
    def side(found: Side) -> dict[str, Any]:
        totals = {name: str(total) for name, total in found.totals.items()}
        return {"rows": found.rows, "hash": f"{found.hash_sum:016x}", "totals": totals}

    differences = [
        {"only_in_generation": each.only_in, **{name: str(value) for name, value in each.key.items()}} for each in table.differences
    ]
    return {"old": side(table.old), "new": side(table.new), "differing_rows": table.differing_rows, "differences": differences}
