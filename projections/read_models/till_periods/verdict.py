"""What a till reported against what its events add up to; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

Verdict: TypeAlias = Literal["matches", "differs", "open"]
"""`open`: there is no closing yet, so nothing to compare."""

RECEIPT_COUNTS: Final = ("sales_count", "returns_count", "voids_count")
FIGURES: Final = (*RECEIPT_COUNTS, "no_sales_count", "gross", "discounts", "returns", "voids", "tax", "tips")


@dataclass(frozen=True, slots=True)
class Totals:
    """The figures of a period by name, and for each kind of tender how many and how much; amounts in minor units."""

    figures: Mapping[str, int]
    tenders: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class FigureDifference:
    """A figure that is not the same; `figure` is `tenders.<kind>.count` or `.amount` for a kind of tender."""

    figure: str
    reported: int
    counted: int

    @property
    def difference(self) -> int:
        """What the till reported beyond what its events add up to."""
        return self.reported - self.counted


def totals_of(report: Mapping[str, Any]) -> Totals:
    """Read the figures of a closing."""
    tenders = {row["kind"]: (int(row["count"]), int(row["amount"])) for row in report["tenders"]}
    return Totals({name: int(report[name]) for name in FIGURES}, tenders)


def differences(reported: Totals, counted: Totals) -> list[FigureDifference]:
    """Return the figures that differ, in the order of the report; tenders only where the till reported any."""
    pairs = [(name, reported.figures[name], counted.figures[name]) for name in FIGURES]
    if reported.tenders:
        for kind in sorted({*reported.tenders, *counted.tenders}):
            said, seen = reported.tenders.get(kind, (0, 0)), counted.tenders.get(kind, (0, 0))
            pairs += [(f"tenders.{kind}.count", said[0], seen[0]), (f"tenders.{kind}.amount", said[1], seen[1])]
    return [FigureDifference(*pair) for pair in pairs if pair[1] != pair[2]]


def receipts_missing(reported: Totals, counted: Totals) -> int:
    """Return how many receipts the till counted that have not come."""
    return sum(max(0, reported.figures[name] - counted.figures[name]) for name in RECEIPT_COUNTS)
