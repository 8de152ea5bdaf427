"""The reference data of the simulated chain: stores, people, goods, suppliers, policies, and promotions before they begin."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal

from contracts.envelope import CHAIN_WIDE, Envelope, Event
from contracts.events.reference import (
    WEEKDAYS,
    EmployeeDefined,
    OpeningHours,
    PolicySet,
    PromotionDefined,
    SkuDefined,
    StoreDefined,
    SupplierDefined,
)
from contracts.events.registry import EMPLOYEE_DEFINED, POLICY_SET, PROMOTION_DEFINED, SKU_DEFINED, STORE_DEFINED, SUPPLIER_DEFINED
from contracts.fields import Model
from contracts.identifiers import derived_id
from contracts.money import to_major
from contracts.policies.no_show import NoShowPolicy
from contracts.policies.reorder_point import ReorderPointPolicy
from producers.simulator.business_day import local_moment
from producers.simulator.goods import SUPPLIERS, Good, Supplier
from producers.simulator.promotions import ANNOUNCED_DAYS, Promotion, promotions_within
from producers.simulator.world import GRACE_MINUTES, SOURCE, TILLS, Route, SimulatedRecord, SimulatedStore, World


def reference_data(world: World) -> Iterator[SimulatedRecord]:
    """Yield everything that is in force before the first day begins."""
    at = world.calendar.start(0) - timedelta(hours=1)
    for store in world.stores:
        yield _version(world, at, STORE_DEFINED, store.store_id, _store(world, store, at), "store_version")
        for employee in store.employees:
            person = EmployeeDefined(version=1, effective_from=at, employee_id=employee, store_id=store.store_id)
            yield _version(world, at, EMPLOYEE_DEFINED, store.store_id, person, "store_version", employee)
    for supplier in SUPPLIERS:
        yield _version(world, at, SUPPLIER_DEFINED, CHAIN_WIDE, _supplier(supplier, at), "chain_wide", supplier.supplier_id)
    for good in world.goods:
        yield _version(world, at, SKU_DEFINED, CHAIN_WIDE, _sku(world, good, at), "chain_wide", good.sku)
    for sku, parameters in _policies(world):
        content = PolicySet(version=1, effective_from=at, scope_sku=sku, parameters=parameters)
        yield _version(world, at, POLICY_SET, CHAIN_WIDE, content, "chain_wide", f"{parameters.policy}/{sku}")


def promotions_announced(world: World) -> Iterator[SimulatedRecord]:
    """Yield the promotions of the whole simulation, each two days before it begins, but not before the simulation does."""
    first, begins = world.options.start, world.calendar.start(0)
    even = tuple(store.store_id for store in world.stores if store.number % 2 == 0)
    running = promotions_within(world.options, world.goods, first, first + timedelta(days=world.options.days))
    for promotion in sorted(running, key=lambda row: (row.first, row.promotion_id)):
        if promotion.even_stores_only and not even:
            continue
        day = max(0, (promotion.first - first).days - ANNOUNCED_DAYS)
        at = begins + timedelta(days=day, minutes=5)
        content = _promotion(promotion, at, world.options.timezone, even)
        yield _version(world, at, PROMOTION_DEFINED, CHAIN_WIDE, content, "chain_wide", promotion.promotion_id)


def _policies(world: World) -> Iterator[tuple[str | None, ReorderPointPolicy | NoShowPolicy]]:
    yield None, NoShowPolicy(grace_minutes=GRACE_MINUTES)
    for good in world.goods:
        yield good.sku, ReorderPointPolicy(reorder_point=Decimal(good.reorder_point), order_up_to=Decimal(good.order_up_to))


def _store(world: World, store: SimulatedStore, at: datetime) -> StoreDefined:
    options = world.options
    return StoreDefined(
        version=1,
        effective_from=at,
        store_id=store.store_id,
        name=store.name,
        timezone=options.timezone,
        currency=options.currency,
        country=options.country,
        cut_off_hour=options.cut_off_hour,
        head_count=len(store.employees),
        tills=TILLS,
        hours=tuple(OpeningHours(weekday=day, opens=time(store.opens), closes=time(store.closes % 24)) for day in WEEKDAYS),
    )


def _supplier(supplier: Supplier, at: datetime) -> SupplierDefined:
    return SupplierDefined(
        version=1,
        effective_from=at,
        supplier_id=supplier.supplier_id,
        name=supplier.name,
        lead_time_days=supplier.lead_days,
        order_weekdays=tuple(WEEKDAYS[day] for day in supplier.weekdays),
        order_cut_off=time(23, 0),
    )


def _sku(world: World, good: Good, at: datetime) -> SkuDefined:
    return SkuDefined(
        version=1,
        effective_from=at,
        sku=good.sku,
        name=good.name,
        category=good.category,
        unit="kg" if good.by_weight else "piece",
        pack_size=Decimal(good.pack),
        cost=to_major(good.cost, world.options.currency),
        price=good.unit_price,
        currency=world.options.currency,
        shelf_life_days=good.shelf_life_days,
        supplier_id=good.supplier.supplier_id,
    )


def _promotion(promotion: Promotion, at: datetime, zone: str, even: tuple[str, ...]) -> PromotionDefined:
    return PromotionDefined(
        version=1,
        effective_from=at,
        promotion_id=promotion.promotion_id,
        name=promotion.name,
        kind="percent",
        starts_at=local_moment(promotion.first, time(), zone),
        ends_at=local_moment(promotion.until, time(), zone),
        value=Decimal(promotion.percent),
        skus=tuple(good.sku for good in promotion.goods),
        store_ids=even if promotion.even_stores_only else (),
    )


def _version(
    world: World, at: datetime, event_type: str, store_id: str, content: Model, route: Route, subject: str = ""
) -> SimulatedRecord:
    envelope = Envelope(
        id=derived_id(SOURCE, world.run, event_type, store_id, subject, "1"),
        source=SOURCE,
        type=event_type,
        occurred_at=at,
        tenant_id=world.options.tenant,
        store_id=store_id,
    )
    return SimulatedRecord(at, Event(envelope, content), route)
