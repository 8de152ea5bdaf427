"""Write a vendor's receipt so that it holds what our contract promises: each gross is quantity × unit price, and all sums up.

Vendors say the amount of a line, not always a price that multiplies to it. The price of one unit is then the amount
divided by the quantity, to five places; where even that does not multiply back (more than about a thousand units), the
line keeps what it multiplies to, and its discount and the tax inside it keep within that. What lines lack of the vendor's
total goes to `rounding_adjustment`, if it is small enough to come from rounding: a minor unit a line, what pricing left
over, and the rounding that the vendor declares. A larger gap is refused, because something on the receipt was not
understood.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from pydantic import ValidationError

from contracts.codec import problems_of
from contracts.events.sales import SaleLine
from contracts.fields import plain
from contracts.money import line_amount, minor_digits, to_major
from producers.sources.payload import Node

_PLACES = Decimal("0.00001")
_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Price:
    """A unit price that multiplies to `gross`; `remainder` is what rounding dropped (major), `left_over` what the vendor has beyond it."""

    unit_price: Decimal
    gross: int
    remainder: Decimal
    left_over: int


def price_of(gross: int, quantity: Decimal, currency: str, unit_price: Decimal | None = None) -> Price:
    """Price a line of `gross` minor units; the vendor's own unit price is kept where it multiplies to that."""
    if unit_price is not None and unit_price >= 0 and unit_price == unit_price.quantize(_PLACES, ROUND_HALF_UP, _WIDE):
        amount, remainder = line_amount(unit_price, quantity, currency)
        if amount == gross:
            return Price(unit_price, amount, remainder, 0)
    found = Decimal(plain(_WIDE.divide(to_major(gross, currency), quantity).quantize(_PLACES, ROUND_HALF_UP, _WIDE)))
    amount, remainder = line_amount(found, quantity, currency)
    return Price(found, amount, remainder, gross - amount)


def minor(node: Node, currency: str) -> int:
    """Read an amount in major units, a floating-point one too; rounded half up to whole minor units."""
    return int(node.decimal().scaleb(minor_digits(currency), _WIDE).quantize(Decimal(1), ROUND_HALF_UP, _WIDE))


@dataclass(slots=True)
class Lines:
    """The lines of one receipt while they are read."""

    currency: str
    sku_of: Callable[[str | None], str]
    rows: list[SaleLine] = field(default_factory=list)
    remainder: Decimal = Decimal(0)
    left_over: int = 0

    def add(
        self, node: Node, gross: int, quantity: Decimal, unit_price: Decimal | None = None, article: str | None = None, **values: Any
    ) -> None:
        """Add a line of `gross` minor units, without an article where it is an amount alone.

        Refused where quantity or amounts are none that a receipt may have.
        """
        if quantity <= 0 or quantity != quantity.quantize(_PLACES, ROUND_HALF_UP, _WIDE):
            raise node.refused("wrong_quantity", "a quantity above zero, of at most five decimal places")
        if gross < 0:
            raise node.refused("wrong_sign", "an amount of zero or more")
        price = price_of(gross, quantity, self.currency, unit_price)
        given = {"line": len(self.rows) + 1, "sku": self.sku_of(article), "quantity": quantity, "unit_price": price.unit_price}
        try:
            self.rows.append(SaleLine.model_validate({**given, "gross": price.gross, **values, **_of_price(price.gross, gross, values)}))
        except ValidationError as error:
            first = problems_of(error)[0]
            raise node.refused(first.code, f"{first.expected} ({first.pointer.removeprefix('/')} of the line)") from error
        self.remainder += price.remainder
        self.left_over += abs(price.left_over)

    def content(self, node: Node, total: int, declared_rounding: int = 0, total_at: str | None = None, **values: Any) -> dict[str, Any]:
        """Return the content of a receipt of `total` minor units (below zero: paid out), which the vendor says at `total_at`.

        Refused where it does not sum up.
        """
        if not self.rows:
            raise node.refused("no_lines", "at least one line")
        expected = self.sum() + declared_rounding
        if abs(total - expected) > len(self.rows) + self.left_over:
            said = node.at(total_at) if total_at else node
            raise said.refused("total_disagrees", f"a total of {expected} minor units, the sum of the lines")
        return {
            "currency": self.currency,
            "lines": tuple(self.rows),
            "rounding_remainder": self.remainder,
            "total": abs(total),
            "rounding_adjustment": total - self.sum(),
            **{name: value for name, value in values.items() if value is not None},
        }

    def sum(self) -> int:
        """Return what the lines come to, minor units; returned goods count against the others."""
        return sum(_due(row) * (-1 if row.kind == "return" else 1) for row in self.rows)


def _of_price(priced: int, gross: int, values: dict[str, Any]) -> dict[str, int]:
    """Return discount and included tax as parts of what the line is priced at, where they are parts of what the vendor says: `gross`."""
    discount, tax = values.get("discount", 0), values.get("tax", 0)
    parts = {}
    if 0 < discount <= gross:
        parts["discount"] = priced if discount == gross else min(discount, priced)
    if values.get("tax_included") and 0 < tax <= gross - discount:
        parts["tax"] = min(tax, priced - parts.get("discount", 0))
    return parts


def _due(row: SaleLine) -> int:
    return row.gross - row.discount + (0 if row.tax_included else row.tax)


def is_tax_included(gross: int, discount: int, tax: int, due: int) -> bool:
    """Tell from the vendor's own line total whether the tax is inside the price."""
    return tax > 0 and due == gross - discount and tax <= due


def tenders_that_fit(tenders: Sequence[dict[str, Any]], total: int, lines: int) -> tuple[dict[str, Any], ...]:
    """Return tenders where they come to the total; none where they do not say all of it (a refund that gives a tip back)."""
    paid = sum(row["amount"] - row.get("change", 0) - row.get("tip", 0) for row in tenders)
    return tuple(tenders) if abs(paid - abs(total)) <= lines else ()
