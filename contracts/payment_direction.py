"""Which way the money of a receipt went: the one place that says so, for till closings and tenders alike. Pure."""

from typing import Literal

from contracts.events.sales import Receipt, SaleLine, SaleReturned, SaleVoided


def due_of(receipt: Receipt) -> int:
    """Return what its lines ask for in minor units, tax included; negative where an exchange gives money back."""
    return sum(signed(line, line.gross - line.discount + (0 if line.tax_included else line.tax)) for line in receipt.lines)


def signed(line: SaleLine, amount: int) -> int:
    """Return an amount of a line as a completed sale adds it up: returned goods are taken off."""
    return -amount if line.kind == "return" else amount


def direction_of(receipt: Receipt) -> Literal[1, -1]:
    """Return 1 where a customer paid and −1 where they were paid back: an exchange for something cheaper is, although it is a sale."""
    if isinstance(receipt, SaleReturned):
        return -1
    is_paid = due_of(receipt) >= 0
    return 1 if is_paid is not isinstance(receipt, SaleVoided) else -1
