"""What customers do at the tills of a store on a day: buy, bring back, change their minds; and what the till makes of it."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from contracts.envelope import Event
from contracts.events.registry import SALE_COMPLETED, SALE_PRACTISED, SALE_RETURNED, SALE_SUSPENDED, SALE_VOIDED
from contracts.events.sales import Receipt, SaleCompleted, SaleLine, SalePractised, SaleReturned, SaleSuspended, SaleVoided
from contracts.tenders import TenderKind
from producers.simulator.agenda import Agenda
from producers.simulator.baskets import Basket, Item, basket, customers, expected_receipts
from producers.simulator.goods import GRAMS
from producers.simulator.injected import Place
from producers.simulator.receipts import BAG_SKU, GIFT_CARD_SKU, Paid, Register
from producers.simulator.shelf import Shelf
from producers.simulator.streams import stream
from producers.simulator.tills import Tills
from producers.simulator.unchecked import built, defaults_of
from producers.simulator.world import Happened

CASES = (
    "exchanges",
    "unlinked_returns",
    "returns_over_remaining",
    "split_tenders",
    "gift_cards_sold",
    "practised_receipts",
    "suspended_receipts",
    "zero_prices",
    "corrections",
)
LONGEST_RETURN_DAYS = 365
_UNUSUAL = ("practised_receipts", "unlinked_returns", "suspended_receipts")
_NOT_NOTED_HERE = {"returns_over_remaining", "corrections", "suspended_receipts"}


class Sold(NamedTuple):
    """A line that will come back: enough of its sale to return it."""

    event_id: UUID
    receipt_id: str
    item: Item
    tender: TenderKind
    approval: str | None
    approved_on: date | None


@dataclass(slots=True)
class Ringing:
    """A receipt while it is rung up."""

    basket: Basket
    index: int
    till: str
    cashier: str
    cases: frozenset[str]
    items: tuple[Item, ...] = ()


Returns = dict[int, list[tuple[Sold, bool]]]
"""Goods that will come back, by day; true for those that came back already."""


@dataclass(slots=True)
class SalesDay:
    """One store on one business date."""

    tills: Tills
    shelf: Shelf
    register: Register
    returns: Returns
    agenda: Agenda
    watch: Callable[[float, Happened, Ringing, "SalesDay"], bool]
    to_correct: list[tuple[Event[SaleCompleted], Ringing]] = field(default_factory=list)
    _cases: dict[int, frozenset[str]] = field(default_factory=dict)

    def plan(self) -> None:
        """Draw which customers are special, and put the goods of earlier days that come back on the agenda."""
        world, store, day = self.tills.world, self.tills.store, self.tills.day
        limit = int(3 * expected_receipts(world, store, day)) + 100
        found: defaultdict[int, set[str]] = defaultdict(set)
        for kind in CASES:
            for index in world.plan.within_day(kind, store.number, day.number, limit):
                found[index].add(kind)
        self._cases = {index: frozenset(kinds) for index, kinds in found.items()}
        rng = stream(world.options.seed, "returns", store.number, day.number)
        for number, (sold, again) in enumerate(self.returns.pop(day.number, [])):
            at = rng.uniform(store.opens + 0.5, store.closes - 0.5) * 3600
            self.agenda.add(at, partial(self._bring_back, sold=sold, again=again, key=f"earlier/{number}"))

    def happenings(self) -> Iterator[Happened]:
        """Yield the day: customers in order, and before each what is due on the agenda."""
        world, store, day = self.tills.world, self.tills.store, self.tills.day
        rng = stream(world.options.seed, "baskets", store.number, day.number)
        offer = day.offers[store.number % 2 == 0]
        for index, seconds in enumerate(customers(world, store, day)):
            yield from self.agenda.until(seconds)
            yield from self._serve(seconds, index, basket(rng, offer))
        yield from self.agenda.until(float("inf"))

    def _serve(self, at: float, index: int, what: Basket) -> Iterator[Happened]:
        if self._is_missing(at, index):
            return
        till, present = self.tills.till_for(what.till, at), self.tills.roster.on_duty(at)
        ringing = Ringing(what, index, till, present[int(what.cashier * len(present))], self._cases.get(index, frozenset()))
        ringing.items = tuple(item for item in what.items if self.shelf.take(item.good.place, item.quantity))
        if not ringing.items:  # nothing of it is there: the customer leaves
            return
        unusual = next((kind for kind in _UNUSUAL if kind in ringing.cases), None)
        if unusual is not None:
            yield from self._unusual(at, ringing, unusual)
        elif what.undone == "abandoned":
            yield self._aside(at, ringing, SaleVoided, SALE_VOIDED, phase="before_completion", reason="customer left")
        else:
            yield from self._complete(at, ringing)

    def _is_missing(self, at: float, index: int) -> bool:
        drop = self.tills.troubles.at("sales_drops", "", at)
        if drop is None:
            return False
        world, store, day = self.tills.world, self.tills.store, self.tills.day
        missing = stream(world.options.seed, "drop", store.number, day.number, index).random() < drop.amount
        figures = drop.place.figures
        figures["receipts_missing"] = figures.get("receipts_missing", 0) + missing
        return missing

    def _unusual(self, at: float, ringing: Ringing, kind: str) -> Iterator[Happened]:
        if kind == "practised_receipts":
            made = self._aside(at, ringing, SalePractised, SALE_PRACTISED)
        elif kind == "suspended_receipts":
            made = self._aside(at, ringing, SaleSuspended, SALE_SUSPENDED, keep=True)
            later = min(at + 150 + ringing.basket.pay * 240, self.tills.store.closes * 3600 + 300)
            self.agenda.add(later, lambda at: self._complete(at, ringing, recalled=True))
        else:
            item = ringing.items[0]
            self._put_back(ringing.items)
            made = self.refund(at, ringing.till, ringing.cashier, item, "card", f"unlinked/{ringing.index}")
            self.shelf.put(item.good.place, item.quantity)
        self.note(kind, made)
        yield made

    def _aside(self, at: float, ringing: Ringing, model: type[Receipt], event_type: str, *, keep: bool = False, **more: Any) -> Happened:
        """Write a receipt that moves nothing; the goods go back to the shelf unless somebody keeps them."""
        if not keep:
            self._put_back(ringing.items)
        content = self._receipt(model, self.tills.number(ringing.till), ringing, self._lines(ringing), None, **more)
        return self._rung(at, event_type, f"{ringing.index}", content, ringing.till)

    def _complete(self, at: float, ringing: Ringing, recalled: bool = False) -> Iterator[Happened]:
        if "zero_prices" in ringing.cases and self.shelf.take(ringing.items[-1].good.place, GRAMS):
            ringing.items += (ringing.items[-1]._replace(quantity=GRAMS, free=True),)
        lines = self._lines(ringing)
        split = "split_tenders" in ringing.cases
        paid = self.register.paid(lines, ringing.basket.pay, self._approval(ringing), self.tills.day.date, split)
        content = self._receipt(SaleCompleted, self.tills.number(ringing.till), ringing, lines, paid)
        made = self._rung(at, SALE_COMPLETED, f"{ringing.index}", content, ringing.till)
        for kind in sorted(ringing.cases - _NOT_NOTED_HERE):
            self.note(kind, made)
        plain = not recalled and not ringing.cases - {"corrections", "returns_over_remaining"} and paid.tenders != ()
        tied = plain and self._aftermath(at, made, ringing)
        if plain and not tied:
            tied = self.watch(at, made, ringing, self)
        yield made._replace(tied=True) if tied else made

    def _lines(self, ringing: Ringing) -> tuple[SaleLine, ...]:
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

    def _aftermath(self, at: float, made: Happened, ringing: Ringing) -> bool:
        """Arrange what will become of a sale later; tell whether anything will."""
        last, what = self.tills.store.closes * 3600, ringing.basket
        if self.tills.troubles.clock(ringing.till, at) is not None:
            return False
        if "corrections" in ringing.cases:
            self.to_correct.append((made.event, ringing))  # type: ignore[arg-type]
            return True
        if "returns_over_remaining" in ringing.cases:
            return self._return_later(at, 0.0, made, ringing, twice=True)
        if what.undone == "returned":
            return self._return_later(at, what.after_days, made, ringing)
        later = at + 60 + what.cashier * 1200
        if what.undone == "voided" and later < last:
            self.agenda.add(later, lambda at: self.void(at, made.event, ringing, "rung up twice", goods_back=True))
            return True
        return False

    def _return_later(self, at: float, after_days: float, made: Happened, ringing: Ringing, twice: bool = False) -> bool:
        number, last = self.tills.day.number, self.tills.store.closes * 3600
        sale = made.event.data
        assert isinstance(sale, SaleCompleted)
        item, tender = ringing.items[int(ringing.basket.cashier * len(ringing.items))], sale.tenders[-1]
        sold = Sold(made.event.id, sale.receipt_id, item, tender.kind, tender.approval_code, tender.approved_on)
        soon = at + 600 + (after_days % 1) * 7200
        day = number + round(after_days) if after_days >= 1 or soon < last - 3600 else number + 1
        if day == number:
            self.agenda.add(soon, lambda at: self._bring_back(at, sold, False, f"{ringing.index}"))
            if twice:
                self.agenda.add(soon + 1800, lambda at: self._bring_back(at, sold, True, f"{ringing.index}-again"))
        elif day < min(self.tills.world.options.days, number + LONGEST_RETURN_DAYS):
            self.returns.setdefault(day, []).extend((sold, again) for again in ((False, True) if twice else (False,)))
        return True

    def _bring_back(self, at: float, sold: Sold, again: bool, key: str) -> Iterator[Happened]:
        till = self.tills.till_for(len(key) % 2 / 2, at)
        links = {
            "original_event_id": sold.event_id,
            "original_receipt_id": sold.receipt_id,
            "original_approval_code": sold.approval,
            "original_approved_on": sold.approved_on,
        }
        made = self.refund(at, till, self.tills.roster.on_duty(at)[-1], sold.item, sold.tender, key, **links)
        self.shelf.put(sold.item.good.place, 0 if again else sold.item.quantity)
        if again:
            self.note("returns_over_remaining", made)
        yield made

    def refund(self, at: float, till: str, cashier: str, item: Item, tender: TenderKind, key: str, **links: Any) -> Happened:
        """Pay goods back; without links nobody can tell which sale they are of."""
        ringing = Ringing(_NOBODY, 0, till, cashier, frozenset())
        lines = (self.register.line(1, item),)
        paid = self.register.paid_back(lines, tender)
        content = self._receipt(SaleReturned, self.tills.number(till), ringing, lines, paid, reason="unwanted", **links)
        return self._rung(at, SALE_RETURNED, key, content, till)

    def void(self, at: float, sale: Event[Any], ringing: Ringing, reason: str, *, goods_back: bool) -> Iterator[Happened]:
        """Undo a completed sale under its own receipt number."""
        data = sale.data
        if goods_back:
            self._put_back(ringing.items)
        tender = data.tenders[0]
        back = tender.model_copy(update={"amount": tender.amount - tender.change, "change": 0})
        paid = Paid(data.total, data.rounding_adjustment, (back, *data.tenders[1:]))
        more = {"phase": "after_completion", "voided_event_id": sale.id, "reason": reason}
        content = self._receipt(SaleVoided, data.receipt_id, ringing, data.lines, paid, **more)
        yield self._rung(at, SALE_VOIDED, f"{ringing.index}/void", content, ringing.till)

    def note(self, kind: str, made: Happened) -> None:
        """Write down that something was put in."""
        place = Place(made.event.store_id, made.at, device=made.device, event_ids=[str(made.event.id)])
        self.tills.world.injected.note(kind, place)

    def _receipt(
        self, model: type[Receipt], number: str, ringing: Ringing, lines: tuple[SaleLine, ...], paid: Paid | None, **more: Any
    ) -> Receipt:
        row = {**defaults_of(model)}
        row["receipt_id"], row["currency"], row["lines"] = number, self.register.currency, lines
        row["rounding_remainder"] = self.register.remainder(lines)
        row["till_id"], row["period_id"] = ringing.till, self.tills.periods[ringing.till].period_id
        row["employee_id"] = ringing.cashier
        if paid is not None:
            row["total"], row["tenders"], row["rounding_adjustment"] = paid.total, paid.tenders, paid.rounding
        row.update(more)
        return built(model, row)

    def _rung(self, at: float, event_type: str, key: str, receipt: Receipt, till: str) -> Happened:
        self.tills.periods[till].take(receipt)
        return self.tills.write(at, event_type, key, receipt, till, receipt.receipt_id)

    def _approval(self, ringing: Ringing) -> str:
        number = self.tills.store.number * 1_299_709 + self.tills.day.number * 104_729 + ringing.index * 7_919
        return f"{number % 100_000_000:08}"

    def _put_back(self, items: tuple[Item, ...]) -> None:
        for item in items:
            self.shelf.put(item.good.place, item.quantity)


_NOBODY = Basket((), False, 0.0, 0.0, 0.0, "kept", 0.0)
