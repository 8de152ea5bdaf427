"""How goods come to a store and go to others: orders in the evening, deliveries before the count, transfers between neighbours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from math import ceil

from contracts.events.registry import STOCK_ORDERED, STOCK_RECEIVED, STOCK_TRANSFERRED_IN, STOCK_TRANSFERRED_OUT
from contracts.events.stock import (
    MovementLine,
    OrderedLine,
    ReceivedLine,
    StockOrdered,
    StockReceived,
    StockTransferredIn,
    StockTransferredOut,
)
from contracts.money import to_major
from producers.simulator.agenda import Agenda
from producers.simulator.goods import GRAMS, SUPPLIERS, Good, Supplier
from producers.simulator.shelf import Order
from producers.simulator.shelves import ShelfDay
from producers.simulator.streams import stream
from producers.simulator.unchecked import unchecked
from producers.simulator.world import Happened, SimulatedStore, World

_TRANSFER_CHANCE, _LATE_CHANCE = 0.25, 0.05
_OUT_SECONDS, _IN_SECONDS = 15 * 3600, 13 * 3600


@dataclass(slots=True)
class SupplyDay:
    """Orders, deliveries and transfers of one store on one business date."""

    shelves: ShelfDay

    def plan(self, agenda: Agenda) -> None:
        """Put deliveries and transfers on the agenda, and the orders at the end of trade."""
        store, number = self.shelves.store, self.shelves.day.number
        due = [order for order in self.shelves.shelf.orders if order.day <= number]
        self.shelves.shelf.orders = [order for order in self.shelves.shelf.orders if order.day > number]
        for place, order in enumerate(due):
            agenda.add(store.opens * 3600 - 3000 + place * 120, partial(self._receive, order=order))
        agenda.add(store.closes * 3600 - 60, self._order)
        agenda.add(_OUT_SECONDS, self._send)
        agenda.add(_IN_SECONDS, self._take_in)

    def _order(self, at: float) -> Iterator[Happened]:
        day = self.shelves.day
        coming = self.shelves.shelf.on_order()
        for supplier in SUPPLIERS:
            if day.date.weekday() not in supplier.weekdays:
                continue
            wanted = ((good.place, self._wanted(good, coming)) for good in self.shelves.world.goods if good.supplier is supplier)
            lines = tuple((place, quantity) for place, quantity in wanted if quantity)
            if lines:
                yield self._place(at, supplier, lines)

    def _place(self, at: float, supplier: Supplier, lines: tuple[tuple[int, int], ...]) -> Happened:
        store, day = self.shelves.store, self.shelves.day
        rng = stream(self.shelves.world.options.seed, "lead", store.number, day.number, supplier.supplier_id)
        arrives = day.number + supplier.lead_days + (1 if rng.random() < _LATE_CHANCE else 0)
        number = f"PO-{store.store_id}-{day.label}-{supplier.supplier_id}"
        self.shelves.shelf.orders.append(Order(arrives, supplier.supplier_id, number, lines))
        content = unchecked(
            StockOrdered,
            purchase_order_id=number,
            supplier_id=supplier.supplier_id,
            expected_on=day.date + timedelta(days=supplier.lead_days),
            currency=self.shelves.world.options.currency,
            lines=tuple(self._ordered(place, count, quantity) for count, (place, quantity) in enumerate(lines, 1)),
            employee_id=store.employees[0],
        )
        return self.shelves.happened(at, STOCK_ORDERED, number, content, number)

    def _ordered(self, place: int, number: int, quantity: int) -> OrderedLine:
        world = self.shelves.world
        good = world.goods[place]
        cost = to_major(good.cost, world.options.currency)
        return unchecked(OrderedLine, line=number, sku=good.sku, quantity=Decimal(quantity) / GRAMS, unit_cost=cost)

    def _wanted(self, good: Good, coming: dict[int, int]) -> int:
        """Order up to the demand until the delivery after this one, and two days more; in packs, and not after every sale."""
        demand = good.daily_units * self.shelves.store.footfall * max(1.0, self.shelves.day.offers[0].factors[good.place])
        level = (demand * (good.supplier.longest_wait + 2) + good.reorder_point + 2) * GRAMS
        missing = level - self.shelves.shelf.units[good.place] - coming.get(good.place, 0)
        if missing < max(demand * 0.5, 1) * GRAMS:
            return 0
        return ceil(missing / GRAMS / good.pack) * good.pack * GRAMS

    def _receive(self, at: float, order: Order) -> Iterator[Happened]:
        shelf, day = self.shelves.shelf, self.shelves.day
        arrived = [row for row in order.lines if shelf.failing.get(row[0], 0) <= day.number]
        if not arrived:
            return
        lines = []
        for number, (place, quantity) in enumerate(arrived, 1):
            shelf.put(place, quantity)
            lines.append(self._line(self.shelves.world.goods[place], number, quantity))
        delivery = f"D-{order.number}"
        content = unchecked(
            StockReceived,
            delivery_id=delivery,
            supplier_id=order.supplier_id,
            purchase_order_id=order.number,
            currency=self.shelves.world.options.currency,
            lines=tuple(lines),
            employee_id=self.shelves.store.employees[0],
        )
        yield self.shelves.happened(at, STOCK_RECEIVED, order.number, content, delivery)

    def _line(self, good: Good, number: int, quantity: int) -> ReceivedLine:
        life = good.shelf_life_days
        return unchecked(
            ReceivedLine,
            line=number,
            sku=good.sku,
            quantity=Decimal(quantity) / GRAMS,
            unit_cost=to_major(good.cost, self.shelves.world.options.currency),
            expires_on=self.shelves.day.date + timedelta(days=life) if life else None,
        )

    def _send(self, at: float) -> Iterator[Happened]:
        """Lend a neighbour what it may need; it arrives a day later, after everybody has lived through today."""
        day, world = self.shelves.day, self.shelves.world
        receiver = _receiver(world, self.shelves.store, day.number)
        if receiver is None:
            return
        rng = stream(world.options.seed, "transfer", self.shelves.store.number, day.number)
        chosen = [(good, max(1, round(good.daily_units * rng.uniform(0.1, 0.4))) * GRAMS) for good in rng.sample(world.goods, 2)]
        sent = [(good.place, taken) for good, units in chosen if (taken := self.shelves.shelf.take_some(good.place, units))]
        if sent:
            transfer = _transfer_id(self.shelves.store, day.number)
            world.in_transit[transfer] = tuple(sent)
            yield self._side(at, STOCK_TRANSFERRED_OUT, StockTransferredOut, transfer, receiver, sent)

    def _take_in(self, at: float) -> Iterator[Happened]:
        world, store, yesterday = self.shelves.world, self.shelves.store, self.shelves.day.number - 1
        sender = _neighbour(world, store)
        if sender is None or _receiver(world, sender, yesterday) is None:
            return
        transfer = _transfer_id(sender, yesterday)
        goods = world.in_transit.pop(transfer, ())
        for place, quantity in goods:
            self.shelves.shelf.put(place, quantity)
        if goods:
            yield self._side(at, STOCK_TRANSFERRED_IN, StockTransferredIn, transfer, sender, list(goods))

    def _side(
        self,
        at: float,
        event_type: str,
        model: type[StockTransferredIn] | type[StockTransferredOut],
        transfer: str,
        other: SimulatedStore,
        goods: list[tuple[int, int]],
    ) -> Happened:
        lines = tuple(
            unchecked(MovementLine, line=number, sku=self.shelves.world.goods[place].sku, quantity=Decimal(units) / GRAMS)
            for number, (place, units) in enumerate(goods, 1)
        )
        content = unchecked(
            model, transfer_id=transfer, other_store_id=other.store_id, lines=lines, employee_id=self.shelves.store.employees[1]
        )
        return self.shelves.happened(at, event_type, transfer, content, transfer)


def _neighbour(world: World, store: SimulatedStore) -> SimulatedStore | None:
    number = store.number + 1 if store.number % 2 else store.number - 1
    return world.stores[number - 1] if number <= len(world.stores) else None


def _receiver(world: World, sender: SimulatedStore, day: int) -> SimulatedStore | None:
    """Return who gets goods of a store on a day; both sides work it out for themselves."""
    happens = stream(world.options.seed, "transfers", sender.number, day).random() < _TRANSFER_CHANCE
    return _neighbour(world, sender) if happens and day >= 0 else None


def _transfer_id(sender: SimulatedStore, day: int) -> str:
    return f"X-{sender.store_id}-{day}"
