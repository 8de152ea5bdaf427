"""What a simulation must lead to, tallied from its records alone: no rule and no projection has a part in it."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from contracts.envelope import Event
from contracts.events.clock import ClockedIn
from contracts.events.correction import EventCorrected
from contracts.events.reference import NoShowPolicy, PolicySet, ReorderPointPolicy
from contracts.events.registry import EVENT_TYPES
from contracts.events.sales import Receipt, SaleCompleted, SaleReturned, SaleVoided
from contracts.events.shifts import ShiftPublished
from contracts.events.stock import StockAdjusted, StockCounted
from contracts.fields import Model, plain
from producers.simulator.world import SimulatedRecord


@dataclass(frozen=True, slots=True)
class StoreSales:
    """Money of a store in minor units; net = gross − discounts − returns − voids after completion, service lines apart."""

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
    no_shows_raised: list[str]
    no_shows_retracted: list[str]
    no_shows_confirmed: list[str]
    on_hand: dict[str, str]
    below_reorder_point: list[str]
    sales: dict[str, StoreSales]
    net_sales: int

    def as_json(self) -> dict[str, Any]:
        """Return it for machines; `on_hand` and `below_reorder_point` name store/SKU, no-shows name shifts."""
        sales = {store: asdict(row) | {"net": row.net} for store, row in self.sales.items()}
        return asdict(self) | {"sales": sales}


@dataclass(slots=True)
class TruthTally:
    """Watches the records of a simulation go by."""

    _first: dict[UUID, SimulatedRecord] = field(default_factory=dict)
    _records: int = 0
    _facts: int = 0

    def observe(self, record: SimulatedRecord) -> None:
        """Take one record."""
        self._records += 1
        if record.route == "tick":
            return
        self._facts += record.route == "facts"
        self._first.setdefault(record.event.id, record)

    def result(self) -> GroundTruth:
        """Work out what must come of it."""
        facts = [row for row in self._first.values() if row.route == "facts"]
        counting = list(_counting(facts))
        raised, retracted, confirmed = _no_shows(facts, self._grace())
        on_hand = _on_hand(counting)
        points = self._reorder_points()
        sales = _sales(counting)
        return GroundTruth(
            records=self._records,
            events=dict(sorted(Counter(row.event.type for row in self._first.values()).items())),
            duplicates=self._facts - len(facts),
            corrections=sum(isinstance(row.event.data, EventCorrected) for row in facts),
            late_arrivals=sum(row.arrival - row.event.envelope.occurred_at > timedelta(minutes=5) for row in facts),
            no_shows_raised=raised,
            no_shows_retracted=retracted,
            no_shows_confirmed=confirmed,
            on_hand={f"{store}/{sku}": plain(units) for (store, sku), units in sorted(on_hand.items())},
            below_reorder_point=sorted(
                f"{store}/{sku}" for (store, sku), units in on_hand.items() if sku in points and units <= points[sku]
            ),
            sales=sales,
            net_sales=sum(store.net for store in sales.values()),
        )

    def _policies(self) -> Iterator[PolicySet]:
        return (row.event.data for row in self._first.values() if isinstance(row.event.data, PolicySet))

    def _reorder_points(self) -> dict[str, Decimal]:
        found = [(policy.scope_sku, policy.parameters) for policy in self._policies()]
        return {sku: rule.reorder_point for sku, rule in found if sku is not None and isinstance(rule, ReorderPointPolicy)}

    def _grace(self) -> tuple[timedelta, timedelta]:
        rule = next(policy.parameters for policy in self._policies() if isinstance(policy.parameters, NoShowPolicy))
        return timedelta(minutes=rule.grace_minutes), timedelta(minutes=rule.early_minutes)


@dataclass(frozen=True, slots=True)
class _Counting:
    store_id: str
    at: datetime
    data: Model


def _counting(facts: list[SimulatedRecord]) -> Iterator[_Counting]:
    """What counts: every event that no correction names, and the content that corrections put in place of the others."""
    corrections = [row.event for row in facts if isinstance(row.event.data, EventCorrected)]
    wrong = {_link(event).corrects_event_id for event in corrections}
    for row in facts:
        if row.event.id not in wrong and not isinstance(row.event.data, EventCorrected):
            yield _Counting(row.event.store_id, row.event.envelope.occurred_at, row.event.data)
    for event in corrections:
        link = _link(event)
        if link.replacement is not None:
            model = EVENT_TYPES[link.corrects_type].model.model_validate(link.replacement)
            yield _Counting(event.store_id, link.corrects_occurred_at, model)


def _link(event: Event[Model]) -> EventCorrected:
    if not isinstance(event.data, EventCorrected):
        raise TypeError("not a correction")
    return event.data


def _no_shows(facts: list[SimulatedRecord], policy: tuple[timedelta, timedelta]) -> tuple[list[str], list[str], list[str]]:
    """Shifts that raise an alert, those taken back by a punch, and those that stay; a tick must have seen the grace end."""
    grace, early = policy
    shifts: dict[str, ShiftPublished] = {}
    punches: defaultdict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in facts:
        data = row.event.data
        if isinstance(data, ShiftPublished) and (data.shift_id not in shifts or shifts[data.shift_id].revision < data.revision):
            shifts[data.shift_id] = data
        elif isinstance(data, ClockedIn):
            punches[data.employee_id].append((row.event.envelope.occurred_at, row.arrival))
    raised, retracted = [], []
    for name, shift in sorted(shifts.items()):
        heard = [arrival for at, arrival in punches[shift.employee_id] if shift.starts_at - early <= at <= shift.ends_at]
        if shift.status == "planned" and (not heard or min(heard) > shift.starts_at + grace):
            raised.append(name)
            retracted += [name] if heard else []
    return raised, retracted, sorted(set(raised) - set(retracted))


def _on_hand(counting: list[_Counting]) -> dict[tuple[str, str], Decimal]:
    """The last count of each shelf and the movements that occurred after it."""
    counts: dict[tuple[str, str], tuple[datetime, Decimal]] = {}
    for row in counting:
        if isinstance(row.data, StockCounted):
            for line in row.data.lines:
                place, at = (row.store_id, line.sku), line.counted_at or row.at
                if place not in counts or counts[place][0] < at:
                    counts[place] = (at, line.quantity)
    units = {place: quantity for place, (_, quantity) in counts.items()}
    for row in counting:
        for sku, change in _movements(row.data):
            place = (row.store_id, sku)
            if place in counts and row.at > counts[place][0]:
                units[place] += change
    return units


def _movements(data: Model) -> Iterator[tuple[str, Decimal]]:
    if isinstance(data, StockAdjusted):
        yield from ((line.sku, line.quantity_delta) for line in data.lines)
    elif isinstance(data, SaleCompleted):
        for line in data.lines:
            if line.kind != "service":
                yield line.sku, line.quantity if line.kind == "return" else -line.quantity
    elif isinstance(data, SaleReturned) or (isinstance(data, SaleVoided) and data.phase == "after_completion"):
        yield from ((line.sku, line.quantity) for line in data.lines if line.kind == "item")


def _sales(counting: list[_Counting]) -> dict[str, StoreSales]:
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in counting:
        if isinstance(row.data, Receipt):
            for measure, amount in _measures(row.data):
                sums[row.store_id][measure] += amount
    return {store: StoreSales(**amounts) for store, amounts in sorted(sums.items())}


def _measures(receipt: Receipt) -> Iterator[tuple[str, int]]:
    for line in receipt.lines:
        if line.kind == "service" or (isinstance(receipt, SaleVoided) and receipt.phase == "before_completion"):
            continue
        if isinstance(receipt, SaleReturned) or (line.kind == "return" and isinstance(receipt, SaleCompleted)):
            yield "returns", line.gross - line.discount
        elif isinstance(receipt, SaleCompleted):
            yield "gross", line.gross
            yield "discounts", line.discount
        elif line.kind == "item":
            yield "voids", line.gross - line.discount
