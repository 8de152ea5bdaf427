"""The life of one store, day after day: the parts of a day put together, and its records in the order of their arrival."""

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count

from producers.simulator.agenda import Agenda
from producers.simulator.business_day import BusinessDay
from producers.simulator.checkout import Checkout
from producers.simulator.corrections import corrections
from producers.simulator.fraud import Fraud
from producers.simulator.receipts import Register
from producers.simulator.roster import RosterDay
from producers.simulator.sales import Returns, SalesDay
from producers.simulator.sending import Sending
from producers.simulator.shelf import Shelf
from producers.simulator.shelves import ShelfDay
from producers.simulator.supplies import SupplyDay
from producers.simulator.tills import Tills
from producers.simulator.troubles import Troubles, troubles_of
from producers.simulator.world import Happened, SimulatedRecord, SimulatedStore, World
from producers.simulator.writer import StoreWriter


class StoreLife:
    """What a store remembers from day to day: its shelves, the numbers of its devices, and what will be brought back."""

    def __init__(self, world: World, store: SimulatedStore, register: Register) -> None:
        self._world, self._store, self._register = world, store, register
        self._writer = StoreWriter(world, store)
        self._shelf = Shelf(world.goods)
        self._returns: Returns = {}

    def records(self) -> Iterator[SimulatedRecord]:
        """Yield the store's records by arrival; only what is still on its way is held."""
        waiting: list[tuple[object, int, SimulatedRecord]] = []
        order = count()
        for number in range(self._world.options.days):
            day = self._world.calendar.day(number)
            troubles = troubles_of(self._world, self._store, day)
            sending = Sending(self._world, self._store, day, troubles)
            for made in self._happenings(day, troubles):
                while waiting and waiting[0][2].arrival <= made.at:
                    yield heappop(waiting)[2]
                for record in sending.send(made):
                    heappush(waiting, (record.arrival, next(order), record))
        while waiting:
            yield heappop(waiting)[2]

    def _happenings(self, day: BusinessDay, troubles: Troubles) -> Iterator[Happened]:
        world, store, writer, agenda = self._world, self._store, self._writer, Agenda()
        roster = RosterDay(world, store, day, writer)
        roster.plan(agenda)
        shelves = ShelfDay(world, store, day, writer, self._shelf)
        SupplyDay(shelves).plan(agenda)
        shelves.plan(agenda)
        tills = Tills(world, store, day, writer, roster, troubles, self._register.note)
        tills.plan(agenda)
        fraud = Fraud(agenda)
        sales = SalesDay(Checkout(tills, self._shelf, self._register), self._returns, agenda, fraud.watch)
        sales.plan()
        fraud.plan(sales)
        agenda.add(store.closes * 3600 + 900, lambda at: corrections(at, sales))
        return sales.happenings()
