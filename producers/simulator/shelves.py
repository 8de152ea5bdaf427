"""A day at the shelves of one store: counts before opening, write-offs and finds while open."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from contracts.envelope import Event
from contracts.events.registry import STOCK_ADJUSTED, STOCK_COUNTED
from contracts.events.sales import SaleCompleted, SaleReturned
from contracts.events.stock import AdjustmentLine, CountLine, StockAdjusted, StockCounted
from contracts.fields import Model
from producers.simulator.world import Good, SimulatedRecord, SimulatedStore, World, rng_of

_DEVICE = "scanner"
_SCARCE = 0.15


class Shelf:
    """What the store's people believe is on the shelf; it only makes later counts plausible."""

    def __init__(self) -> None:
        self.units: defaultdict[str, Decimal] = defaultdict(Decimal)

    def see(self, event: Event[Model]) -> None:
        """Follow sales and returns roughly."""
        data = event.data
        if isinstance(data, SaleCompleted | SaleReturned):
            direction = -1 if isinstance(data, SaleCompleted) else 1
            for line in data.lines:
                if line.kind == "item":
                    self.units[line.sku] += direction * line.quantity


class ShelfDay:
    """One store on one business date: everything is counted on the first, some shelves on the others."""

    def __init__(self, world: World, store: SimulatedStore, number: int, shelf: Shelf) -> None:
        self._world, self._store, self._number, self._shelf = world, store, number, shelf
        self._day = world.options.start + timedelta(days=number)
        self._rng = rng_of(world.options, "shelf", store.store_id, number)

    def records(self) -> Iterator[SimulatedRecord]:
        """Yield the counts of the morning, then adjustments through the day."""
        at = self._world.wall(self._day, self._store.opens * 3600 - 1800)
        lines = self._opening() if self._number == 0 else self._later()
        self._shelf.units.update({good.sku: units for good, units in lines.items()})
        content = StockCounted(
            sheet_id=f"{self._store.store_id}-{self._day:%Y%m%d}",
            lines=tuple(CountLine(line=place, sku=good.sku, quantity=units) for place, (good, units) in enumerate(lines.items(), 1)),
            employee_id=self._store.employees[0],
        )
        yield self._record(STOCK_COUNTED, "count", at, content, content.sheet_id)
        for number in range(self._rng.randrange(3, 7)):
            yield self._adjustment(number)

    def _opening(self) -> dict[Good, Decimal]:
        """Enough of most goods for all days; of the scarce ones so little that they drop to their reorder point."""
        rng, days = self._rng, self._world.options.days
        units = {}
        for good in self._world.goods:
            demand = good.daily_units * self._store.footfall
            ample = good.reorder_point + 10 + demand * days * 1.6
            scarce = good.reorder_point + max(1.0, demand * rng.uniform(0.2, 0.6))
            units[good] = Decimal(round(scarce if rng.random() < _SCARCE else ample))
        return units

    def _later(self) -> dict[Good, Decimal]:
        """Half of the goods at their reorder point were delivered overnight; a few others are counted for control."""
        rng, units = self._rng, self._shelf.units
        low = [good for good in self._world.goods if units[good.sku] <= good.reorder_point]
        counted = {good: Decimal(good.order_up_to + rng.randrange(4)) for good in low if rng.random() < 0.5}
        for good in rng.sample(self._world.goods, 6):
            counted.setdefault(good, max(Decimal(0), units[good.sku] - rng.randrange(3)).quantize(Decimal(1)))
        return counted

    def _adjustment(self, number: int) -> SimulatedRecord:
        rng = self._rng
        at = self._world.wall(self._day, rng.randrange(self._store.opens * 3600, self._store.closes * 3600))
        good, units = rng.choice(self._world.goods), rng.randrange(1, 5)
        found = rng.random() < 0.2
        delta = Decimal(units if found else -units)
        self._shelf.units[good.sku] += delta
        reference = f"{self._store.store_id}-{self._day:%Y%m%d}-a{number}"
        content = StockAdjusted(
            reference=reference,
            reason="found" if found else rng.choice(("write_off", "damaged", "spoilage")),
            lines=(AdjustmentLine(line=1, sku=good.sku, quantity_delta=delta),),
            employee_id=rng.choice(self._store.employees),
        )
        return self._record(STOCK_ADJUSTED, f"adjustment/{number}", at, content, reference)

    def _record(self, event_type: str, key: str, at: datetime, content: Model, subject: str) -> SimulatedRecord:
        event_id = self._world.event_id(event_type, self._store.store_id, self._day, key)
        event = self._world.fact(event_id, event_type, self._store, at, content, _DEVICE, subject)
        return SimulatedRecord(at + timedelta(seconds=2), event)
