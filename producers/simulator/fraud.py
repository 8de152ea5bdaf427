"""Dishonest cashiers: refunds of nothing, voids after cash sales, drawers opened, the id of a colleague used. No goods move."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random

from contracts.events.sales import SaleCompleted
from producers.simulator.agenda import Agenda
from producers.simulator.baskets import Item
from producers.simulator.checkout import Ringing
from producers.simulator.goods import GRAMS
from producers.simulator.injected import Place
from producers.simulator.sales import SalesDay
from producers.simulator.streams import stream
from producers.simulator.tills import Tills
from producers.simulator.world import TILLS, Happened

_LEAST_SECONDS, _MOST_SECONDS, _MOST_VOIDS = 60, 280, 6
"""A fraudulent void follows within five minutes of its sale."""
SLOW_DAYS = 28


@dataclass(slots=True)
class Fraud:
    """The frauds of one store and day, each kind by the person on duty in the middle of the day."""

    agenda: Agenda
    void_of: dict[str, tuple[Random, Place]] = field(default_factory=dict)

    def plan(self, sales: SalesDay) -> None:
        """Put refunds and drawer openings on the agenda, and choose whose cash sales are voided."""
        for kind in ("fraud_refunds", "fraud_drawers", "fraud_voids"):
            rng = sales.checkout.tills.world.plan.on_day(kind, sales.checkout.tills.store.number, sales.checkout.tills.day.number)
            if rng is not None:
                self._commit(kind, rng, sales)
        self._borrow(sales)
        self._go_on(sales)

    def _borrow(self, sales: SalesDay) -> None:
        """Refund and open the drawer as somebody who does not work on this day."""
        tills = sales.checkout.tills
        store, day = tills.store, tills.day
        rng = tills.world.plan.on_day("fraud_logins", store.number, day.number)
        if rng is None:
            return
        here = {person for hour in range(store.opens, store.closes) for person in tills.roster.on_duty(hour * 3600.0 + 1800)}
        begin, absent = rng.uniform(store.opens + 1, store.closes - 4) * 3600, [each for each in store.employees if each not in here]
        if not absent:
            return
        place = Place(store.store_id, day.moment(begin), day.moment(begin + 3600), subject=rng.choice(absent))
        tills.world.injected.note("fraud_logins", place)
        till = rng.choice(TILLS)
        for number in range(rng.randrange(1, 4)):
            item, key = Item(rng.choice(tills.world.goods), GRAMS), f"login/{number}"
            self.agenda.add(begin + rng.uniform(0, 3600), partial(_refund, sales=sales, till=till, item=item, key=key, place=place))
            self.agenda.add(begin + rng.uniform(0, 3600), partial(_drawer, tills=tills, till=till, key=f"{key}/drawer", place=place))

    def _go_on(self, sales: SalesDay) -> None:
        """Pay out the day's refund of every slow fraud that began within four weeks, where its cashier is there."""
        tills = sales.checkout.tills
        store, day = tills.store, tills.day
        for first in range(max(0, day.number - SLOW_DAYS + 1), day.number + 1):
            rng = tills.world.plan.on_day("fraud_slowly", store.number, first)
            if rng is None:
                continue
            cashier, today = rng.choice(store.employees), stream(tills.world.options.seed, "slow", store.number, first, day.number)
            begin, end = day.moment(store.opens * 3600.0), day.moment(store.closes * 3600.0)
            place = Place(store.store_id, begin, end, subject=cashier, figures={"first_day": first})
            if first == day.number:
                tills.world.injected.note("fraud_slowly", place)
            hours = [hour for hour in range(store.opens, store.closes) if cashier in tills.roster.on_duty(hour * 3600.0 + 1800)]
            if hours:
                at, item = today.choice(hours) * 3600.0 + 1800, Item(today.choice(tills.world.goods), GRAMS * today.randrange(1, 4))
                till, key = today.choice(TILLS), f"slow/{first}"
                self.agenda.add(at, partial(_refund, sales=sales, till=till, item=item, key=key, place=place))

    def _commit(self, kind: str, rng: Random, sales: SalesDay) -> None:
        tills = sales.checkout.tills
        opens, closes = tills.store.opens, tills.store.closes
        begin = rng.uniform(opens + 2, (opens + closes) / 2) * 3600
        cashier = tills.roster.on_duty(begin)[-1]
        place = Place(tills.store.store_id, tills.day.moment(begin), tills.day.moment(begin + 5 * 3600), subject=cashier)
        tills.world.injected.note(kind, place)
        if kind == "fraud_voids":
            self.void_of[cashier] = rng, place
            return
        till = rng.choice(TILLS)
        for number in range(rng.randrange(8, 15) if kind == "fraud_drawers" else rng.randrange(4, 8)):
            at = begin + rng.uniform(0, 5 * 3600)
            if kind == "fraud_drawers":
                self.agenda.add(at, partial(_drawer, tills=tills, till=till, key=f"fraud/{number}", place=place))
            else:
                item = Item(rng.choice(tills.world.goods), GRAMS * rng.randrange(1, 4))
                self.agenda.add(at, partial(_refund, sales=sales, till=till, item=item, key=f"fraud/{number}", place=place))

    def watch(self, at: float, made: Happened, ringing: Ringing, sales: SalesDay) -> bool:
        """Void a cash sale of the dishonest cashier minutes after it; tell whether that will happen."""
        fraud = self.void_of.get(ringing.cashier)
        sale = made.event.data
        if fraud is None or not isinstance(sale, SaleCompleted) or sale.tenders[0].kind != "cash":
            return False
        rng, place = fraud
        later, chance = at + rng.uniform(_LEAST_SECONDS, _MOST_SECONDS), rng.random()
        full = place.figures.get("voids", 0) >= _MOST_VOIDS
        if full or chance > 0.7 or made.at < place.at or later >= sales.checkout.tills.store.closes * 3600:
            return False
        place.figures["voids"] = place.figures.get("voids", 0) + 1
        undone = "customer changed mind"
        self.agenda.add(later, lambda at: _noted(place, sales.checkout.void(at, made.event, ringing, undone, goods_back=False)))
        return True


def _drawer(at: float, tills: Tills, till: str, key: str, place: Place) -> Iterator[Happened]:
    return _noted(place, tills.open_drawer(at, till, key, "change", place.subject))


def _refund(at: float, sales: SalesDay, till: str, item: Item, key: str, place: Place) -> Iterator[Happened]:
    return _noted(place, [sales.checkout.refund(at, till, place.subject or "", item, "cash", key)])


def _noted(place: Place, happened: Iterable[Happened]) -> Iterator[Happened]:
    for made in happened:
        place.event_ids.append(str(made.event.id))
        yield made
