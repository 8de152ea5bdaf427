"""Reorder point: stock on hand and on order at or below the point opens a recommendation; one open per store and SKU, with revisions.

The point is the policy's own, or follows demand and lead times (`demand/`). This file routes events to states and judges; a
sale changes the journal of its store alone unless a recommendation stands or may have to.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from sys import intern
from typing import Any

from contracts.envelope import Event
from contracts.events.registry import REORDER_RECOMMENDED, STOCK_COUNTED, STOCK_ORDERED, STOCK_RECEIVED
from contracts.events.stock import StockCounted, StockOrdered
from contracts.identifiers import derived_id, transition_id
from contracts.policies.reorder_point import ReorderPointPolicy
from contracts.stock_movements import MOVING_TYPES
from processors.rules import stock_states
from processors.rules.demand import closing, days, orders
from processors.rules.demand.alike import ASSORTMENT, Assortment, alike, list_of, with_goods
from processors.rules.demand.days import DEMAND, Demand
from processors.rules.demand.lead_times import lead_time
from processors.rules.demand.orders import LEAD_TIMES, ON_ORDER, Orders
from processors.rules.demand.plan import Levelled, levelled, terms_of, weekday_of
from processors.rules.demand.protection import Levels, order_quantity
from processors.rules.on_hand import STOCK, Stock, counting_rows, moved_by, packed_rows, units
from processors.rules.reorder_words import Judged, recommended
from processors.rules.rule import (
    Became,
    Decision,
    Derived,
    Entity,
    EventRun,
    Happening,
    Kind,
    Left,
    Occurred,
    Policy,
    Recounted,
    State,
    View,
    microseconds,
)
from processors.rules.stock_journal import JOURNAL, JOURNAL_PAGE, Shelf, shelves_of
from processors.rules.stock_rows import LARGEST, PAGE, ROWS_IN_PAGE, UNITS, sku_of
from processors.rules.stock_runs import moved_in_run, quiet

NAME = "reorder_point"


class Plan(State, frozen=True, array_like=True):
    """The recommendation of one SKU and its levels.

    Which opening, which revision, and the quantity to order (None: closed); the levels that follow demand, the
    policy of the goods behind them, and when they are worked out anew.
    """

    opening: int = 0
    revision: int = 0
    ordering: int | None = None
    levels: Levelled | None = None
    shift: int = 0
    pack: int = UNITS
    due_at: int = 0


PLAN = Kind("reorder_point", Plan, 2, 0)


class ReorderPoint:
    """The rule. It judges the present, so history counts like anything else."""

    name = NAME
    event_types = MOVING_TYPES | {STOCK_COUNTED, STOCK_ORDERED}
    run_types = MOVING_TYPES - {STOCK_RECEIVED}
    kinds = (PLAN, PAGE, DEMAND, ASSORTMENT, STOCK, JOURNAL_PAGE, JOURNAL, ON_ORDER, LEAD_TIMES)

    def __init__(self) -> None:
        self._changes = stock_states.Changes()

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the stock and the orders of each SKU, then its recommendation where the event may change it."""
        if isinstance(happening, Recounted):
            return _corrected(happening, view)
        event: Event[Any] = happening.event
        if isinstance(event.data, StockOrdered):
            skus = sorted({line.sku for line in event.data.lines})
            return [*_supplier(event), *(entity for sku in skus for entity in (Entity(ON_ORDER, sku), Entity(PLAN, sku)))]
        if isinstance(event.data, StockCounted):
            return list(
                dict.fromkeys(
                    entity
                    for sku in stock_states.counted_skus(event)
                    for entity in _counted(sku, stock_states.stock_of(view, sku), event, view)
                )
            )
        return self._moved(happening, view)

    def _moved(self, happening: Occurred, view: View) -> Sequence[Entity]:
        """Return what an event moves: stocks that have to be written, the journal, then recommendations."""
        event: Event[Any] = happening.event
        moved, shelves = self._changes.of(event), shelves_of(view)
        lists, touched, plans = dict[Entity, None](), stock_states.moved_states(moved, happening.counts, view), list[Entity]()
        if event.type == STOCK_RECEIVED:
            touched += [*_supplier(event), *(Entity(ON_ORDER, sku) for sku in moved.deltas)]
        for sku, delta in moved.deltas.items():
            shelf = shelves.of(sku, view)
            if not shelf.seen:
                lists.update(dict.fromkeys(_category(sku, event, view)))
                touched.append(Entity(DEMAND, sku))
                plans.append(Entity(PLAN, sku))
            elif shelf.position < view.offset and _matters(sku, shelf, delta, moved.at, view):
                plans.append(Entity(PLAN, sku))
        return [*lists, *touched, *plans]

    def in_run(self, run: EventRun) -> Iterable[Became | Left]:
        """Move the stocks of known goods; an event with goods that are seen for the first time is left to `touched`."""
        return moved_in_run(run, NAME, PLAN, _matters)

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Fold the event into stock, orders or demand, or compare the stock with its levels."""
        if entity.kind is STOCK:
            return stock_states.decide_stock(entity.name, happening, view, self._changes)
        if entity.kind is JOURNAL or entity.kind is JOURNAL_PAGE:
            return stock_states.decide_journal(entity, happening, view, self._changes)
        if entity.kind is PAGE:
            demand = view.state(Entity(DEMAND, sku_of(entity.name)))
            return stock_states.decide_page(entity.name, state, happening, view, demand.since if isinstance(demand, Demand) else 0)
        if entity.kind is DEMAND:
            return _close(entity.name, state if isinstance(state, Demand) else Demand(), happening, view)
        if entity.kind is ASSORTMENT:
            return _listed(entity.name, state if isinstance(state, Assortment) else Assortment(), happening, view)
        if entity.kind is PLAN:
            return _noted(entity.name, _plan(entity.name, state if isinstance(state, Plan) else Plan(), happening, view), view)
        known = state if isinstance(state, Orders) else Orders()
        if isinstance(happening, Recounted):
            return Decision(orders.recounted(known, happening))
        assert isinstance(happening, Occurred)
        sku = entity.name if entity.kind is ON_ORDER else None
        return Decision(orders.with_event(known, happening.event, sku, happening.counts))


def _corrected(change: Recounted, view: View) -> list[Entity]:
    """Return what holds a corrected event: suppliers and orders, stock, then the recommendations of all these SKUs."""
    held = [entity for entity in change.mentioned if entity.kind in (LEAD_TIMES, ON_ORDER)]
    moved = stock_states.corrected_skus(change, view)
    skus = sorted({*moved, *(entity.name for entity in held if entity.kind is ON_ORDER)})
    return [*held, *(Entity(STOCK, sku) for sku in moved), *(Entity(PLAN, sku) for sku in skus)]


def _supplier(event: Event[Any]) -> list[Entity]:
    return [Entity(LEAD_TIMES, event.data.supplier_id)] if event.data.supplier_id and event.data.purchase_order_id else []


def _counted(sku: str, stock: Stock, event: Event[Any], view: View) -> list[Entity]:
    first = not stock.seen_until
    return [
        *(_category(sku, event, view) if first else ()),
        Entity(STOCK, sku),
        *([Entity(DEMAND, sku)] if first else ()),
        Entity(PLAN, sku),
    ]


def _category(sku: str, event: Event[Any], view: View) -> list[Entity]:
    """Return the list that a SKU belongs to when it is seen for the first time; it is touched once, before stocks remember their SKUs."""
    goods = view.sku_at(sku, view.present or event.envelope.occurred_at)
    return [list_of(goods.category)] if goods and goods.category else []


def _listed(category: str, known: Assortment, happening: Happening, view: View) -> Decision:
    """Add the goods of an event that are seen for the first time."""
    if not isinstance(happening, Occurred):
        return Decision(known)
    event: Event[Any] = happening.event
    skus = stock_states.counted_skus(event) if isinstance(event.data, StockCounted) else moved_by(event).deltas
    new = [sku for sku in skus if not stock_states.stock_of(view, sku).seen_until]
    return Decision(with_goods(known, [sku for sku in new if Entity(ASSORTMENT, category) in _category(sku, event, view)]))


def _matters(sku: str, shelf: Shelf, delta: int, at: int, view: View) -> bool:
    """Return whether a recommendation of a counted SKU stands, or may have to once the stock has moved.

    Noted is down to what the shelf may get before that has to be looked at: so most sales need no look at the plan and its policy.
    """
    if shelf.on_hand is None:
        return False
    plan = view.state(Entity(PLAN, sku))
    if not isinstance(plan, Plan) or plan.ordering is not None:
        return True
    on_hand, present = shelf.on_hand + delta, max(at, shelf.seen)
    policy = _note(sku, plan, present, view)
    if policy is None:
        return False
    point = _point(plan, policy, present)
    return point is not None and on_hand <= point and on_hand + _coming(sku, policy, present, view) <= point


def _note(sku: str, plan: Plan, present: int, view: View) -> Policy | None:
    """Note down to what the shelf may get before the plan has to be looked at; return the policy that says so."""
    since, until, policy = view.policy_while(NAME, sku, present)
    view.notes(NAME)[intern(sku)] = quiet(_highest_point(plan, policy), since, until)
    return policy


def _noted(sku: str, decision: Decision, view: View) -> Decision:
    """Note what a decision on a plan means for the sales to come: while a recommendation stands, each of them matters."""
    plan = decision.state
    if isinstance(plan, Plan) and plan.ordering is None:
        _note(sku, plan, stock_states.stock_of(view, sku).seen_until, view)
    else:
        view.notes(NAME).pop(sku, None)
    return decision


def _highest_point(plan: Plan, policy: Policy | None) -> int:
    """Return the highest point of any weekday; a shelf with more than that is of no concern."""
    if policy is None:
        return -LARGEST
    if _parameters(policy).mode == "demand" and plan.levels is not None:
        return max(plan.levels.points)
    return units(_parameters(policy).reorder_point)


def _parameters(policy: Policy) -> ReorderPointPolicy:
    assert isinstance(policy.parameters, ReorderPointPolicy)
    return policy.parameters


def _levels(plan: Plan, policy: Policy, present: int) -> tuple[int | None, int]:
    """Return the point (None: there is none yet) and the level that orders fill up to."""
    point, parameters = _point(plan, policy, present), _parameters(policy)
    if point is None:
        return None, 0
    follows = parameters.mode == "demand" and plan.levels is not None
    return point, point + plan.levels.batch if follows and plan.levels else units(parameters.order_up_to)


def _point(plan: Plan, policy: Policy, present: int) -> int | None:
    """Return the point; None: there is none yet."""
    parameters = _parameters(policy)
    if parameters.mode == "demand":
        if plan.levels is not None:
            return plan.levels.points[weekday_of(present, plan.shift)]
        if not parameters.reorder_point:
            return None
    return units(parameters.reorder_point)


def _coming(sku: str, policy: Policy, present: int, view: View) -> int:
    """Return what is on order; a fixed point is about the shelf alone."""
    if _parameters(policy).mode == "fixed":
        return 0
    known = view.state(Entity(ON_ORDER, sku))
    return orders.to_come(known, present, _parameters(policy).order_limit_days) if isinstance(known, Orders) else 0


def _close(sku: str, known: Demand, happening: Happening, view: View) -> Decision:
    """Close the days before today, when the SKU is looked at; until then only say when."""
    now = _now(happening, view)
    store = view.store_at(view.clock or _time_of(happening))
    due_at = closing.next_closing(store, view.store_id, sku, now)
    if isinstance(happening, Occurred):
        return Decision(Demand(due_at=known.due_at or due_at), (), known.due_at or due_at)
    stock = stock_states.stock_of(view, sku)
    first = min(stock.first_page, known.since // ROWS_IN_PAGE)
    rows = packed_rows(stock, stock_states.earlier_rows(view, sku, first), first)
    today = closing.today(store, now)
    return Decision(days.close(known, rows, first * ROWS_IN_PAGE, stock, today.number, today.shift, due_at), (), due_at)


def _now(happening: Happening, view: View) -> int:
    return microseconds(_time_of(happening)) if view.clock_at is None else view.clock_at


def _time_of(happening: Happening) -> datetime:
    cause: Event[Any] = happening.event if isinstance(happening, Occurred) else happening.cause
    return cause.envelope.occurred_at


def _plan(sku: str, plan: Plan, happening: Happening, view: View) -> Decision:
    """Work the levels out anew where that is due, and judge."""
    now = _now(happening, view)
    if not isinstance(happening, Occurred | Recounted):
        plan = _levelled(sku, plan, view)
    if plan.due_at <= now:
        due = closing.next_closing(view.store_at(view.clock or _time_of(happening)), view.store_id, sku, now) + 1
        plan = Plan(plan.opening, plan.revision, plan.ordering, plan.levels, plan.shift, plan.pack, due)
    return _judge(sku, plan, happening, view)


def _levelled(sku: str, plan: Plan, view: View) -> Plan:
    """Return the plan with levels from the demand that is closed, where the policy asks for it."""
    now, known = view.clock, view.state(Entity(DEMAND, sku))
    policy = view.policy(NAME, sku, now) if now else None
    if now is None or policy is None or _parameters(policy).mode != "demand" or not isinstance(known, Demand):
        return plan
    store, goods = view.store_at(now), view.sku_at(sku, now)
    supplier = view.supplier_at(goods.supplier_id, now) if goods and goods.supplier_id else None
    held = view.state(Entity(LEAD_TIMES, goods.supplier_id)) if goods and goods.supplier_id else None
    lead = lead_time(orders.lead_days(held) if isinstance(held, Orders) else (), float(supplier.lead_time_days) if supplier else 1.0)
    today = closing.today(store, microseconds(now))
    parameters = _parameters(policy)
    terms = terms_of(parameters, goods, supplier)
    found = levelled(
        days.daily(known), (today.number + 3) % 7, lead, terms, parameters, lambda: alike(goods, parameters.min_history_days, view)
    )
    return Plan(plan.opening, plan.revision, plan.ordering, found, today.shift, round(terms.pack * UNITS), plan.due_at)


def _judge(sku: str, plan: Plan, happening: Happening, view: View) -> Decision:
    stock = stock_states.stock_of(view, sku)
    unchanged = Decision(plan, (), plan.due_at)
    if stock.tally is None and plan.ordering is None:
        return unchanged
    present = stock.seen_until
    if view.is_history and view.present is not None:
        present = max(present, microseconds(view.present))
    elif view.clock is not None and not isinstance(happening, Occurred | Recounted):
        present = max(present, microseconds(view.clock))
    policy = view.policy_at(NAME, sku, present)
    if policy is None:
        return unchanged
    judged = _judged(sku, plan, stock, policy, present, view)
    if judged.wanted == plan.ordering:
        return unchanged
    opens = plan.ordering is None
    after = Plan(plan.opening + opens, 1 if opens else plan.revision + 1, judged.wanted, plan.levels, plan.shift, plan.pack, plan.due_at)
    return Decision(after, (_recommendation(after, judged, sku, policy, happening, view),), after.due_at)


def _judged(sku: str, plan: Plan, stock: Stock, policy: Policy, present: int, view: View) -> Judged:
    point, up_to = _levels(plan, policy, present)
    coming = _coming(sku, policy, present, view)
    follows = _parameters(policy).mode == "demand" and plan.levels is not None
    on_hand = stock.tally.quantity if stock.tally else _uncounted(stock, sku, view)
    wanted = None
    if stock.tally is not None and point is not None and on_hand + coming <= point:
        missing = up_to - on_hand - coming
        wanted = _limited(on_hand + coming, point, up_to, plan, policy) if follows else missing if missing > 0 else None
    return Judged(stock.tally, on_hand, coming, point, wanted, up_to, plan.levels.basis if follows and plan.levels else None)


def _limited(position: int, point: int, up_to: int, plan: Plan, policy: Policy) -> int | None:
    """Return what to order in whole packs, within the policy's limits."""
    terms = terms_of(_parameters(policy), None, None)
    terms = type(terms)(plan.pack / UNITS, terms.review_days, terms.counted, terms.least_order, terms.most_order)
    found = round(order_quantity(position / UNITS, Levels(point / UNITS, up_to / UNITS, 0, 0), terms) * UNITS)
    return found if found > 0 else None


def _uncounted(stock: Stock, sku: str, view: View) -> int:
    """Return what the movements come to where no count stands any more."""
    return sum(row.delta for row in counting_rows(stock, stock_states.earlier_rows(view, sku)))


def _recommendation(plan: Plan, judged: Judged, sku: str, policy: Policy, happening: Happening, view: View) -> Derived:
    cause = happening.event if isinstance(happening, Occurred) else happening.cause
    identity = derived_id("reorder", view.store_id, sku, str(plan.opening))
    content = recommended(judged, identity, plan.revision, sku, policy, cause.id)
    day = cause.envelope.business_date
    moment = cause.envelope.occurred_at
    return Derived(REORDER_RECOMMENDED, transition_id(identity, plan.revision), moment, content, sku, day.isoformat() if day else None)
