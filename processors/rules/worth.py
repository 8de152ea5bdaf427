"""What units of a SKU are worth, and how severe it is to lose them. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from contracts.events.reference import SkuDefined
from contracts.money import minor_digits, told_money
from processors.rules.alerting import Severity
from processors.rules.on_hand import quantity_of
from processors.rules.rule import View


@dataclass(frozen=True, slots=True)
class Worth:
    """The cost and the price of one unit in major units of a currency; None where nobody said."""

    cost: Decimal | None
    price: Decimal | None
    currency: str | None

    def of(self, units: int, at_price: bool = False) -> int | None:
        """Return what whole numbers of units are worth, minor units: at cost where it is known, or else at the price."""
        each = self.price if at_price else self.cost
        each = next((known for known in (each, self.price, self.cost) if known is not None), None)
        if each is None or self.currency is None:
            return None
        exact = each.scaleb(minor_digits(self.currency)) * quantity_of(units)
        return int(exact.quantize(Decimal(1), ROUND_HALF_UP))

    def say(self, minor: int | None) -> str:
        """Write an amount for people."""
        return "worth unknown" if minor is None or self.currency is None else told_money(minor, self.currency)


_UNKNOWN = Worth(None, None, None)


def worth_of(view: View, sku: str, at: datetime) -> Worth:
    """Return what a SKU was worth at a time."""
    return worth_as(view.sku_at(sku, at))


def worth_as(known: SkuDefined | None) -> Worth:
    """Return what goods are worth by what they are."""
    return Worth(known.cost, known.price, known.currency) if known else _UNKNOWN


def severity_of(minor: int | None, medium: int, high: int) -> Severity:
    """Return the severity of losing an amount; what has no known worth is of low severity."""
    if minor is None or minor < medium:
        return "low"
    return "high" if minor >= high else "medium"
