"""What customers do at the tills of a store on a day: buy, bring back, change their minds; and what the till makes of it."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import NamedTuple
from uuid import UUID

from contracts.envelope import Event
from contracts.events.registry import SALE_COMPLETED, SALE_PRACTISED, SALE_SUSPENDED, SALE_VOIDED
from contracts.events.sales import SaleCompleted, SalePractised, SaleSuspended, SaleVoided
from contracts.tenders import TenderKind
from producers.simulator.agenda import Agenda
from producers.simulator.baskets import Basket, Item, basket, customers, expected_receipts
from producers.simulator.checkout import Checkout, Ringing
from producers.simulator.goods import GRAMS
from producers.simulator.streams import stream
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


Returns = dict[int, list[tuple[Sold, bool]]]
"""Goods that will come back, by day; true for those that came back already."""


@dataclass(slots=True)
class SalesDay:
    """One store on one business date."""

    checkout: Checkout
    returns: Returns
    agenda: Agenda
    watch: Callable[[float, Happened, Ringing, "SalesDay"], bool]
    to_correct: list[tuple[Event[SaleCompleted], Ringing]] = field(default_factory=list)
    _cases: dict[int, frozenset[str]] = field(default_factory=dict)

    def plan(self) -> None:
        """Draw which customers are special, and put the goods of earlier days that come back on the agenda."""
        world, store, day = self.checkout.tills.world, self.checkout.tills.store, self.checkout.tills.day
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
        world, store, day = self.checkout.tills.world, self.checkout.tills.store, self.checkout.tills.day
        rng = stream(world.options.seed, "baskets", store.number, day.number)
        offer = day.offers[store.number % 2 == 0]
        for index, seconds in enumerate(customers(world, store, day)):
            yield from self.agenda.until(seconds)
            yield from self._serve(seconds, index, basket(rng, offer))
        yield from self.agenda.until(float("inf"))

    def _serve(self, at: float, index: int, what: Basket) -> Iterator[Happened]:
        if self._is_missing(at, index):
            return
        till, present = self.checkout.tills.till_for(what.till, at), self.checkout.tills.roster.on_duty(at)
        ringing = Ringing(what, index, till, present[int(what.cashier * len(present))], self._cases.get(index, frozenset()))
        ringing.items = tuple(item for item in what.items if self.checkout.shelf.take(item.good.place, item.quantity))
        if not ringing.items:  # nothing of it is there: the customer leaves
            return
        unusual = next((kind for kind in _UNUSUAL if kind in ringing.cases), None)
        if unusual is not None:
            yield from self._unusual(at, ringing, unusual)
        elif what.undone == "abandoned":
            yield self.checkout.aside(at, ringing, SaleVoided, SALE_VOIDED, phase="before_completion", reason="customer left")
        else:
            yield from self._complete(at, ringing)

    def _is_missing(self, at: float, index: int) -> bool:
        drop = self.checkout.tills.troubles.at("sales_drops", "", at)
        if drop is None:
            return False
        world, store, day = self.checkout.tills.world, self.checkout.tills.store, self.checkout.tills.day
        missing = stream(world.options.seed, "drop", store.number, day.number, index).random() < drop.amount
        figures = drop.place.figures
        figures["receipts_missing"] = figures.get("receipts_missing", 0) + missing
        return missing

    def _unusual(self, at: float, ringing: Ringing, kind: str) -> Iterator[Happened]:
        if kind == "practised_receipts":
            made = self.checkout.aside(at, ringing, SalePractised, SALE_PRACTISED)
        elif kind == "suspended_receipts":
            made = self.checkout.aside(at, ringing, SaleSuspended, SALE_SUSPENDED, keep=True)
            later = min(at + 150 + ringing.basket.pay * 240, self.checkout.tills.store.closes * 3600 + 300)
            self.agenda.add(later, lambda at: self._complete(at, ringing, recalled=True))
        else:
            item = ringing.items[0]
            self.checkout.put_back(ringing.items)
            made = self.checkout.refund(at, ringing.till, ringing.cashier, item, "card", f"unlinked/{ringing.index}")
            self.checkout.shelf.put(item.good.place, item.quantity)
        self.checkout.note(kind, made)
        yield made

    def _complete(self, at: float, ringing: Ringing, recalled: bool = False) -> Iterator[Happened]:
        ringing.till = self.checkout.tills.working(ringing.till, at)
        if "zero_prices" in ringing.cases and self.checkout.shelf.take(ringing.items[-1].good.place, GRAMS):
            ringing.items += (ringing.items[-1]._replace(quantity=GRAMS, free=True),)
        lines = self.checkout.lines(ringing)
        split = "split_tenders" in ringing.cases
        paid = self.checkout.register.paid(lines, ringing.basket.pay, self.checkout.approval(ringing), self.checkout.tills.day.date, split)
        content = self.checkout.receipt(SaleCompleted, self.checkout.tills.number(ringing.till), ringing, lines, paid)
        made = self.checkout.rung(at, SALE_COMPLETED, f"{ringing.index}", content, ringing.till)
        for kind in sorted(ringing.cases - _NOT_NOTED_HERE):
            self.checkout.note(kind, made)
        plain = not recalled and not ringing.cases - {"corrections", "returns_over_remaining"} and paid.tenders != ()
        tied = plain and self._aftermath(at, made, ringing)
        if plain and not tied:
            tied = self.watch(at, made, ringing, self)
        yield made._replace(tied=True) if tied else made

    def _aftermath(self, at: float, made: Happened, ringing: Ringing) -> bool:
        """Arrange what will become of a sale later; tell whether anything will."""
        last, what = self.checkout.tills.store.closes * 3600, ringing.basket
        if self.checkout.tills.troubles.clock(ringing.till, at) is not None:
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
            self.agenda.add(later, lambda at: self.checkout.void(at, made.event, ringing, "rung up twice", goods_back=True))
            return True
        return False

    def _return_later(self, at: float, after_days: float, made: Happened, ringing: Ringing, twice: bool = False) -> bool:
        number, last = self.checkout.tills.day.number, self.checkout.tills.store.closes * 3600
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
        elif day < min(self.checkout.tills.world.options.days, number + LONGEST_RETURN_DAYS):
            self.returns.setdefault(day, []).extend((sold, again) for again in ((False, True) if twice else (False,)))
        return True

    def _bring_back(self, at: float, sold: Sold, again: bool, key: str) -> Iterator[Happened]:
        till = self.checkout.tills.till_for(len(key) % 2 / 2, at)
        links = {
            "original_event_id": sold.event_id,
            "original_receipt_id": sold.receipt_id,
            "original_approval_code": sold.approval,
            "original_approved_on": sold.approved_on,
        }
        made = self.checkout.refund(at, till, self.checkout.tills.roster.on_duty(at)[-1], sold.item, sold.tender, key, **links)
        self.checkout.shelf.put(sold.item.good.place, 0 if again else sold.item.quantity)
        if again:
            self.checkout.note("returns_over_remaining", made)
        yield made
