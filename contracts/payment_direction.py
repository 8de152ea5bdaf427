"""Which way the money of a receipt went: the one place that says so, for till closings and tenders alike. Pure."""

from collections.abc import Iterable
from typing import Any, Literal

from contracts.events.sales import Receipt, SaleLine, SaleReturned, SaleVoided


def due_of(receipt: Receipt) -> int:
    """Return what its lines ask for in minor units, tax included; negative where an exchange gives money back.

    Of a return all lines came back, whatever their kind: what is due for them is due to the customer.
    """
    if isinstance(receipt, SaleReturned):
        return -sum([_of(line) for line in receipt.lines])
    return _due(receipt.lines)


def _due(lines: Iterable[Any]) -> int:
    return sum([signed(line, _of(line)) for line in lines])


def _of(line: Any) -> int:
    return int(line.gross - line.discount + (0 if line.tax_included else line.tax))


def signed(line: SaleLine, amount: int) -> int:
    """Return an amount of a line as a completed sale adds it up: returned goods are taken off."""
    return -amount if line.kind == "return" else amount


def direction_of(receipt: Receipt) -> Literal[1, -1]:
    """Return 1 where a customer paid and −1 where they were paid back: an exchange for something cheaper is, although it is a sale."""
    return direction(isinstance(receipt, SaleReturned), isinstance(receipt, SaleVoided), receipt.lines)


def direction(is_return: bool, is_void: bool, lines: Iterable[Any]) -> Literal[1, -1]:
    """Return the same for the lines of a receipt, whatever holds them."""
    if is_return:
        return -1
    return 1 if (_due(lines) >= 0) is not is_void else -1
