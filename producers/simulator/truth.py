"""What a simulation must lead to, tallied from its records alone: no rule and no projection has a part in it."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from contracts.envelope import Event
from contracts.events.correction import EventCorrected
from contracts.events.reference import PolicySet
from contracts.events.registry import EVENT_TYPES
from contracts.events.sales import Receipt, SaleCompleted, SaleLine, SalePractised, SaleReturned, SaleSuspended, SaleVoided
from contracts.events.stock import StockCounted
from contracts.fields import Model, plain
from contracts.money import without_tax
from contracts.policies.no_show import NoShowPolicy
from contracts.policies.reorder_point import ReorderPointPolicy
from producers.simulator.injected import Injected
from producers.simulator.truth_attendance import AttendanceTruth
from producers.simulator.truth_stock import StockTruth
from producers.simulator.world import SimulatedRecord

_LATE = timedelta(minutes=5)
_FIRST_YEAR = 1971
"""The contracts refuse moments before it, so what a clock of 1970 dates counts nowhere."""


@dataclass(frozen=True, slots=True)
class StoreSales:
    """Money of a store in minor units without tax; net = gross − discounts − returns − voids after completion, service lines apart."""

    gross: int = 0
    discounts: int = 0
    returns: int = 0
    voids: int = 0

    @property
    def net(self) -> int:
        """Net sales."""
        return self.gross - self.discounts - self.returns - self.voids


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """Counts of what was sent, and what follows from it when each event counts once."""

    records: int
    events: dict[str, int]
    duplicates: int
    corrections: int
    late_arrivals: int
    unreadable: int
    no_shows_raised: list[str]
    no_shows_retracted: list[str]
    no_shows_confirmed: list[str]
    on_hand: dict[str, str]
    below_reorder_point: list[str]
    sales: dict[str, StoreSales]
    net_sales: int
    faults: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return it for machines; `on_hand` and `below_reorder_point` name store/SKU, no-shows name shifts."""
        sales = {store: asdict(row) | {"net": row.net} for store, row in self.sales.items()}
        return asdict(self) | {"sales": sales}


@dataclass(slots=True)
class TruthTally:
    """Watches the records of a simulation go by, and keeps sums of them."""

    injected: Injected = field(default_factory=Injected)
    _records: int = 0
    _duplicates: int = 0
    _late: int = 0
    _unreadable: int = 0
    _events: Counter[str] = field(default_factory=Counter)
    _points: dict[str, Decimal] = field(default_factory=dict)
    _attendance: AttendanceTruth = field(default_factory=AttendanceTruth)
    _stock: StockTruth = field(default_factory=StockTruth)
    _money: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def observe(self, record: SimulatedRecord) -> None:
        """Take one record."""
        self._records += 1
        if record.repeat:
            self._duplicates += 1
        elif record.route != "tick":
            self._events[record.event.type] += 1
            if record.route == "facts":
                self._take(record)
            elif isinstance(record.event.data, PolicySet):
                self._policy(record.event.data)

    def result(self) -> GroundTruth:
        """Work out what must come of it."""
        raised, retracted, confirmed = self._attendance.result()
        on_hand = {f"{store}/{sku}": (units, self._points.get(sku)) for (store, sku), units in sorted(self._stock.on_hand().items())}
        sales = {store: StoreSales(**amounts) for store, amounts in sorted(self._money.items())}
        return GroundTruth(
            records=self._records,
            events=dict(sorted(self._events.items())),
            duplicates=self._duplicates,
            corrections=self._events["event.corrected.v1"],
            late_arrivals=self._late,
            unreadable=self._unreadable,
            no_shows_raised=raised,
            no_shows_retracted=retracted,
            no_shows_confirmed=confirmed,
            on_hand={place: plain(units) for place, (units, _) in on_hand.items()},
            below_reorder_point=sorted(place for place, (units, point) in on_hand.items() if point is not None and units <= point),
            sales=sales,
            net_sales=sum(store.net for store in sales.values()),
            faults=self.injected.as_json(),
        )

    def _policy(self, policy: PolicySet) -> None:
        rule = policy.parameters
        if isinstance(rule, ReorderPointPolicy) and policy.scope_sku is not None:
            self._points[policy.scope_sku] = rule.reorder_point
        elif isinstance(rule, NoShowPolicy):
            self._attendance.grace, self._attendance.early = timedelta(minutes=rule.grace_minutes), timedelta(minutes=rule.early_minutes)

    def _take(self, record: SimulatedRecord) -> None:
        event, at = record.event, record.event.envelope.occurred_at
        if at.year < _FIRST_YEAR:
            self._unreadable += 1
            return
        self._late += record.arrival - at > _LATE
        if isinstance(event.data, EventCorrected):
            self._correct(event, event.data, record)
        else:
            self._attendance.observe(event, record.arrival)
            self._count(event.store_id, at, record.arrival, event.data)

    def _correct(self, event: Event[Model], correction: EventCorrected, record: SimulatedRecord) -> None:
        """What a correction names counts no more; what it carries counts instead, at the time of what it names."""
        if record.undoes is None:
            raise ValueError("a correction of something that was never sent")
        self._count(event.store_id, correction.corrects_occurred_at, record.arrival, record.undoes.data, -1)
        if correction.replacement is not None:
            right = EVENT_TYPES[correction.corrects_type].model.model_validate(correction.replacement)
            self._count(event.store_id, correction.corrects_occurred_at, record.arrival, right)

    def _count(self, store_id: str, at: datetime, arrival: datetime, data: Model, sign: int = 1) -> None:
        if isinstance(data, StockCounted):
            self._stock.count(store_id, at, data)
            return
        self._stock.move(store_id, at, arrival, data, sign)
        if isinstance(data, Receipt):
            for measure, amount in _measures(data):
                self._money[store_id][measure] += sign * amount


def _measures(receipt: Receipt) -> Iterator[tuple[str, int]]:
    if isinstance(receipt, SaleSuspended | SalePractised) or (isinstance(receipt, SaleVoided) and receipt.phase == "before_completion"):
        return
    for line in receipt.lines:
        if line.kind == "service":
            continue
        gross, discount = _without_tax(line)
        if isinstance(receipt, SaleReturned) or (line.kind == "return" and isinstance(receipt, SaleCompleted)):
            yield "returns", gross - discount
        elif isinstance(receipt, SaleCompleted):
            yield "gross", gross
            yield "discounts", discount
        elif line.kind == "item":
            yield "voids", gross - discount


def _without_tax(line: SaleLine) -> tuple[int, int]:
    return without_tax(line.gross, line.discount, line.tax) if line.tax_included else (line.gross, line.discount)
