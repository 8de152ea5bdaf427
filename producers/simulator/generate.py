"""All records of a simulated chain in the order of their arrival, with ticks in between. Pure: the same options, the same bytes."""

from collections.abc import Iterator
from datetime import timedelta
from heapq import merge
from operator import attrgetter

from contracts.envelope import Event
from contracts.fields import Model
from producers.simulator.injected import Injected
from producers.simulator.options import SimulationOptions
from producers.simulator.receipts import Register
from producers.simulator.reference import promotions_announced, reference_data
from producers.simulator.store_days import StoreLife
from producers.simulator.world import SOURCE, SimulatedRecord, World
from producers.ticks import SimulatedTicks


def generate(options: SimulationOptions, injected: Injected | None = None) -> Iterator[SimulatedRecord]:
    """Yield reference data, then facts as they arrive; before each the ticks whose moment has come, and ticks at the end.

    The clock ends with the last simulated day, though facts of it are heard of later: nobody lives the next morning, and a clock that
    went through it would find every till silent.

    What is put in on purpose is noted in `injected` as it happens. Nothing is kept of days that are over.
    """
    world = World(options, injected)
    ticks = SimulatedTicks(f"{SOURCE}/{options.run}", timedelta(minutes=options.tick_minutes), options.partitions)
    yield from reference_data(world)
    end = world.calendar.start(0) + timedelta(days=options.days)
    for record in _arrivals(world):
        if options.ticks:
            yield from _ticks(ticks.before(min(record.arrival, end)))
        yield record
    if options.ticks:
        yield from _ticks(ticks.closing(end))


def _arrivals(world: World) -> Iterator[SimulatedRecord]:
    """Merge the lives of the stores, each of which is lived only as far as the others."""
    options = world.options
    register = Register.of(options.currency, options.country, world.goods)
    lives = (StoreLife(world, store, register).records() for store in world.stores)
    return merge(promotions_announced(world), *lives, key=attrgetter("arrival"))


def _ticks(due: Iterator[Event[Model]]) -> Iterator[SimulatedRecord]:
    for tick in due:
        yield SimulatedRecord(tick.envelope.occurred_at, tick, "tick")
