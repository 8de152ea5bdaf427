"""How much cash should be in the drawer, by the events of a till period, against what was counted; pure."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from projections.read_models.till_periods.verdict import FigureDifference

CashVerdict: TypeAlias = Literal["balanced", "over", "short", "uncounted", "unknown"]
"""`uncounted`: nobody counted, or the period is open. `unknown`: the events do not say how much there should be."""

MOVED: Final = ("paid_in", "paid_out", "bank_drops", "untendered")


@dataclass(frozen=True, slots=True)
class DrawerCash:
    """The cash of a period in minor units.

    `float_amount` is None where no opening came; `sales` is what was paid in cash less change, tips and what was paid back;
    `untendered` is how many receipts do not say how they were paid. `reported` and `counted` are the closing's own words.
    """

    float_amount: int | None
    sales: int
    paid_in: int
    paid_out: int
    bank_drops: int
    untendered: int
    reported: int | None
    counted: int | None

    @property
    def expected(self) -> int | None:
        """Opening float + cash sales less refunds + paid in − paid out − brought to the bank; None where a part is not known."""
        if self.float_amount is None or self.untendered:
            return None
        return self.float_amount + self.sales + self.paid_in - self.paid_out - self.bank_drops

    @property
    def difference(self) -> int | None:
        """What was counted beyond what there should be; negative where cash is missing."""
        return None if self.expected is None or self.counted is None else self.counted - self.expected

    @property
    def verdict(self) -> CashVerdict:
        """Whether the drawer holds what it should."""
        if self.counted is None:
            return "uncounted"
        if self.difference is None:
            return "unknown"
        if self.difference == 0:
            return "balanced"
        return "over" if self.difference > 0 else "short"

    @property
    def differences(self) -> list[FigureDifference]:
        """What the till expected where the events expect something else; compared only where both say it."""
        if self.reported is None or self.expected is None or self.reported == self.expected:
            return []
        return [FigureDifference("expected_cash", self.reported, self.expected)]
