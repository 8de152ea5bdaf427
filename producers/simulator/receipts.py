"""Prices, taxes and tenders of a simulated receipt. It decides how a receipt is written, not what happens to whom."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from contracts.events.sales import SaleLine, Tender
from contracts.money import minor_digits, to_major
from contracts.tenders import TenderKind
from producers.simulator.baskets import Item
from producers.simulator.goods import GRAMS, Good
from producers.simulator.unchecked import built, defaults_of, unchecked

BAG_SKU, GIFT_CARD_SKU = "SVC-BAG", "SVC-GIFT-CARD"
TAX_ON_TOP = frozenset({"US", "CA"})
"""Where prices on the shelf are without the tax; elsewhere they contain it."""
_ZERO = Decimal(0)
_WHOLE = {number * GRAMS: Decimal(number) for number in range(1, 10)}


class Paid(NamedTuple):
    """How a receipt is paid: its total, the difference of rounding to coins, and the tenders."""

    total: int
    rounding: int
    tenders: tuple[Tender, ...]


@dataclass(slots=True)
class Register:
    """Writes lines and tenders in the currency and the tax rules of the chain."""

    currency: str
    tax_included: bool
    note: int
    coin: int
    _lines: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, currency: str, country: str, goods: Iterable[Good]) -> "Register":
        """Make one for a chain; the parts of a line that never change are written once."""
        included = country not in TAX_ON_TOP
        whole = minor_digits(currency) == 0
        known = {
            good.sku: {
                **defaults_of(SaleLine),
                "sku": good.sku,
                "description": good.name,
                "unit_price": good.unit_price,
                "tax_included": included,
                "tax_rate": Decimal(good.tax_rate),
            }
            for good in goods
        }
        return cls(currency, included, 1000 if whole else 500, 10 if whole else 1, known)

    def line(self, number: int, item: Item, kind: str = "item") -> SaleLine:
        """Write a line of goods."""
        good, milli = item.good, item.quantity
        row = self._lines[good.sku].copy()
        row["line"], row["kind"] = number, kind
        row["quantity"] = _WHOLE.get(milli) or Decimal(milli) / GRAMS
        if item.free:
            row["unit_price"], row["gross"] = _ZERO, 0
            return built(SaleLine, row)
        gross = good.price * (milli // GRAMS) if milli in _WHOLE else (good.price * milli + GRAMS // 2) // GRAMS
        discount = (gross * item.percent + 50) // 100
        row["gross"], row["discount"], row["promotion_id"] = gross, discount, item.promotion_id
        row["tax"] = self._tax(gross - discount, good.tax_rate)
        return built(SaleLine, row)

    def service(self, number: int, sku: str, description: str, price: int) -> SaleLine:
        """Write a line that is no sale of goods: a bag, a gift card."""
        unit_price = to_major(price, self.currency)
        return unchecked(
            SaleLine, line=number, kind="service", sku=sku, description=description, quantity=Decimal(1), unit_price=unit_price, gross=price
        )

    def remainder(self, lines: Iterable[SaleLine]) -> Decimal:
        """Return what rounding dropped: nothing but for weighed goods."""
        weighed = [line for line in lines if line.quantity % 1]
        digits = minor_digits(self.currency)
        return sum(((line.unit_price * line.quantity).scaleb(digits) - line.gross for line in weighed), _ZERO).scaleb(-digits) or _ZERO

    def due(self, lines: Iterable[SaleLine]) -> int:
        """Return what a customer owes for lines; negative where more comes back than goes out."""
        added = 0
        for line in lines:
            amount = line.gross - line.discount + (0 if line.tax_included else line.tax)
            added += -amount if line.kind == "return" else amount
        return added

    def paid(self, lines: Iterable[SaleLine], chance: float, approval: str, day: date, split: bool = False) -> Paid:
        """Pay for lines: by card in most cases, in cash to the next note, with points first where it is split."""
        due = self.due(lines)
        if due == 0:
            return Paid(0, 0, ())
        if split and due > 1:
            points = due // 3
            return Paid(due, 0, (unchecked(Tender, kind="points", amount=points), self._card("card", due - points, approval, day)))
        if chance < 0.86:
            return Paid(due, 0, (self._card("card" if chance < 0.69 else "mobile", due, approval, day),))
        rounding = -(due % self.coin)
        total = due + rounding
        handed = -(-total // self.note) * self.note
        return Paid(total, rounding, (unchecked(Tender, kind="cash", amount=handed, change=handed - total),) if total else ())

    def paid_back(self, lines: Iterable[SaleLine], kind: TenderKind) -> Paid:
        """Pay for lines that came back, in the way they were paid for."""
        due = self.due(lines)
        return Paid(due, 0, (unchecked(Tender, kind=kind, amount=due),) if due else ())

    def _card(self, kind: TenderKind, amount: int, approval: str, day: date) -> Tender:
        return unchecked(Tender, kind=kind, amount=amount, approval_code=approval, approved_on=day)

    def _tax(self, amount: int, rate: int) -> int:
        base = 100 + rate if self.tax_included else 100
        return (2 * amount * rate + base) // (2 * base)
