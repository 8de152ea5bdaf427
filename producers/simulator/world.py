"""The simulated chain: stores, goods, people, policies, and how a moment or an event of it is written."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import ceil
from random import Random
from typing import Literal, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.business_time import business_date, in_zone
from contracts.envelope import CHAIN_WIDE, Envelope, Event
from contracts.events.reference import EmployeeDefined, NoShowPolicy, PolicySet, ReorderPointPolicy, SkuDefined, StoreDefined
from contracts.events.registry import EMPLOYEE_DEFINED, POLICY_SET, SKU_DEFINED, STORE_DEFINED
from contracts.fields import Model
from contracts.identifiers import derived_id
from contracts.money import minor_digits
from producers.simulator.options import SimulationOptions

Route = Literal["facts", "store_version", "chain_wide", "reference", "tick"]
Content = TypeVar("Content", bound=Model)
SOURCE = "simulator"
RECEIPTS_A_DAY = 600
LINES_A_RECEIPT = 1.98
UNITS_A_LINE = 1.18
EMPLOYEES = 8
GRACE_MINUTES = 10

_GOODS = {
    "meal": "Kimbap tuna, Kimbap beef, Triangle rice spicy, Triangle rice mayo, Lunch box pork, Lunch box chicken, Cup noodle hot, "
    "Cup noodle mild, Sandwich egg, Sandwich ham, Hot bar, Dumplings",
    "drink": "Water 500, Water 2L, Cola 355, Cola zero 355, Americano ice, Americano hot, Latte cup, Banana milk, Milk 500, Green tea, "
    "Barley tea, Energy drink, Orange juice, Sports drink",
    "snack": "Shrimp chips, Potato chips, Honey chips, Choco pie, Choco sticks, Gum mint, Candy lemon, Jelly bears, Nuts mix, "
    "Seaweed snack, Ice bar melon, Ice cream cup",
    "daily": "Umbrella, Mask 5, Tissue, Toothbrush, Battery AA, Charger cable, Socks, Razor, Shampoo mini, Wet wipes",
    "fresh": "Sweet potato, Apple 1, Egg 10, Tofu, Salad cup, Yogurt, Cheese stick, Rice 1kg, Kimchi 200, Sausage",
}
_WEIGHED = "Sweet potato"


@dataclass(frozen=True, slots=True)
class Good:
    """Something sold: `share` of all lines, daily demand of an average store, and when to reorder."""

    sku: str
    name: str
    category: str
    unit_price: Decimal
    by_weight: bool
    share: float
    daily_units: float
    reorder_point: int
    order_up_to: int


@dataclass(frozen=True, slots=True)
class SimulatedStore:
    """A store: opening hours are hours after midnight of the business date, above 24 on the next day."""

    store_id: str
    name: str
    opens: int
    closes: int
    footfall: float
    employees: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SimulatedRecord:
    """An event as it reaches the log: when, by which way, and whether it was sent before."""

    arrival: datetime
    event: Event[Model]
    route: Route = "facts"
    repeat: bool = False


def rng_of(options: SimulationOptions, *parts: object) -> Random:
    """Return a source of numbers for one part of the world, so that parts do not disturb each other."""
    return Random("/".join(map(str, (options.seed, *parts))))  # noqa: S311 - a simulation, not a secret


class World:
    """The chain that the options describe, and the writer of its events."""

    def __init__(self, options: SimulationOptions) -> None:
        self.options = options
        self._zone = ZoneInfo(options.timezone)
        self.goods = _goods(options)
        self.stores = tuple(_store(options, number) for number in range(1, options.stores + 1))

    def wall(self, day: date, seconds: float) -> datetime:
        """Return the moment that is so many wall clock seconds after the midnight of a day, with the local offset."""
        local = datetime.combine(day, time()) + timedelta(seconds=seconds)
        return in_zone(local.replace(tzinfo=self._zone).astimezone(UTC), self.options.timezone)

    def day_start(self, number: int) -> datetime:
        """Return when the business date of a day (0 is the first) begins."""
        return self.wall(self.options.start + timedelta(days=number), self.options.cut_off_hour * 3600)

    def event_id(self, *parts: object) -> UUID:
        """Derive the id of something in this world."""
        return derived_id(SOURCE, self.options.run, *map(str, parts))

    def fact(
        self, event_id: UUID, event_type: str, store: SimulatedStore, at: datetime, data: Content, device: str, subject: str | None = None
    ) -> Event[Content]:
        """Write a fact or a correction of a store."""
        day = business_date(at, self.options.timezone, self.options.cut_off_hour)
        envelope = Envelope(
            id=event_id,
            source=f"{SOURCE}/{store.store_id}/{device}",
            type=event_type,
            occurred_at=at,
            subject=subject,
            tenant_id=self.options.tenant,
            store_id=store.store_id,
            business_date=day,
            device_id=device,
            store_version=1,
        )
        return Event(envelope, data)

    def reference_data(self) -> Iterator[SimulatedRecord]:
        """Yield stores, people, goods and policies, all in force before the first day begins."""
        effective = self.day_start(0) - timedelta(hours=1)
        for store in self.stores:
            yield self._version(effective, STORE_DEFINED, store.store_id, self._store_version(store, effective), "store_version")
            for employee in store.employees:
                content: Model = EmployeeDefined(version=1, effective_from=effective, employee_id=employee, store_id=store.store_id)
                yield self._version(effective, EMPLOYEE_DEFINED, store.store_id, content, "store_version", employee)
        for good in self.goods:
            content = SkuDefined(
                version=1,
                effective_from=effective,
                sku=good.sku,
                name=good.name,
                category=good.category,
                unit="kg" if good.by_weight else "piece",
            )
            yield self._version(effective, SKU_DEFINED, CHAIN_WIDE, content, "reference", good.sku)
        for sku, parameters in self._policies():
            content = PolicySet(version=1, effective_from=effective, scope_sku=sku, parameters=parameters)
            yield self._version(effective, POLICY_SET, CHAIN_WIDE, content, "chain_wide", f"{parameters.policy}/{sku}")

    def _policies(self) -> Iterator[tuple[str | None, ReorderPointPolicy | NoShowPolicy]]:
        yield None, NoShowPolicy(grace_minutes=GRACE_MINUTES)
        for good in self.goods:
            yield good.sku, ReorderPointPolicy(reorder_point=Decimal(good.reorder_point), order_up_to=Decimal(good.order_up_to))

    def _store_version(self, store: SimulatedStore, effective: datetime) -> StoreDefined:
        options = self.options
        return StoreDefined(
            version=1,
            effective_from=effective,
            store_id=store.store_id,
            name=store.name,
            timezone=options.timezone,
            currency=options.currency,
            country=options.country,
            cut_off_hour=options.cut_off_hour,
            head_count=len(store.employees),
            tills=("T1", "T2"),
        )

    def _version(self, at: datetime, event_type: str, store_id: str, content: Model, route: Route, subject: str = "") -> SimulatedRecord:
        envelope = Envelope(
            id=self.event_id(event_type, store_id, subject, 1),
            source=SOURCE,
            type=event_type,
            occurred_at=at,
            tenant_id=self.options.tenant,
            store_id=store_id,
        )
        return SimulatedRecord(at, Event(envelope, content), route)


def _store(options: SimulationOptions, number: int) -> SimulatedStore:
    rng = rng_of(options, "store", number)
    late = number % 2 == 0
    return SimulatedStore(
        store_id=f"{options.tenant}-{number:03}",
        name=f"Store {number:03}",
        opens=6 if late else 7,
        closes=26 if late else 24,
        footfall=round(rng.uniform(0.7, 1.3), 3),
        employees=tuple(f"e-{number:03}-{person:02}" for person in range(1, EMPLOYEES + 1)),
    )


def _goods(options: SimulationOptions) -> tuple[Good, ...]:
    rng = rng_of(options, "goods")
    step = 100 * 10 ** minor_digits(options.currency) if minor_digits(options.currency) == 0 else 1
    names = [(category, name) for category, listed in _GOODS.items() for name in listed.split(", ")]
    weights = [1 / (rank + 3) for rank in range(len(names))]
    rng.shuffle(weights)
    units = RECEIPTS_A_DAY * options.scale * LINES_A_RECEIPT * UNITS_A_LINE
    goods = []
    for number, ((category, name), weight) in enumerate(zip(names, weights, strict=True), 1):
        share = weight / sum(weights)
        point = ceil(units * share * 0.6) + 2
        price = Decimal(rng.randint(8, 89) * step) if step > 1 else Decimal(rng.randint(80, 1290)).scaleb(-2)
        goods.append(Good(f"{number:05}", name, category, price, name == _WEIGHED, share, units * share, point, point * 3))
    return tuple(goods)
