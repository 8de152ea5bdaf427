"""Stock-out risk: goods that will probably be sold out before the next receipt.

Judged at ticks: as of the begin of each business day, and within the day as of now where that day looked well at its begin.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID
from zlib import crc32

from msgspec.structs import replace

from contracts.events.registry import STOCK_COUNTED, STOCK_ORDERED, STOCK_RECEIVED
from contracts.evidence import Evidence
from contracts.fields import plain
from contracts.policies.stock_out_risk import StockOutRiskPolicy
from processors.rules.alerting import Finding, Speaker, Told, settle, standing
from processors.rules.feedback import around
from processors.rules.on_hand import date_of, quantity_of
from processors.rules.past_alerts import over_as_told
from processors.rules.probabilities import written
from processors.rules.rule import (
    Decision,
    Entity,
    Feedback,
    Happening,
    Kind,
    Occurred,
    Policy,
    Recounted,
    State,
    Ticked,
    View,
    moment_of,
)
from processors.rules.shelf_demand import Demand, Outlook, outlook
from processors.rules.shelf_glance import Glance, Learned, glance
from processors.rules.stock_rows import UNITS
from processors.rules.stock_states import corrected_skus, stock_of
from processors.rules.supply import Order, Terms, next_receipt, open_orders, pruned, recounted, terms_of, with_order
from processors.rules.trading_days import Calendar, share_left, store_day
from processors.rules.worth import Worth, severity_of, worth_as

SPEAKER = Speaker("stock_out_risk", 1)
BUILT_IN = Policy(0, StockOutRiskPolicy())

_HOUR = 3_600_000_000
_AT_MOST_DAYS = 7
_NEAR = 0.1
"""The share of the probability from which a shelf is looked at every few hours."""
_EVERY_HOURS = 3


class StockOutState(State, frozen=True, array_like=True):
    """Orders and deliveries of a SKU, what was told, when to look again, and what was learned of the shelf."""

    orders: tuple[Order, ...] = ()
    told: tuple[Told, ...] = ()
    look_at: int = 0
    learned: Learned | None = None


STOCK_OUT = Kind("stock_out_risk", StockOutState, 1, 0)


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that judging a SKU needs.

    `anchors` are the times at which it was counted or something came in; at or above `probability` the risk is told.
    """

    sku: str
    clock: int
    today: int
    shelf: Glance
    anchors: tuple[int, ...]
    orders: tuple[Order, ...]
    hours: int
    calendar: Calendar
    supply: Terms
    policy: Policy
    probability: float
    worth: Worth
    prospects: dict[int, "Prospect | None"] = field(default_factory=dict)

    @property
    def demand(self) -> Demand | None:
        """What is sold of it; None where too little is known."""
        return self.shelf.learned.demand

    @property
    def terms(self) -> StockOutRiskPolicy:
        """The policy's parameters."""
        assert isinstance(self.policy.parameters, StockOutRiskPolicy)
        return self.policy.parameters


@dataclass(frozen=True, slots=True)
class Prospect:
    """How a shelf looks from a time: what is on it, when more comes, and what demand until then may do."""

    at: int
    stock: int
    receipt: int
    outlook: Outlook


class StockOutRisk:
    """The rule. A SKU is watched once it has been counted, ordered or received; a sale touches nothing."""

    name = "stock_out_risk"
    event_types = frozenset({STOCK_COUNTED, STOCK_ORDERED, STOCK_RECEIVED})
    kinds = (STOCK_OUT,)

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the SKUs of the lines, or known ones that a correction concerns."""
        if isinstance(happening, Occurred):
            return [Entity(STOCK_OUT, sku) for sku in sorted({line.sku for line in happening.event.data.lines})]
        own = {entity.name for entity in happening.mentioned if entity.kind is STOCK_OUT}
        known = (Entity(STOCK_OUT, sku) for sku in sorted(own | set(corrected_skus(happening, view))))
        return [entity for entity in known if view.state(entity) is not None]

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Note an order or a delivery, and when to look; at a tick look."""
        known = state if isinstance(state, StockOutState) else StockOutState()
        clock = view.clock_at or 0
        if isinstance(happening, Ticked):
            return _looked_at(entity.name, known, happening, view)
        orders, learned = known.orders, known.learned
        if isinstance(happening, Recounted) or happening.event.type == STOCK_COUNTED:
            learned = None
        if isinstance(happening, Recounted):
            orders = recounted(orders, happening)
        elif happening.event.type != STOCK_COUNTED:
            orders = with_order(orders, happening.event, happening.counts)
        look_at = max(clock + 1, min(known.look_at or clock + 1, clock + 1))
        return Decision(replace(known, orders=orders, look_at=look_at, learned=learned), (), look_at)


