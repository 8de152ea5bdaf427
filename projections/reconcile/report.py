"""What a reconciliation found, for people and as JSON."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from projections.reconcile.checks import CheckOutcome
from projections.reconcile.compare import Cell, Difference

Verdict: TypeAlias = Literal["PASS", "MISMATCH", "UNVERIFIED", "CHECK_ERROR"]

MOST_DIFFERENCES: Final = 1_000
"""How many differences of each level a report names; all of them are counted."""
_WORST_FIRST: Final[tuple[Verdict, ...]] = ("MISMATCH", "CHECK_ERROR", "UNVERIFIED")


class Conflict(NamedTuple):
    """A later record under a known id with other content: every model keeps the first. `is_settled`: it was corrected since."""

    store_id: str
    event_id: str
    first: str
    later: str
    is_settled: bool

    def __str__(self) -> str:
        """Say it in a sentence."""
        settled = "; corrected since" if self.is_settled else ""
        return f"{self.event_id} of {self.store_id}: first at {self.first}, again with other content at {self.later}{settled}"


class StoreDay(NamedTuple):
    """A store's business date; of what concerns no date, or the whole chain, empty or `*`."""

    store_id: str
    business_date: str


@dataclass(frozen=True, slots=True)
class Compared:
    """How much of one model was compared: keys (store, business date, type), distinct events (records, of the archive)."""

    model: str
    keys: int
    events: int


@dataclass(slots=True)
class Report:
    """The verdict with everything it rests on.

    `read`: records that this run read; `records`: on the log. `rows_compared`: model to the rows that level 2 compared, of the
    store-days in `checked`; those in `unchecked` have changed since they were compared last, or never were. `moving`: they
    changed while one looked. `business`: the checks of the business, which have a verdict of their own.
    """

    compared: list[Compared] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    difference_count: int = 0
    explained: list[Difference] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    error: str | None = None
    read: int = 0
    records: int = 0
    events: int = 0
    repeats: int = 0
    conflicts: list[Conflict] = field(default_factory=list)
    rows_compared: dict[str, int] = field(default_factory=dict)
    checked: list[StoreDay] = field(default_factory=list)
    unchecked: list[StoreDay] = field(default_factory=list)
    moving: list[StoreDay] = field(default_factory=list)
    business: Sequence[CheckOutcome] = ()
    generations: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    _named: Counter[int] = field(default_factory=Counter)

    @property
    def verdict(self) -> Verdict:
        """Say it in a word: a difference that was found outweighs what could not be looked at."""
        if self.difference_count:
            return "MISMATCH"
        if self.error is not None:
            return "CHECK_ERROR"
        return "UNVERIFIED" if self.unverified else "PASS"

    @property
    def business_verdict(self) -> Verdict | None:
        """Say of the checks of the business the worst; None where none was made."""
        if not self.business:
            return None
        found = {outcome.verdict for outcome in self.business}
        return next((verdict for verdict in _WORST_FIRST if verdict in found), "PASS")

    @property
    def open_conflicts(self) -> list[Conflict]:
        """Return the conflicts that nobody has corrected yet."""
        return [conflict for conflict in self.conflicts if not conflict.is_settled]

    def add(self, difference: Difference) -> None:
        """Take a difference, as a mismatch unless it is explained."""
        if difference.explained is not None:
            self.explained.append(difference)
            return
        self.difference_count += 1
        self._named[difference.level] += 1
        if self._named[difference.level] <= MOST_DIFFERENCES:
            self.differences.append(difference)

    def summary(self) -> dict[str, Any]:
        """Return everything but the single findings as JSON values."""
        return {
            "verdict": self.verdict,
            "seconds": round(self.seconds, 3),
            "log": {
                "records": self.records,
                "records_read": self.read,
                "events": self.events,
                "repeats": self.repeats,
                "conflicting_duplicates": [str(conflict) for conflict in self.open_conflicts],
            },
            "compared": {row.model: {"keys": row.keys, "events": row.events} for row in self.compared},
            "generations": self.generations,
            "rows_compared": self.rows_compared,
            "store_days": {
                "checked": [list(day) for day in self.checked],
                "moving": [list(day) for day in self.moving],
                "not_yet_checked": len(self.unchecked),
                "next": [list(day) for day in self.unchecked[:20]],
            },
            "difference_count": self.difference_count,
            "explained_count": len(self.explained),
            "unverified": self.unverified,
            "error": self.error,
            "business_verdict": self.business_verdict,
            "business": [{name: value for name, value in outcome.as_json().items() if name != "findings"} for outcome in self.business],
        }

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return self.summary() | {
            "differences": [difference_json(difference) for difference in self.differences],
            "explained": [difference_json(difference) for difference in self.explained],
            "business_findings": [finding.as_json() for outcome in self.business for finding in outcome.findings],
        }


def difference_json(difference: Difference) -> dict[str, Any]:
    """Return a difference as JSON values."""
    found: dict[str, Any] = {
        "level": difference.level,
        "model": difference.model,
        "store_id": difference.key.store_id,
        "business_date": difference.key.business_date,
        "event_type": difference.key.event_type,
        "kind": difference.kind,
        "event_id": difference.event_id,
        "detail": difference.detail,
    }
    if difference.cell is not None:
        found |= _cell_json(difference.cell)
    return found if difference.explained is None else {**found, "explained_by": difference.explained}


def _cell_json(cell: Cell) -> dict[str, Any]:
    return {"table": cell.table, "row": dict(cell.row), "column": cell.column, "stored": cell.stored, "expected": cell.expected}
