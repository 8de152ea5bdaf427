"""Simulated shelves with known troubles: goods that vanish from the shelf but not from the book, and thefts at once or little by little.

The troubles are put into what the simulator wrote: sales that can no longer have happened are left out, and counts find less.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Literal

from contracts.codec import build_event, decode, encode
from contracts.envelope import CHAIN_WIDE, Envelope, Event
from contracts.events.alerts import AlertChanged
from contracts.events.registry import POLICY_SET, SALE_COMPLETED, STOCK_COUNTED
from contracts.events.sales import Receipt
from contracts.identifiers import derived_id
from contracts.records import RawRecord
from contracts.stock_movements import movements
from contracts.topics import ALERTS, DEAD_LETTERS, STORE_FACTS
from processors.fold import Fold
from processors.rules.phantom_stock import PhantomStock
from processors.rules.reorder_point import ReorderPoint
from processors.rules.shrinkage import Shrinkage
from processors.rules.stock_out_risk import StockOutRisk
from producers.simulator.faults import USUAL
from producers.simulator.generate import generate
from producers.simulator.injected import Injected
from producers.simulator.options import SimulationOptions
from producers.simulator.world import SimulatedRecord

STORES, DAYS, WARM_UP = 3, 84, 28
_OF_A_KIND = 6
_OF_PEOPLE_AND_TILLS = ("clock.", "employee.", "shift.", "till.")
"""Types that no rule about stock reads: half of the log."""
_TICK_MINUTES, _BATCH = 60, 2000
_SLOW_SHARES = (0.05, 0.1, 0.2)
Shelf = tuple[str, str]


@dataclass(frozen=True)
class Trouble:
    """What was done to a shelf from a time on; `units` at once, or a day."""

    kind: Literal["phantom", "theft", "slow"]
    begins: datetime
    units: float = 0.0
    share: float = 0.0

    def stolen(self, at: datetime) -> Decimal:
        """Return the units that are gone by a time."""
        if at < self.begins:
            return Decimal(0)
        days = (at - self.begins) / timedelta(days=1)
        return Decimal(round(self.units if self.kind == "theft" else self.units * days))


@dataclass
class Alarm:
    """An alert as people heard it."""

    store: str
    sku: str
    raised_at: datetime
    probability: float
    until: datetime
    closed_at: datetime | None = None


@dataclass
class Chain:
    """The records of a chain, its troubles by shelf, and what the book of each shelf said at which times.

    `outages`: shelves whose deliveries failed until customers were turned away, from when until when.
    """

    records: list[tuple[datetime, Event[Any]]]
    troubles: dict[Shelf, Trouble]
    begins: datetime
    outages: list[tuple[Shelf, datetime, datetime]] = field(default_factory=list)
    books: dict[Shelf, list[tuple[datetime, Decimal, bool]]] = field(default_factory=dict)

    def book_between(self, shelf: Shelf, first: datetime, last: datetime) -> Iterator[tuple[datetime, Decimal, bool]]:
        """Return the changes of a book within a time: when, what it said then, and whether by a count."""
        rows = self.books.get(shelf, [])
        return iter(rows[bisect_right(rows, first, key=lambda row: row[0]) : bisect_right(rows, last, key=lambda row: row[0])])


def chain(seed: int) -> Chain:
    """Simulate a chain and put troubles in."""
    options = SimulationOptions(
        seed=seed, stores=STORES, days=DAYS, scale=0.3, partitions=1, tick_minutes=_TICK_MINUTES, faults=USUAL | {"stock_outs"}
    )
    injected = Injected()
    records = [each for each in generate(options, injected) if not each.event.type.startswith(_OF_PEOPLE_AND_TILLS)]
    begins = next(each.event.envelope.occurred_at for each in records if each.event.type == SALE_COMPLETED)
    made = Chain([], _troubles(seed, records, begins), begins)
    for place in injected.places["stock_outs"]:
        if place.figures["refused"] and place.subject and place.until:
            made.outages.append(((place.store_id, place.subject), place.at, place.until))
    for record in records:
        event = _touched(record.event, made.troubles)
        if event is not None:
            made.records.append((record.arrival, event))
    made.books.update(_books(made.records))
    return made


def _troubles(seed: int, records: Sequence[SimulatedRecord], begins: datetime) -> dict[Shelf, Trouble]:
    sold: defaultdict[Shelf, float] = defaultdict(float)
    for record in records:
        if record.event.type == SALE_COMPLETED and not record.repeat:
            for line in record.event.data.lines:  # type: ignore[attr-defined]
                sold[record.event.store_id, line.sku] += float(line.quantity) / DAYS
    random, found = Random(seed), {}
    for store in sorted({store for store, _ in sold}):
        shelves = random.sample(sorted(shelf for shelf in sold if shelf[0] == store and sold[shelf] > 0.7), 3 * _OF_A_KIND)
        for number, shelf in enumerate(shelves):
            when = begins + timedelta(days=WARM_UP + random.random() * (DAYS - WARM_UP - 28))
            share = _SLOW_SHARES[number % len(_SLOW_SHARES)]
            kinds = (
                Trouble("phantom", when),
                Trouble("theft", when, max(5.0, sold[shelf])),
                Trouble("slow", when, share * sold[shelf], share),
            )
            found[shelf] = kinds[number // _OF_A_KIND]
    return found


def _touched(event: Event[Any], troubles: dict[Shelf, Trouble]) -> Event[Any] | None:
    """Return an event as it is with the troubles; None where nothing of it is left."""
    if not (lines := getattr(event.data, "lines", None)):
        return event
    at = event.envelope.occurred_at
    if event.type == STOCK_COUNTED:
        changed = tuple(_counted(event.store_id, line, line.counted_at or at, troubles) for line in lines)
    else:
        changed = tuple(line for line in lines if not _is_gone(troubles.get((event.store_id, line.sku)), at))
    if changed == lines:
        return event
    paid = {"total": None, "tenders": (), "taxes": ()} if isinstance(event.data, Receipt) else {}
    return replace(event, data=event.data.model_copy(update={"lines": changed, **paid})) if changed else None


def _is_gone(trouble: Trouble | None, at: datetime) -> bool:
    return trouble is not None and trouble.kind == "phantom" and at >= trouble.begins


def _counted(store: str, line: Any, at: datetime, troubles: dict[Shelf, Trouble]) -> Any:
    trouble = troubles.get((store, line.sku))
    if trouble is None:
        return line
    left = Decimal(0) if _is_gone(trouble, at) else max(Decimal(0), line.quantity - trouble.stolen(at))
    return line.model_copy(update={"quantity": left})


def _books(records: Sequence[tuple[datetime, Event[Any]]]) -> dict[Shelf, list[tuple[datetime, Decimal, bool]]]:
    """Follow every book by the time of its events, each once; no rule has a part in it."""
    books: defaultdict[Shelf, list[tuple[datetime, Decimal, bool]]] = defaultdict(list)
    unique = {event.id: event for _, event in records}
    for event in sorted(unique.values(), key=lambda each: each.envelope.occurred_at):
        at = event.envelope.occurred_at
        if event.type == STOCK_COUNTED:
            for line in event.data.lines:
                books[event.store_id, line.sku].append((line.counted_at or at, line.quantity, True))
        for _, sku, delta in movements(event.data):
            rows = books[event.store_id, sku]
            if rows:
                rows.append((at, rows[-1][1] + delta, False))
    return dict(books)


def heard(made: Chain, policies: Sequence[dict[str, Any]]) -> dict[str, list[Alarm]]:
    """Fold a chain with some policies and return what each rule told."""
    fold = Fold((ReorderPoint(), PhantomStock(), Shrinkage(), StockOutRisk()))
    told = [(made.begins, _policy(number, each, made.begins)) for number, each in enumerate(policies)]
    log = [_record(event, offset, arrival) for offset, (arrival, event) in enumerate([*told, *made.records])]
    held: dict[str, bytes] = {}
    found: dict[str, dict[Any, Alarm]] = defaultdict(dict)
    for start in range(0, len(log), _BATCH):
        folded = fold(log[start : start + _BATCH], held.get)
        for stage in folded.stages:
            held.update(stage)
        folded.settle(True)
        for each in folded.derived:
            if each.topic == ALERTS:
                _take(found, decode(RawRecord(each.topic, 0, 0, 0, each.key, each.value, each.headers)))
            elif each.topic == DEAD_LETTERS:
                raise ValueError(f"a record was refused: {dict(each.headers)}")
    return {rule: list(alarms.values()) for rule, alarms in found.items()}


def _take(found: dict[str, dict[Any, Alarm]], event: Event[Any]) -> None:
    data, at = event.data, event.envelope.occurred_at
    assert isinstance(data, AlertChanged)
    known = found[data.rule].get(data.alert_id)
    if known is None:
        likely = float(data.evidence.probability or 0)
        found[data.rule][data.alert_id] = Alarm(event.store_id, data.subject, at, likely, data.window_end)
    elif data.status in {"resolved", "retracted", "orphaned"}:
        known.closed_at = at
    else:
        known.closed_at = None


def _policy(number: int, parameters: dict[str, Any], since: datetime) -> Event[Any]:
    data = {"version": 1, "effective_from": since - timedelta(days=1), "parameters": parameters}
    envelope = Envelope(
        id=derived_id("evaluation", str(number)),
        source="evaluation",
        type=POLICY_SET,
        occurred_at=since,
        tenant_id="demo",
        store_id=CHAIN_WIDE,
    )
    return build_event(envelope, data)


def _record(event: Event[Any], offset: int, arrival: datetime) -> RawRecord:
    written = encode(event, STORE_FACTS, 0)
    return RawRecord(STORE_FACTS, 0, offset, int(arrival.timestamp() * 1000), written.key, written.value, written.headers)
