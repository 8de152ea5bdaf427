"""The simulated chain: its stores and people, and the records that go to the log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from contracts.envelope import Event
from contracts.fields import Model
from producers.simulator.business_day import Calendar
from producers.simulator.goods import goods_of
from producers.simulator.injected import Injected
from producers.simulator.options import SimulationOptions
from producers.simulator.seasons import Neighbourhood
from producers.simulator.streams import stream

Route = Literal["facts", "store_version", "chain_wide", "tick"]
SOURCE = "simulator"
EMPLOYEES = 8
GRACE_MINUTES = 10
TILLS = ("T1", "T2")


@dataclass(frozen=True, slots=True)
class SimulatedStore:
    """A store: opening hours are hours after midnight of the business date, above 24 on the next day."""

    number: int
    store_id: str
    name: str
    opens: int
    closes: int
    footfall: float
    neighbourhood: Neighbourhood
    employees: tuple[str, ...]


class Happened(NamedTuple):
    """An event as a device of a store made it, at the true time.

    `heard` is when it is heard of where that is settled already. `undoes` is the event that a correction takes the place of.
    `tied`: other events refer to it, so that it must not be lost.
    """

    at: datetime
    event: Event[Model]
    device: str
    heard: datetime | None = None
    undoes: Event[Model] | None = None
    tied: bool = False


class SimulatedRecord(NamedTuple):
    """An event as it reaches the log: when, by which way, and whether it was sent before, perhaps with other content."""

    arrival: datetime
    event: Event[Model]
    route: Route = "facts"
    repeat: bool = False
    conflict: bool = False
    undoes: Event[Model] | None = None


class World:
    """The chain that the options describe."""

    def __init__(self, options: SimulationOptions, injected: Injected | None = None) -> None:
        self.options = options
        self.run = options.run
        self.plan = options.plan
        self.injected = Injected() if injected is None else injected
        self.goods = goods_of(options)
        self.calendar = Calendar(options, self.goods)
        self.stores = tuple(_store(options, number) for number in range(1, options.stores + 1))
        self.in_transit: dict[str, tuple[tuple[int, int], ...]] = {}
        """Goods under way between stores, by transfer: places and quantities in thousandths."""


def _store(options: SimulationOptions, number: int) -> SimulatedStore:
    rng = stream(options.seed, "store", number)
    kinds: tuple[Neighbourhood, ...] = ("mixed", "office", "homes")
    opens, closes = (11, 27) if number % 5 == 0 else (6, 26) if number % 2 == 0 else (7, 24)
    return SimulatedStore(
        number=number,
        store_id=f"{options.tenant}-{number:03}",
        name=f"Store {number:03}",
        opens=opens,
        closes=closes,
        footfall=round(rng.uniform(0.7, 1.3), 3),
        neighbourhood=rng.choice(kinds),
        employees=tuple(f"e-{number:03}-{person:02}" for person in range(1, EMPLOYEES + 1)),
    )
