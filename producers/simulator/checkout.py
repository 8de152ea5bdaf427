"""How a cashier writes what happens: receipts of every kind, refunds, voids. Who comes, and why, is decided elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts.envelope import Event
from contracts.events.registry import SALE_RETURNED, SALE_VOIDED
from contracts.events.sales import Receipt, SaleLine, SaleReturned, SaleVoided
from contracts.tenders import TenderKind
from producers.simulator.baskets import Basket, Item
from producers.simulator.injected import Place
from producers.simulator.receipts import BAG_SKU, GIFT_CARD_SKU, Paid, Register
from producers.simulator.shelf import Shelf
from producers.simulator.tills import Tills
from producers.simulator.unchecked import built, defaults_of
from producers.simulator.world import Happened

_NOBODY = Basket((), False, 0.0, 0.0, 0.0, "kept", 0.0)


@dataclass(slots=True)
class Ringing:
    """A receipt while it is rung up."""

    basket: Basket
    index: int
    till: str
    cashier: str
    cases: frozenset[str]
    items: tuple[Item, ...] = ()


@dataclass(slots=True)
class Checkout:
    """The tills of one store and business date, the shelf that goods come from, and the prices."""

    tills: Tills
    shelf: Shelf
    register: Register

    def lines(self, ringing: Ringing) -> tuple[SaleLine, ...]:
        """Write the lines of a basket, with what makes it special."""
        register = self.register
        lines = [register.line(number, item) for number, item in enumerate(ringing.items, 1)]
        cases = ringing.cases
        if "exchanges" in cases:
            lines.append(register.line(len(lines) + 1, ringing.items[0], "return"))
        if "gift_cards_sold" in cases:
            lines.append(register.service(len(lines) + 1, GIFT_CARD_SKU, "Gift card", 10 * register.note))
        if ringing.basket.bag:
            lines.append(register.service(len(lines) + 1, BAG_SKU, "Bag", register.note // 10))
        return tuple(lines)

    def aside(self, at: float, ringing: Ringing, model: type[Receipt], event_type: str, *, keep: bool = False, **more: Any) -> Happened:
        """Write a receipt that moves nothing; the goods go back to the shelf unless somebody keeps them."""
        if not keep:
            self.put_back(ringing.items)
        content = self.receipt(model, self.tills.number(ringing.till), ringing, self.lines(ringing), None, **more)
        return self.rung(at, event_type, f"{ringing.index}", content, ringing.till)

    def refund(self, at: float, till: str, cashier: str, item: Item, tender: TenderKind, key: str, **links: Any) -> Happened:
        """Pay goods back; without links nobody can tell which sale they are of."""
        till = self.tills.working(till, at)
        ringing = Ringing(_NOBODY, 0, till, cashier, frozenset())
        lines = (self.register.line(1, item),)
        paid = self.register.paid_back(lines, tender)
        content = self.receipt(SaleReturned, self.tills.number(till), ringing, lines, paid, reason="unwanted", **links)
        return self.rung(at, SALE_RETURNED, key, content, till)

    def void(self, at: float, sale: Event[Any], ringing: Ringing, reason: str, *, goods_back: bool) -> Iterator[Happened]:
        """Undo a completed sale under its own receipt number."""
        data, ringing.till = sale.data, self.tills.working(ringing.till, at)
        if goods_back:
            self.put_back(ringing.items)
        tender = data.tenders[0]
        back = tender.model_copy(update={"amount": tender.amount - tender.change, "change": 0})
        paid = Paid(data.total, data.rounding_adjustment, (back, *data.tenders[1:]))
        more = {"phase": "after_completion", "voided_event_id": sale.id, "reason": reason}
        content = self.receipt(SaleVoided, data.receipt_id, ringing, data.lines, paid, **more)
        yield self.rung(at, SALE_VOIDED, f"{ringing.index}/void", content, ringing.till)

    def note(self, kind: str, made: Happened) -> None:
        """Write down that something was put in."""
        place = Place(made.event.store_id, made.at, device=made.device, event_ids=[str(made.event.id)])
        self.tills.world.injected.note(kind, place)

    def receipt(
        self, model: type[Receipt], number: str, ringing: Ringing, lines: tuple[SaleLine, ...], paid: Paid | None, **more: Any
    ) -> Receipt:
        """Write a receipt of any kind."""
        row = {**defaults_of(model)}
        row["receipt_id"], row["currency"], row["lines"] = number, self.register.currency, lines
        row["rounding_remainder"] = self.register.remainder(lines)
        row["till_id"], row["period_id"] = ringing.till, self.tills.periods[ringing.till].period_id
        row["employee_id"] = ringing.cashier
        if paid is not None:
            row["total"], row["tenders"], row["rounding_adjustment"] = paid.total, paid.tenders, paid.rounding
        row.update(more)
        return built(model, row)

    def rung(self, at: float, event_type: str, key: str, receipt: Receipt, till: str) -> Happened:
        """Count a receipt in its till's period and write its event."""
        self.tills.periods[till].take(receipt)
        return self.tills.write(at, event_type, key, receipt, till, receipt.receipt_id)

    def approval(self, ringing: Ringing) -> str:
        """Return the number under which a card payment is approved."""
        number = self.tills.store.number * 1_299_709 + self.tills.day.number * 104_729 + ringing.index * 7_919
        return f"{number % 100_000_000:08}"

    def put_back(self, items: tuple[Item, ...]) -> None:
        """Put goods back on the shelf."""
        for item in items:
            self.shelf.put(item.good.place, item.quantity)
