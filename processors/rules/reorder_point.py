"""Reorder point: stock at or below the policy's point opens a recommendation; one open per store and SKU, with revisions."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from contracts.envelope import Event
from contracts.events.alerts import Evidence
from contracts.events.registry import REORDER_RECOMMENDED, STOCK_COUNTED
from contracts.events.reorder import ReorderRecommended
from contracts.fields import plain
from contracts.identifiers import derived_id, transition_id
from contracts.policies.reorder_point import ReorderPointPolicy
from contracts.stock_movements import MOVING_TYPES
from processors.rules import on_hand as stock_on_hand
from processors.rules.on_hand import Stock, Tally
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

RULE_VERSION = 1
_ZERO = Decimal(0)


class SkuState(State, frozen=True, array_like=True):
    """Stock of one SKU and its recommendation: which opening, which revision, and the quantity to order (None: closed)."""

    stock: Stock = msgspec.field(default_factory=Stock)
    seen_until: int = 0
    opening: int = 0
    revision: int = 0
    ordering: Decimal | None = None


SKU = Kind("reorder_point", SkuState, 1, 0)


class ReorderPoint:
    """The rule. It judges the present, so history counts like anything else."""

    name = "reorder_point"
    event_types = MOVING_TYPES | {STOCK_COUNTED}
    kinds = (SKU,)

    def __init__(self) -> None:
        self._last: tuple[Event[Any] | None, dict[str, Decimal]] = (None, {})

    def _changes(self, event: Event[Any]) -> dict[str, Decimal]:
        """Go over the lines of a receipt once for all of its SKUs: the same event comes for one after the other."""
        if self._last[0] is not event:
            self._last = (event, stock_on_hand.changes(event))
        return self._last[1]

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:  # noqa: ARG002
        """Return the SKUs of the lines, or those that hold a corrected event."""
        if isinstance(happening, Recounted):
            return [entity for entity in happening.mentioned if entity.kind is SKU]
        return [Entity(SKU, sku) for sku in stock_on_hand.skus(happening.event)]

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Fold the event into the stock and compare with the policy in force."""
        known = state if isinstance(state, SkuState) else SkuState()
        stock, seen = known.stock, known.seen_until
        if isinstance(happening, Occurred):
            event = happening.event
            stock = stock_on_hand.with_event(stock, event, entity.name, view.offset, happening.counts, self._changes(event))
            seen = max(seen, microseconds(event.envelope.occurred_at))
        elif isinstance(happening, Recounted):
            stock = stock_on_hand.recounted(stock, happening)
        clock = microseconds(view.clock) if view.clock else None
        stock = stock_on_hand.settle(stock, clock)
        folded = msgspec.structs.replace(known, stock=stock, seen_until=seen)
        return _judge(folded, entity.name, happening, view)


def _judge(state: SkuState, sku: str, happening: Happening, view: View) -> Decision:
    if state.stock.tally is None and state.ordering is None:
        return Decision(state)
    present = state.seen_until
    if view.is_history and view.present is not None:
        present = max(present, microseconds(view.present))
    policy = view.policy("reorder_point", sku, moment_of(present))
    wanted = _order_quantity(state.stock.tally, policy)
    if wanted == state.ordering or policy is None:
        return Decision(state)
    opens = state.ordering is None
    after = msgspec.structs.replace(
        state,
        opening=state.opening + opens,
        revision=1 if opens else state.revision + 1,
        ordering=wanted,
    )
    return Decision(after, (_recommendation(after, sku, policy, happening, view),))


def _order_quantity(tally: Tally | None, policy: Policy | None) -> Decimal | None:
    """Return what to order, None while nothing is to be ordered."""
    if policy is None or tally is None:
        return None
    assert isinstance(policy.parameters, ReorderPointPolicy)
    if tally.quantity > policy.parameters.reorder_point:
        return None
    missing = policy.parameters.order_up_to - tally.quantity
    return missing if missing > 0 else None


def _recommendation(state: SkuState, sku: str, policy: Policy, happening: Happening, view: View) -> Derived:
    cause = happening.event if isinstance(happening, Occurred) else happening.cause
    parameters = policy.parameters
    assert isinstance(parameters, ReorderPointPolicy)
    tally = state.stock.tally
    recommendation = derived_id("reorder", view.store_id, sku, str(state.opening))
    content = ReorderRecommended(
        recommendation_id=recommendation,
        revision=state.revision,
        status="closed" if state.ordering is None else "open",
        sku=sku,
        position=_uncounted(state.stock) if tally is None else tally.quantity,
        reorder_point=parameters.reorder_point,
        order_quantity=state.ordering or _ZERO,
        rule_version=RULE_VERSION,
        policy_version=policy.version,
        evidence=_evidence(tally, parameters, cause.id),
    )
    day = cause.envelope.business_date
    return Derived(
        REORDER_RECOMMENDED,
        transition_id(recommendation, state.revision),
        cause.envelope.occurred_at,
        content,
        sku,
        day.isoformat() if day else None,
    )


def _uncounted(stock: Stock) -> Decimal:
    """Return what the movements come to where no count stands any more."""
    return sum((row.delta for row in stock.movements if row.counts), _ZERO)


def _evidence(tally: Tally | None, parameters: ReorderPointPolicy, cause: UUID) -> Evidence:
    known = (UUID(bytes=tally.counted_by),) if tally else ()
    if tally is None:
        observed = "no count stands any more"
    else:
        when = moment_of(tally.counted_at).isoformat(timespec="minutes")
        observed = f"{plain(tally.quantity)} on hand: counted {plain(tally.counted)} at {when}"
        observed += f", {plain(tally.moved)} in {tally.movements} movements since"
    return Evidence(
        observed=observed,
        expected=f"more than {plain(parameters.reorder_point)}; order up to {plain(parameters.order_up_to)}",
        event_ids=tuple(dict.fromkeys((*known, cause))),
    )