def _looked_at(sku: str, state: StockOutState, happening: Ticked, view: View) -> Decision:
    case = _case(sku, state, view)
    told, derived = settle(SPEAKER, state.told, findings(case, state.told), happening, view)
    orders = pruned(state.orders, case.clock)
    if not case.shelf.stock.known and not case.anchors and not orders and not told:
        return Decision(None, derived)
    look_at = max(case.clock + 1, _next_look(case, told))
    return Decision(StockOutState(orders, told, look_at, case.shelf.learned), derived, look_at)


def _case(sku: str, state: StockOutState, view: View) -> Case:
    assert view.clock is not None
    assert view.clock_at is not None
    clock, look = view.clock_at, store_day(view)
    policy = view.policy_at("stock_out_risk", sku, clock) or BUILT_IN
    assert isinstance(policy.parameters, StockOutRiskPolicy)
    terms = policy.parameters
    shelf = glance(view, sku, stock_of(view, sku), state.learned, look, terms.history_days)
    article = view.sku_at(sku, view.clock)
    supplier = view.supplier_at(article.supplier_id, view.clock) if article and article.supplier_id else None
    anchors = shelf.anchors(clock)
    said = view.feedback("stock_out_risk", sku, moment_of(anchors[-1]) if anchors else view.clock)
    return Case(
        sku,
        clock,
        look.today,
        shelf,
        anchors,
        state.orders,
        look.hours,
        look.calendar,
        terms_of(supplier, terms.lead_time_days, terms.review_days),
        policy,
        _felt(float(terms.probability), said),
        worth_as(article),
    )


def _felt(probability: float, feedback: Feedback) -> float:
    """Return the probability with people's answers: each false alarm halves the odds of being wrong that are put up with."""
    return 1 / (1 + around(1 / probability - 1, feedback, math.inf))


def findings(case: Case, told: tuple[Told, ...]) -> Iterator[Finding]:
    """Return what stands since the last count or receipt; what was told before it was right, and is over."""
    settled = case.shelf.stock.settled.at if case.shelf.stock.settled else 0
    past = {str(at) for at in case.anchors[:-1]}
    yield from (over_as_told(row) for row in told if row.key in past or int(row.key) <= settled)
    if not case.anchors or case.demand is None:
        return
    least = case.probability
    begin = case.calendar.begin(case.today)
    at_begin = prospect(case, begin) if begin >= case.anchors[-1] else None
    if at_begin is not None and at_begin.outlook.probability >= least:
        yield _finding(case, at_begin, over=False)
        return
    now, is_open = prospect(case, case.clock), any(row.key == str(case.anchors[-1]) for row in told)
    if now is not None and (is_open or now.outlook.probability >= least):
        yield _finding(case, now, over=now.outlook.probability < least)


def prospect(case: Case, at: int) -> Prospect | None:
    """Return how the shelf looks from a time, worked out once; None where it was never counted or its demand is not known."""
    if at not in case.prospects:
        case.prospects[at] = _prospect(case, at)
    return case.prospects[at]


def _prospect(case: Case, at: int) -> Prospect | None:
    stock = case.shelf.book(at)
    if stock is None or case.demand is None:
        return None
    receipt = next_receipt(case.orders, case.supply, case.shelf.learned.hour, case.calendar, at)
    return Prospect(at, stock, receipt, outlook(case.demand, _horizon(case, case.demand, at, receipt), stock / UNITS))


