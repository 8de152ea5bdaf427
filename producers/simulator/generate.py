"""All records of a simulated chain in the order of their arrival, with ticks in between. Pure: the same options, the same bytes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from contracts.envelope import Event
from contracts.fields import Model
from producers.simulator.options import SimulationOptions
from producers.simulator.roster import RosterDay
from producers.simulator.shelves import Shelf, ShelfDay
from producers.simulator.tills import TillDay, TillMemory
from producers.simulator.world import SOURCE, SimulatedRecord, World, rng_of
from producers.ticks import SimulatedTicks

_LATEST_REPEAT_SECONDS = 6 * 3600


def generate(options: SimulationOptions) -> Iterator[SimulatedRecord]:
    """Yield reference data, then facts as they arrive; before each the ticks whose moment has come, and ticks at the end."""
    world = World(options)
    ticks = SimulatedTicks(f"{SOURCE}/{options.run}", timedelta(minutes=options.tick_minutes), options.partitions)
    yield from world.reference_data()
    last = world.day_start(0)
    for record in _arrivals(world):
        yield from _ticks(options, ticks.before(record.arrival))
        yield record
        last = record.arrival
    yield from _ticks(options, ticks.closing(max(last, world.day_start(options.days))))


def _ticks(options: SimulationOptions, due: Iterator[Event[Model]]) -> Iterator[SimulatedRecord]:
    if options.ticks:
        for tick in due:
            yield SimulatedRecord(tick.envelope.occurred_at, tick, "tick")


def _arrivals(world: World) -> Iterator[SimulatedRecord]:
    """Facts of all stores by arrival; what arrives after its day's end waits for the next day's."""
    memories = {store.store_id: (TillMemory(), Shelf()) for store in world.stores}
    waiting: list[SimulatedRecord] = []
    for number in range(world.options.days):
        facts = [record for store in world.stores for record in _store_day(world, store.store_id, number, *memories[store.store_id])]
        waiting += facts
        waiting += _repeats(world, number, facts)
        waiting.sort(key=lambda record: (record.arrival, record.event.id.int, record.repeat))
        end = world.day_start(number + 1)
        due = sum(record.arrival < end for record in waiting)
        yield from waiting[:due]
        del waiting[:due]
    yield from waiting


def _store_day(world: World, store_id: str, number: int, memory: TillMemory, shelf: Shelf) -> Iterator[SimulatedRecord]:
    store = next(store for store in world.stores if store.store_id == store_id)
    yield from RosterDay(world, store, number).records()
    yield from ShelfDay(world, store, number, shelf).records()
    for record in TillDay(world, store, number, memory).records():
        shelf.see(record.event)
        yield record


def _repeats(world: World, number: int, facts: list[SimulatedRecord]) -> Iterator[SimulatedRecord]:
    """Senders that saw no answer send again: the same event, up to hours later."""
    rng = rng_of(world.options, "repeats", number)
    for record in facts:
        if rng.random() < world.options.duplicate_share:
            later = timedelta(seconds=rng.uniform(5, _LATEST_REPEAT_SECONDS))
            yield replace(record, arrival=record.arrival + later, repeat=True)
