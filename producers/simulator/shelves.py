"""A day at the shelves of one store: counts before opening, write-offs, finds and waste while open, theft that nobody records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from random import Random

from contracts.events.registry import STOCK_ADJUSTED, STOCK_COUNTED, STOCK_WASTED
from contracts.events.stock import AdjustmentLine, CountLine, MovementLine, StockAdjusted, StockCounted, StockWasted
from contracts.fields import Model
from producers.simulator.agenda import Agenda
from producers.simulator.business_day import BusinessDay
from producers.simulator.faults import OUTAGE_DAYS
from producers.simulator.goods import GRAMS, Good
from producers.simulator.injected import Place
from producers.simulator.shelf import Shelf
from producers.simulator.streams import stream
from producers.simulator.unchecked import unchecked
from producers.simulator.world import Happened, SimulatedStore, World
from producers.simulator.writer import StoreWriter

SCANNER = "scanner"
COUNT_CYCLE_DAYS = 28
_SCARCE, _SHRINKAGE, _SPOILAGE = 0.15, 0.004, {"meal": 0.02, "fresh": 0.015}
"""Theft is 0.4 percent of the units of a day; the rest of the usual 1.6 percent is fraud, loss and process."""


@dataclass(slots=True)
class ShelfDay:
    """One store on one business date: everything is counted on the first and every four weeks, a few shelves on the others."""

    world: World
    store: SimulatedStore
    day: BusinessDay
    writer: StoreWriter
    shelf: Shelf

    def plan(self, agenda: Agenda) -> None:
        """Put the day's work on the agenda. Counts are made while the store is closed, after deliveries."""
        rng = stream(self.world.options.seed, "shelf", self.store.number, self.day.number)
        self._fail_deliveries()
        agenda.add(self.store.opens * 3600 - 1800, lambda at: self._count(at, rng))
        opens, closes = self.store.opens * 3600, self.store.closes * 3600
        for number in range(rng.randrange(2, 5)):
            agenda.add(rng.randrange(opens, closes), partial(self._adjust, number=number, rng=rng))
        agenda.add(closes - 1200 + rng.randrange(600), lambda at: self._waste(at, rng))
        for good in self._stolen(stream(self.world.options.seed, "theft", self.store.number, self.day.number)):
            agenda.add(rng.randrange(opens, closes), partial(self._vanish, good=good))

    def _fail_deliveries(self) -> None:
        rng = self.world.plan.on_day("stock_outs", self.store.number, self.day.number)
        if rng is None:
            return
        fast = sorted(self.world.goods, key=lambda good: -good.share)[:15]
        good = rng.choice(fast)
        if self.shelf.failing.get(good.place, 0) > self.day.number:
            return
        self.shelf.failing[good.place] = self.day.number + OUTAGE_DAYS
        begin = self.day.moment(self.store.opens * 3600)
        place = Place(self.store.store_id, begin, begin + timedelta(days=OUTAGE_DAYS), subject=good.sku, figures={"refused": 0})
        self.shelf.watched[good.place] = self.world.injected.note("stock_outs", place)

    def _count(self, at: float, rng: Random) -> Iterator[Happened]:
        if self.day.number == 0:
            self._fill(rng)
            self._run_out()
        everything = self.day.number % COUNT_CYCLE_DAYS == 0
        chosen = self.world.goods if everything else rng.sample(self.world.goods, 6)
        lines = tuple(
            unchecked(CountLine, line=number, sku=good.sku, quantity=self._counted(good)) for number, good in enumerate(chosen, 1)
        )
        sheet = f"{self.store.store_id}-{self.day.label}"
        content = unchecked(StockCounted, sheet_id=sheet, lines=lines, employee_id=self.store.employees[0])
        yield self.happened(at, STOCK_COUNTED, "count", content, sheet)

    def _fill(self, rng: Random) -> None:
        """Enough of most goods until deliveries come; of the scarce ones so little that they drop to their reorder point."""
        for good in self.world.goods:
            demand = good.daily_units * self.store.footfall
            ample = good.reorder_point + 10 + demand * (good.supplier.longest_wait + 2)
            scarce = good.reorder_point + max(1.0, demand * rng.uniform(0.2, 0.6))
            self.shelf.units[good.place] = round(scarce if rng.random() < _SCARCE else ample) * GRAMS

    def _run_out(self) -> None:
        """Goods that fail from the first day on begin with a few hours of demand; others run out by themselves."""
        for place, until in self.shelf.failing.items():
            if until == OUTAGE_DAYS:
                demand = self.world.goods[place].daily_units * self.store.footfall
                self.shelf.units[place] = min(self.shelf.units[place], max(1, round(demand * 0.3)) * GRAMS)

    def _counted(self, good: Good) -> Decimal:
        return Decimal(self.shelf.units[good.place]) / GRAMS

    def _adjust(self, at: float, number: int, rng: Random) -> Iterator[Happened]:
        good, units, found = rng.choice(self.world.goods), rng.randrange(1, 4) * GRAMS, rng.random() < 0.2
        reason = "found" if found else rng.choice(("write_off", "damaged", "spoilage"))
        if found:
            self.shelf.put(good.place, units)
            delta = units
        else:
            delta = -self.shelf.take_some(good.place, units)
        if delta:
            line = unchecked(AdjustmentLine, line=1, sku=good.sku, quantity_delta=Decimal(delta) / GRAMS)
            yield from self._document(at, STOCK_ADJUSTED, StockAdjusted, f"a{number}", reason, (line,))

    def _waste(self, at: float, rng: Random) -> Iterator[Happened]:
        """What may not be sold tomorrow is thrown away before closing."""
        lines: list[MovementLine] = []
        for good in self.world.goods:
            share = _SPOILAGE.get(good.category)
            if share is not None and rng.random() < 0.3:
                units = max(1, round(good.daily_units * self.store.footfall * share * 3 * rng.random())) * GRAMS
                if taken := self.shelf.take_some(good.place, units):
                    lines.append(unchecked(MovementLine, line=len(lines) + 1, sku=good.sku, quantity=Decimal(taken) / GRAMS))
        if lines:
            yield from self._document(at, STOCK_WASTED, StockWasted, "w", "expired", tuple(lines))

    def _stolen(self, rng: Random) -> Sequence[Good]:
        units = sum(good.daily_units for good in self.world.goods) * self.store.footfall * _SHRINKAGE
        return rng.choices(self.world.goods, k=round(units + rng.random() - 0.5) if units > 0.5 else int(rng.random() < units))

    def _vanish(self, _: float, good: Good) -> Iterator[Happened]:
        self.shelf.take_some(good.place, GRAMS)
        yield from ()

    def _document(
        self, at: float, event_type: str, model: type[StockAdjusted] | type[StockWasted], key: str, reason: str, lines: tuple[Model, ...]
    ) -> Iterator[Happened]:
        reference = f"{self.store.store_id}-{self.day.label}-{key}"
        person = self.store.employees[self.day.number % len(self.store.employees)]
        content = unchecked(model, reference=reference, reason=reason, lines=lines, employee_id=person)
        yield self.happened(at, event_type, key, content, reference)

    def happened(self, at: float, event_type: str, key: str, content: Model, subject: str) -> Happened:
        """Write an event of the scanner."""
        event = self.writer.write(self.day, at, event_type, key, content, SCANNER, subject)
        return Happened(event.envelope.occurred_at, event, SCANNER)