def _horizon(case: Case, demand: Demand, at: int, until: int) -> float:
    """Return the time until a receipt in average days of trade: days weigh by their weekday, parts of them by the usual hours."""
    first, last = case.calendar.day_at(at), case.calendar.day_at(until)
    total = 0.0
    for day in range(first, last + 1):
        begin, end = case.calendar.begin(day), case.calendar.begin(day + 1)
        share = 1.0 if at <= begin and end <= until else share_left(case.hours, max(at, begin), min(end, until))
        total += demand.weight(day) * share
    return total


def _finding(case: Case, seen: Prospect, over: bool) -> Finding:
    lost = round(seen.outlook.shortfall * UNITS)
    money = case.worth.of(lost, at_price=True)
    is_begin = seen.at <= case.calendar.begin(case.today)
    stock = plain(quantity_of(seen.stock))
    return Finding(
        key=str(case.anchors[-1]),
        subject=case.sku,
        window_start=moment_of(case.anchors[-1]),
        window_end=moment_of(seen.receipt),
        severity=severity_of(money, case.terms.medium_money, case.terms.high_money),
        stage="confirmed" if is_begin else "provisional",
        summary=f"{case.sku}: {stock} left, probably sold out before {_minute(seen.receipt)} ({case.worth.say(money)} at stake)",
        evidence=_evidence(case, seen),
        policy_version=case.policy.version,
        news=f"{case.today}/{is_begin}",
        over=over,
        business_date=date_of(case.today).isoformat(),
    )


def _evidence(case: Case, seen: Prospect) -> Evidence:
    demand = case.demand
    assert demand is not None
    orders = open_orders(case.orders, seen.at)
    comes = "on order" if orders else "if ordered at the next opportunity"
    counted = [count.event for count in case.shelf.stock.counts if count.counts and count.at <= seen.at][-1:]
    return Evidence(
        observed=f"{plain(quantity_of(seen.stock))} on hand at {_minute(seen.at)}, the next receipt at {_minute(seen.receipt)}, {comes}",
        expected=f"a demand of {seen.outlook.mean:.1f} until then: {demand.mean:.2f} a day, variance {demand.variance:.2f}",
        probability=written(seen.outlook.probability),
        baseline_window=f"{demand.days} trading days with stock before {date_of(case.shelf.learned.day).isoformat()}",
        event_ids=tuple(UUID(bytes=event) for event in (*counted, *(row.event for row in orders))),
    )


def _minute(at: int) -> str:
    return moment_of(at).isoformat(timespec="minutes")


def _next_look(case: Case, told: tuple[Told, ...]) -> int:
    """Look every few hours of trade at what is near, at the begin of the day at what stands or sells, and later at what lasts long."""
    spread = crc32(case.sku.encode()) % _HOUR
    seen = prospect(case, case.clock)
    tomorrow = case.calendar.begin(case.today + 1) + _HOUR + spread
    if seen is None or case.demand is None or case.demand.mean == 0:
        return case.calendar.begin(case.today + _AT_MOST_DAYS) + _HOUR + spread
    if standing(told):
        return tomorrow
    if seen.outlook.probability >= _NEAR * case.probability:
        return min(_next_hours(case) + spread, tomorrow)
    days = max(1, min(_AT_MOST_DAYS, int((seen.stock / UNITS - 2 * seen.outlook.mean) / (3 * case.demand.mean))))
    return min(case.calendar.begin(case.today + days) + _HOUR + spread, seen.receipt + spread + 1)


def _next_hours(case: Case) -> int:
    """Return the next hour, three from now at least, in which the store usually trades."""
    hour = case.clock // _HOUR + _EVERY_HOURS
    return next((each * _HOUR for each in range(hour, hour + 24) if case.hours >> each % 24 & 1), hour * _HOUR)
