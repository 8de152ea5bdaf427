"""Reorder point: stock at or below the policy's point opens a recommendation; one open per store and SKU, with revisions."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from contracts.envelope import Event
from contracts.events.alerts import Evidence
from contracts.events.registry import REORDER_RECOMMENDED, STOCK_COUNTED
from contracts.events.reorder import ReorderRecommended
from contracts.events.stock import StockCounted
from contracts.fields import plain
from contracts.identifiers import derived_id, transition_id
from contracts.policies.reorder_point import ReorderPointPolicy
from contracts.stock_movements import MOVING_TYPES
from processors.rules import stock_states
from processors.rules.on_hand import STOCK, Stock, Tally, counting_rows, quantity_of, units
from processors.rules.rule import (
    Decision,
    Derived,
    Entity,
    Happening,
    Kind,
    Occurred,
    Policy,
    Recounted,
    State,
    View,
    microseconds,
    moment_of,
)
from processors.rules.stock_rows import PAGE

RULE_VERSION = 1


class Plan(State, frozen=True, array_like=True):
    """The recommendation of one SKU: which opening, which revision, and the quantity to order (None: closed)."""

    opening: int = 0
    revision: int = 0
    ordering: int | None = None


PLAN = Kind("reorder_point", Plan, 2, 0)


class ReorderPoint:
    """The rule. It judges the present, so history counts like anything else."""

    name = "reorder_point"
    event_types = MOVING_TYPES | {STOCK_COUNTED}
    kinds = (PLAN, PAGE, STOCK)

    def __init__(self) -> None:
        self._changes = stock_states.Changes()

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the stock of each SKU, then its recommendation where the event may change it."""
        if isinstance(happening, Recounted):
            skus = stock_states.corrected_skus(happening.mentioned)
            return [entity for sku in skus for entity in (Entity(STOCK, sku), Entity(PLAN, sku))]
        event: Event[Any] = happening.event
        if isinstance(event.data, StockCounted):
            return [entity for sku in stock_states.counted_skus(event) for entity in (Entity(STOCK, sku), Entity(PLAN, sku))]
        return list(self._moved(event, view))

    def _moved(self, event: Event[Any], view: View) -> Iterator[Entity]:
        moved = self._changes.of(event)
        for sku, delta in moved.deltas.items():
            stock = stock_states.stock_of(view, sku)
            yield from stock_states.touched_by_movement(sku, stock)
            if stock.tally is not None and _matters(stock.tally.quantity + delta, sku, max(moved.at, stock.seen_until), view):
                yield Entity(PLAN, sku)

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Fold the event into the stock, or compare the stock with the policy in force."""
        if entity.kind is STOCK:
            return stock_states.decide_stock(entity.name, state, happening, view, self._changes)
        if entity.kind is PAGE:
            return stock_states.decide_page(entity.name, state, happening, view, 0)
        return _judge(state if isinstance(state, Plan) else Plan(), entity.name, happening, view)


def _matters(on_hand: int, sku: str, present: int, view: View) -> bool:
    """Return whether a recommendation stands, or may have to."""
    plan = view.state(Entity(PLAN, sku))
    if isinstance(plan, Plan) and plan.ordering is not None:
        return True
    policy = view.policy("reorder_point", sku, moment_of(present))
    if policy is None:
        return False
    assert isinstance(policy.parameters, ReorderPointPolicy)
    return on_hand <= units(policy.parameters.reorder_point)


def _judge(plan: Plan, sku: str, happening: Happening, view: View) -> Decision:
    stock = stock_states.stock_of(view, sku)
    if stock.tally is None and plan.ordering is None:
        return Decision(plan)
    present = stock.seen_until
    if view.is_history and view.present is not None:
        present = max(present, microseconds(view.present))
    policy = view.policy("reorder_point", sku, moment_of(present))
    wanted = _order_quantity(stock.tally, policy)
    if wanted == plan.ordering or policy is None:
        return Decision(plan)
    opens = plan.ordering is None
    after = Plan(plan.opening + opens, 1 if opens else plan.revision + 1, wanted)
    return Decision(after, (_recommendation(after, stock, sku, policy, happening, view),))


def _order_quantity(tally: Tally | None, policy: Policy | None) -> int | None:
    """Return what to order, None while nothing is to be ordered."""
    if policy is None or tally is None:
        return None
    assert isinstance(policy.parameters, ReorderPointPolicy)
    if tally.quantity > units(policy.parameters.reorder_point):
        return None
    missing = units(policy.parameters.order_up_to) - tally.quantity
    return missing if missing > 0 else None


def _recommendation(plan: Plan, stock: Stock, sku: str, policy: Policy, happening: Happening, view: View) -> Derived:
    cause = happening.event if isinstance(happening, Occurred) else happening.cause
    parameters = policy.parameters
    assert isinstance(parameters, ReorderPointPolicy)
    recommendation = derived_id("reorder", view.store_id, sku, str(plan.opening))
    content = ReorderRecommended(
        recommendation_id=recommendation,
        revision=plan.revision,
        status="closed" if plan.ordering is None else "open",
        sku=sku,
        position=_position(stock, sku, view),
        reorder_point=parameters.reorder_point,
        order_quantity=quantity_of(plan.ordering or 0),
        rule_version=RULE_VERSION,
        policy_version=policy.version,
        evidence=_evidence(stock.tally, parameters, cause.id),
    )
    day = cause.envelope.business_date
    return Derived(
        REORDER_RECOMMENDED,
        transition_id(recommendation, plan.revision),
        cause.envelope.occurred_at,
        content,
        sku,
        day.isoformat() if day else None,
    )


def _position(stock: Stock, sku: str, view: View) -> Decimal:
    """Return what is on hand; what the movements come to where no count stands any more."""
    if stock.tally is not None:
        return quantity_of(stock.tally.quantity)
    return quantity_of(sum(row.delta for row in counting_rows(stock, stock_states.earlier_rows(view, sku))))


def _evidence(tally: Tally | None, parameters: ReorderPointPolicy, cause: UUID) -> Evidence:
    known = (UUID(bytes=tally.counted_by),) if tally else ()
    if tally is None:
        observed = "no count stands any more"
    else:
        when = moment_of(tally.counted_at).isoformat(timespec="minutes")
        observed = f"{plain(quantity_of(tally.quantity))} on hand: counted {plain(quantity_of(tally.counted))} at {when}"
        observed += f", {plain(quantity_of(tally.moved))} in {tally.movements} movements since"
    return Evidence(
        observed=observed,
        expected=f"more than {plain(parameters.reorder_point)}; order up to {plain(parameters.order_up_to)}",
        event_ids=tuple(dict.fromkeys((*known, cause))),
    )
