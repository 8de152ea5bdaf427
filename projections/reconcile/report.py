"""What a reconciliation found, for people and as JSON."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from projections.reconcile.compare import Difference

Verdict: TypeAlias = Literal["PASS", "MISMATCH", "UNVERIFIED", "CHECK_ERROR"]

MOST_DIFFERENCES: Final = 1_000
"""How many differences a report names; all of them are counted."""


@dataclass(frozen=True, slots=True)
class Compared:
    """How much of one model was compared: keys (store, business date, type), distinct events (records, of the archive)."""

    model: str
    keys: int
    events: int


@dataclass(slots=True)
class Report:
    """The verdict with everything it rests on."""

    compared: list[Compared] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    difference_count: int = 0
    explained: list[Difference] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    error: str | None = None
    records: int = 0
    events: int = 0
    repeats: int = 0
    conflicts: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """Say it in a word: a difference that was found outweighs what could not be looked at."""
        if self.difference_count:
            return "MISMATCH"
        if self.error is not None:
            return "CHECK_ERROR"
        return "UNVERIFIED" if self.unverified else "PASS"

    def add(self, difference: Difference) -> None:
        """Take a difference, as a mismatch unless it is explained."""
        if difference.explained is not None:
            self.explained.append(difference)
            return
        self.difference_count += 1
        if len(self.differences) < MOST_DIFFERENCES:
            self.differences.append(difference)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "verdict": self.verdict,
            "seconds": round(self.seconds, 3),
            "log": {"records": self.records, "events": self.events, "repeats": self.repeats, "conflicting_duplicates": self.conflicts},
            "compared": {row.model: {"keys": row.keys, "events": row.events} for row in self.compared},
            "difference_count": self.difference_count,
            "differences": [_as_json(difference) for difference in self.differences],
            "explained": [_as_json(difference) for difference in self.explained],
            "unverified": self.unverified,
            "error": self.error,
        }


def _as_json(difference: Difference) -> dict[str, Any]:
    found: dict[str, Any] = {
        "model": difference.model,
        "store_id": difference.key.store_id,
        "business_date": difference.key.business_date,
        "event_type": difference.key.event_type,
        "kind": difference.kind,
        "event_id": difference.event_id,
        "detail": difference.detail,
    }
    return found if difference.explained is None else {**found, "explained_by": difference.explained}
