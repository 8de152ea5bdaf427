"""Sales deviation, first stage: what each store sold until the end of each hour, against what its own past lets expect.

A receipt changes one small state, its hour. The mathematics runs when the clock passes the end of an hour, and again for the
days that late facts or corrections changed, and for those after them, whose baseline they are part of.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from contracts.envelope import Event
from contracts.events.observations import SalesObserved
from contracts.events.registry import SALES_OBSERVED, TILL_TYPES
from contracts.identifiers import derived_id, transition_id
from contracts.policies.sales_deviation import SalesDeviationPolicy
from processors.rules.rule import (
    Became,
    Decision,
    Derived,
    Entity,
    Entry,
    EventRun,
    Happening,
    Kind,
    Left,
    Occurred,
    Policy,
    Recounted,
    State,
    View,
    moment_of,
)
from processors.rules.sales import hours
from processors.rules.sales.book import BOOK, Book
from processors.rules.sales.closing import Closing
from processors.rules.sales.hours import HOUR, SALE_TYPES, Hour, ReadReceipt, Slot

BUILT_IN = Policy(0, SalesDeviationPolicy())
THE_BOOK = Entity(BOOK, "book")


class SalesDeviation:
    """The rule. It says what it sees and raises nothing: that is for the chain, which can compare."""

    name = "sales_deviation"
    event_types = SALE_TYPES | TILL_TYPES
    kinds: tuple[Kind, ...] = (HOUR, BOOK)
    run_types = event_types

    def __init__(self) -> None:
        self._last: tuple[Event[Any] | None, ReadReceipt | None] = (None, None)

    def _read(self, happening: Occurred, view: View) -> ReadReceipt | None:
        """Read a receipt once for all of its states: the same event comes for one after the other."""
        event = happening.event
        if self._last[0] is not event:
            self._last = (event, _receipt(event, view))
        return self._last[1]

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the hour of a receipt, and the book where the hour is closed already."""
        if isinstance(happening, Recounted):
            changed = [entity for entity in happening.mentioned if entity.kind is HOUR]
            return [*changed, THE_BOOK] if changed else []
        receipt = self._read(happening, view)
        if receipt is None:
            return []
        book, slot = view.state(THE_BOOK), receipt.slot
        late = not isinstance(book, Book) or (slot <= book.closed and slot.day not in book.changed)
        hour = [hours.hour_at(slot)] if receipt.net or receipt.receipts else []
        return [*hour, THE_BOOK] if late else hour

    def in_run(self, run: EventRun) -> Iterator[Became | Left]:
        """Fold receipts into hours that are not closed yet."""
        view, closed = run.view, _closed(run.view)
        cut_off = _cut_off_of_all(run)
        open_hours = dict[str, list[tuple[int, ReadReceipt]]]()
        for number, happening in enumerate(run.happenings):
            receipt = _receipt(happening.event, view, cut_off)
            if receipt is None:
                continue
            if closed is None or receipt.slot <= closed:
                yield Left(number)
                closed = _closed(view)
            elif receipt.net or receipt.receipts:
                open_hours.setdefault(hours.hour_at(receipt.slot).name, []).append((number, receipt))
        for name, receipts in open_hours.items():
            yield from _folded(name, receipts, run)

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Fold a receipt into its hour, or note in the book that a day changed; when the clock moved, close hours."""
        clock = view.clock_at
        if entity.kind is HOUR:
            return self._decide_hour(state, happening, view, clock)
        if isinstance(happening, Occurred):
            return self._noted(state, happening, view, clock)
        book = state if isinstance(state, Book) else Book(0)
        if isinstance(happening, Recounted):
            days = [hour.day for entity in happening.mentioned if isinstance(hour := view.state(entity), Hour)]
            return _changed(book, days, clock)
        closing = Closing(book, view, BUILT_IN)
        return Decision(closing.book, [_derived(view, said) for said in closing.observations], closing.next_look)

    def _decide_hour(self, state: State | None, happening: Happening, view: View, clock: int | None) -> Decision:
        if isinstance(happening, Occurred):
            receipt = self._read(happening, view)
            assert receipt is not None
            hour = _hour_with(state, receipt, happening, view)
        elif isinstance(happening, Recounted):
            hour = hours.recounted(state, happening) if isinstance(state, Hour) else state
        else:
            hour = hours.settled(state, clock or 0) if isinstance(state, Hour) else None
        return Decision(hour, (), hours.next_look(hour, clock) if isinstance(hour, Hour) else None)

    def _noted(self, state: State | None, happening: Occurred, view: View, clock: int | None) -> Decision:
        """Begin a book, or note a day that changed after it was judged."""
        receipt = self._read(happening, view)
        assert receipt is not None
        if isinstance(state, Book):
            return _changed(state, [receipt.slot.day], clock)
        due = max(_end_of(receipt.slot, happening, view), (clock or 0) + 1)
        return Decision(Book(hours.offset_of(happening.event)), (), due)


def _folded(name: str, receipts: Sequence[tuple[int, ReadReceipt]], run: EventRun) -> Iterator[Became | Left]:
    """Fold receipts into their hour, unless it has any of them already."""
    key, held = run.view.reader(HOUR)(name)
    if held.applied >= run.offsets[receipts[0][0]]:
        yield from (Left(number) for number, _ in receipts)
        return
    hour = held.state
    for number, receipt in receipts:
        hour = _hour_with(hour, receipt, run.happenings[number], run.view)
    due = hours.next_look(hour, run.view.clock_at) if isinstance(hour, Hour) else None
    yield key, held, Entry(HOUR, hour, run.offsets[receipts[-1][0]], due, run.view.tenant_id)


def _hour_with(state: State | None, receipt: ReadReceipt, happening: Occurred, view: View) -> State | None:
    """Return an hour with one more receipt; as it was, where it is about a later day by now."""
    known = state if isinstance(state, Hour) and state.day == receipt.slot.day else None
    ends = known.ends_at if known else _end_of(receipt.slot, happening, view)
    return hours.with_receipt(state, receipt, ends, happening.event.id.bytes, happening.counts) or state


def _closed(view: View) -> Slot | None:
    """Return the last hour that was judged; None where no book was begun yet."""
    book = view.state(THE_BOOK)
    return book.closed if isinstance(book, Book) else None


def _cut_off(view: View, at: datetime) -> int:
    store = view.store_at(at)
    return store.cut_off_hour if store else 0


def _cut_off_of_all(run: EventRun) -> int | None:
    """Return the cut-off hour of the store at every event of a run; None where its settings changed in between."""
    first, last = min(run.moments), max(run.moments)
    settings = run.view.store_at(moment_of(first))
    if first < last and run.view.store_at(moment_of(last)) is not settings:
        return None
    return settings.cut_off_hour if settings else 0


def _receipt(event: Event[Any], view: View, cut_off: int | None = None) -> ReadReceipt | None:
    """Read which hour an event belongs to and what it sold; other signs of a till sell nothing."""
    slot = hours.slot_of(event, _cut_off(view, event.envelope.occurred_at) if cut_off is None else cut_off)
    if slot is None:
        return None
    return ReadReceipt(slot, *hours.sold(event)) if event.type in SALE_TYPES else ReadReceipt(slot)


def _end_of(slot: Slot, happening: Occurred, view: View) -> int:
    event = happening.event
    return hours.store_time(view, event.envelope.occurred_at, hours.offset_of(event)).end_of(slot)


def _changed(book: Book, days: Sequence[int], clock: int | None) -> Decision:
    return Decision(msgspec.structs.replace(book, changed=tuple(sorted({*book.changed, *days}))), (), (clock or 0) + 1)


def _derived(view: View, content: SalesObserved) -> Derived:
    day, place = content.business_date.isoformat(), f"{content.business_date.isoformat()}/{content.hour:02}"
    identity = transition_id(derived_id("sales.observed", view.store_id, place), content.revision)
    assert view.clock is not None
    return Derived(SALES_OBSERVED, identity, view.clock, content, place, day)
