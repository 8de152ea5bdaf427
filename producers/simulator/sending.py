"""How what happened in a store reaches the log: soon, late, twice, with a wrong clock, or never."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from contracts.envelope import Event
from contracts.events.registry import SALE_COMPLETED, TILL_HEARTBEAT
from contracts.events.sales import SaleCompleted, SaleLine
from contracts.fields import Model
from producers.simulator.baskets import expected_receipts
from producers.simulator.business_day import BusinessDay
from producers.simulator.streams import stream
from producers.simulator.troubles import Span, Troubles
from producers.simulator.world import Happened, SimulatedRecord, SimulatedStore, World

_LATEST_REPEAT_SECONDS = 6 * 3600
_IDS_KEPT = 500
_FLAGGED = timedelta(minutes=5)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Sending:
    """The lines, clocks and retries of one store on one day."""

    def __init__(self, world: World, store: SimulatedStore, day: BusinessDay, troubles: Troubles) -> None:
        seed, names = world.options.seed, (store.number, day.number)
        self._world, self._store, self._day, self._troubles = world, store.number, day, troubles
        self._midnight = day.moment(0)
        self._latency = stream(seed, "latency", *names)
        limit = int(4 * expected_receipts(world, store, day)) + 1000
        self._twice = frozenset(world.plan.within_day("duplicates", *names, limit, world.options.duplicate_share))
        self._count = 0
        self._lines = [kind for kind in ("late_batches", "offline_tills") if kind in troubles.spans]
        self._once: dict[str, Span] = {
            kind: troubles.spans[kind] for kind in ("sequence_gaps", "conflicting_duplicates") if kind in troubles.spans
        }

    def send(self, made: Happened) -> Iterator[SimulatedRecord]:
        """Yield the records of an event: one, none where it is lost, more where it is sent again."""
        latency = timedelta(milliseconds=200 + int(self._latency.random() * 2800))
        number, self._count = self._count, self._count + 1
        seconds = (made.at - self._midnight).total_seconds()
        arrival = made.heard or self._arrival(made, seconds, latency)
        if arrival is None or (self._once and self._is_lost(made, seconds)):
            return
        event = self._as_its_clock_says(made, seconds) if self._troubles.clocks else made.event
        yield SimulatedRecord(arrival, event, undoes=made.undoes)
        if number in self._twice:
            delay = stream(self._world.options.seed, "repeats", self._store, self._day.number, number).uniform(5, _LATEST_REPEAT_SECONDS)
            later = arrival + timedelta(milliseconds=int(delay * 1000))
            self._world.injected.counts["duplicates"] += 1
            yield SimulatedRecord(later, event, repeat=True)
        if self._once:
            yield from self._conflict(made, event, arrival, seconds)

    def _arrival(self, made: Happened, seconds: float, latency: timedelta) -> datetime | None:
        """Return when an event arrives; a heartbeat that finds no line never does."""
        for kind in self._lines:
            span = self._troubles.at(kind, made.device, seconds)
            if span is not None:
                if made.event.type == TILL_HEARTBEAT:
                    return None
                _list(span, made)
                sent = span.place.figures["events"]
                return self._day.moment(span.end + span.amount) + timedelta(milliseconds=20 * sent)
        return made.at + latency

    def _is_lost(self, made: Happened, seconds: float) -> bool:
        span = self._befalls("sequence_gaps", made, seconds)
        if span is None:
            return False
        span.place.figures["device_seq"] = made.event.envelope.device_seq or 0
        self._note("sequence_gaps", span, made)
        return True

    def _conflict(self, made: Happened, event: Event[Model], arrival: datetime, seconds: float) -> Iterator[SimulatedRecord]:
        span = self._befalls("conflicting_duplicates", made, seconds)
        if span is not None and isinstance(event.data, SaleCompleted):
            self._note("conflicting_duplicates", span, made)
            other = replace(event, data=_with_a_unit_more(event.data))
            yield SimulatedRecord(arrival + timedelta(minutes=7), other, repeat=True, conflict=True)

    def _befalls(self, kind: str, made: Happened, seconds: float) -> Span | None:
        """Return the span of a kind that befalls one receipt a day: the first that nothing else refers to."""
        span = self._once.get(kind)
        if span is None or made.tied or made.event.type != SALE_COMPLETED or not span.covers(made.device, seconds):
            return None
        return self._once.pop(kind) if self._troubles.clock(made.device, seconds) is None else None

    def _note(self, kind: str, span: Span, made: Happened) -> None:
        span.place.at, span.place.until, span.place.subject = made.at, None, getattr(made.event.data, "period_id", None)
        span.place.event_ids.append(str(made.event.id))
        self._world.injected.note(kind, span.place)

    def _as_its_clock_says(self, made: Happened, seconds: float) -> Event[Model]:
        wrong = self._troubles.clock(made.device, seconds)
        if wrong is None:
            return made.event
        kind, span = wrong
        _list(span, made)
        if kind == "clock_1970":
            at = (_EPOCH + timedelta(seconds=int(seconds - span.begin))).astimezone(made.at.tzinfo)
            changed = {"occurred_at": at, "business_date": at.date()}
        else:
            ahead = timedelta(seconds=int(span.amount))
            on = self._day.date_at(seconds + ahead.total_seconds())
            changed = {"occurred_at": made.at + ahead, "business_date": on, "clock_ahead": ahead > _FLAGGED}  # type: ignore[dict-item]
        return replace(made.event, envelope=made.event.envelope.model_copy(update=changed))


def _list(span: Span, made: Happened) -> None:
    figures = span.place.figures
    figures["events"] = figures.get("events", 0) + 1
    if len(span.place.event_ids) < _IDS_KEPT:
        span.place.event_ids.append(str(made.event.id))


def _with_a_unit_more(sale: SaleCompleted) -> SaleCompleted:
    """Return what a till sends again after its database was repaired: the same receipt with another quantity."""
    first = sale.lines[0]
    if first.quantity % 1:
        return sale.model_copy(update={"channel": "delivery"})
    units = int(first.quantity)
    line: SaleLine = first.model_copy(update={"quantity": Decimal(units + 1), "gross": first.gross // units * (units + 1)})
    return sale.model_copy(update={"lines": (line, *sale.lines[1:]), "total": None, "tenders": (), "rounding_adjustment": 0})
