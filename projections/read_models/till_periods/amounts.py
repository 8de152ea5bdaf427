"""What one receipt adds to the figures of its till period, as a closing defines them; pure.

Amounts are those of the receipt: where a price contains its tax, so do gross, discount, returns and voids.
"""

from dataclasses import dataclass
from typing import NamedTuple

from contracts.events.sales import Receipt, SaleLine, SaleReturned, SaleVoided
from contracts.payment_direction import direction_of, due_of, signed
from contracts.tenders import TenderKind


class Amounts(NamedTuple):
    """Figures of one receipt in minor units; tax and tips are negative where they were given back."""

    gross: int = 0
    discounts: int = 0
    returns: int = 0
    voids: int = 0
    tax: int = 0
    tips: int = 0


@dataclass(frozen=True, slots=True)
class Paid:
    """Tenders of one kind on a receipt: how many, and Σ amount − change − tip, negative where it was paid back."""

    kind: TenderKind
    tenders: int
    amount: int


def amounts_of(receipt: Receipt) -> Amounts:
    """Return what a completed, returned or voided receipt adds."""
    items = [line for line in receipt.lines if line.kind == "item"]
    back = [line for line in receipt.lines if line.kind == "return"]
    tax, tips = _tax(receipt), direction_of(receipt) * sum(tender.tip for tender in receipt.tenders)
    if isinstance(receipt, SaleReturned):
        return Amounts(returns=_net(items) + _net(back), tax=tax, tips=tips)
    if isinstance(receipt, SaleVoided):
        return Amounts(voids=_net(items), tax=tax, tips=tips)
    gross, discounts = sum(line.gross for line in items), sum(line.discount for line in items)
    return Amounts(gross=gross, discounts=discounts, returns=_net(back), tax=tax, tips=tips)


def paid_of(receipt: Receipt) -> list[Paid]:
    """Return what was paid by kind of tender, by kind."""
    direction = direction_of(receipt)
    found: dict[TenderKind, Paid] = {}
    for tender in receipt.tenders:
        known = found.get(tender.kind, Paid(tender.kind, 0, 0))
        amount = known.amount + direction * (tender.amount - tender.change - tender.tip)
        found[tender.kind] = Paid(tender.kind, known.tenders + 1, amount)
    return [found[kind] for kind in sorted(found)]


def is_tendered(receipt: Receipt) -> bool:
    """Tell whether it is known how a receipt was paid: it says so, or nothing was due."""
    return bool(receipt.tenders) or due_of(receipt) == 0


def _net(lines: list[SaleLine]) -> int:
    return sum(line.gross - line.discount for line in lines)


def _tax(receipt: Receipt) -> int:
    """Take the tax that the till says of the whole receipt, for it rounded that one; else the tax of the lines."""
    if receipt.taxes:
        return direction_of(receipt) * sum(tax.amount for tax in receipt.taxes)
    if isinstance(receipt, SaleReturned):
        return -sum(line.tax for line in receipt.lines)
    tax = sum(signed(line, line.tax) for line in receipt.lines)
    return -tax if isinstance(receipt, SaleVoided) else tax
