"""Sales of a store in one hour of a business date: the receipts that make them up while they can still be corrected, then the sum.

Which hour a receipt belongs to is said by its business date and by the clock of its till: events carry local time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from struct import Struct
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from contracts.envelope import Event
from contracts.events.registry import SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED
from contracts.events.sales import SaleReturned, SaleVoided
from processors.rules.rule import RETENTION, Entity, Kind, Recounted, State, View, microseconds
from processors.rules.sales.baseline import HOURS

SALE_TYPES = frozenset({SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED})
LARGEST = 2**62
_SLOTS = 128
"""Business dates whose hours are kept, in turn under the same keys: the retention and the twelve weeks before it, with room."""
KEPT_DAYS = 120
_DAY = 86_400_000_000
_RETENTION = RETENTION // RETENTION.resolution
_row = Struct(">16sqb?")


class Hour(State, frozen=True, array_like=True):
    """One hour of one business date (by its ordinal). `rows` are packed receipts: event, net amount, receipts, whether it counts."""

    day: int
    ends_at: int
    net: int = 0
    receipts: int = 0
    rows: bytes = b""


HOUR = Kind("sales_hour", Hour, 1, 1)


class Slot(NamedTuple):
    """An hour of a business date, counted from the cut-off."""

    day: int
    hour: int


class ReadReceipt(NamedTuple):
    """What a receipt says: its hour, net amount and receipts; zeros for what sells nothing."""

    slot: Slot
    net: int = 0
    receipts: int = 0


@dataclass(frozen=True, slots=True)
class StoreTime:
    """The zone and the cut-off hour of a store."""

    zone: tzinfo
    cut_off: int

    def end_of(self, slot: Slot) -> int:
        """Return when an hour of a business date ends by the clock on the wall (Unix microseconds)."""
        return _on_the_wall(self.zone, slot.day, self.cut_off + slot.hour + 1)

    def begin_of(self, day: int) -> int:
        """Return when a business date begins (Unix microseconds)."""
        return _on_the_wall(self.zone, day, self.cut_off)

    def day_at(self, moment: datetime) -> int:
        """Return the business date of a moment."""
        local = moment.astimezone(self.zone).replace(tzinfo=None)
        return (local - timedelta(hours=self.cut_off)).toordinal()


@lru_cache(maxsize=16_384)
def _on_the_wall(zone: tzinfo, day: int, hours: int) -> int:
    """Return when the clock on the wall shows so many hours after the beginning of a day; every store of a zone asks for the same."""
    wall = datetime.combine(date.fromordinal(day), datetime.min.time()) + timedelta(hours=hours)
    return microseconds(wall.replace(tzinfo=zone).astimezone(UTC))


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def store_time(view: View, at: datetime, offset_minutes: int) -> StoreTime:
    """Return the zone and cut-off in force; without settings of the store, the offset of its tills and midnight."""
    store = view.store_at(at)
    if store is None:
        return StoreTime(timezone(timedelta(minutes=offset_minutes)), 0)
    return StoreTime(_zone(store.timezone), store.cut_off_hour)


def offset_of(event: Event[Any]) -> int:
    """Return the offset of the till's clock, minutes."""
    return int((event.envelope.occurred_at.utcoffset() or timedelta()).total_seconds() // 60)


def slot_of(event: Event[Any], cut_off: int) -> Slot | None:
    """Return the hour that a receipt belongs to; None where it has no business date."""
    business_date = event.envelope.business_date
    if business_date is None:
        return None
    wall, day = event.envelope.occurred_at, business_date.toordinal()
    hour = (wall.toordinal() - day) * 24 + wall.hour - cut_off
    return Slot(day, min(max(hour, 0), HOURS - 1))


@lru_cache(maxsize=512)
def _hours_at(place: int) -> tuple[Entity, ...]:
    return tuple(Entity(HOUR, f"{place:03}/{number:02}") for number in range(HOURS))


def hour_at(slot: Slot) -> Entity:
    """Return where an hour is held."""
    return _hours_at(slot.day % _SLOTS)[slot.hour]


def hour_of(name: str) -> int:
    """Return the hour that a name says."""
    return int(name.rpartition("/")[2])


def sold(event: Event[Any]) -> tuple[int, int]:
    """Return what a receipt adds to net sales (minor units, without tax) and to the number of receipts. It may be as it was compiled."""
    content = event.data
    if event.type == SALE_COMPLETED:
        net, receipts = 0, 0
        for line in content.lines:
            if line.kind == "return":
                net -= _net(line)
            else:
                receipts = 1
                net += _net(line) if line.kind == "item" else 0
        return net, receipts
    net = -sum(_net(line) for line in content.lines if line.kind != "service")
    if isinstance(content, SaleReturned):
        return net, 0
    return (net, -1) if isinstance(content, SaleVoided) and content.phase == "after_completion" else (0, 0)


def _net(line: Any) -> int:
    net: int = line.gross - line.discount - (line.tax if line.tax_included else 0)
    return net


def with_receipt(known: State | None, receipt: ReadReceipt, ends_at: int, event: bytes, counts: bool) -> Hour | None:
    """Add a receipt; None where the key is about a later business date by now, and the receipt too old to matter."""
    slot, net, receipts = receipt
    hour = known if isinstance(known, Hour) and known.day >= slot.day else Hour(slot.day, ends_at)
    if hour.day > slot.day:
        return None
    if not abs(net) < LARGEST:
        raise ValueError("an amount that no till takes")
    rows = hour.rows + _row.pack(event, net, receipts, counts)
    return Hour(hour.day, hour.ends_at, hour.net + net * counts, hour.receipts + receipts * counts, rows)


def recounted(hour: Hour, change: Recounted) -> Hour:
    """Let a correction change which receipts count."""
    net, receipts, rows = hour.net, hour.receipts, []
    for event, amount, number, counted in _row.iter_unpack(hour.rows):
        counts = change.verdict(event, counted)
        net += amount * (counts - counted)
        receipts += number * (counts - counted)
        rows.append(_row.pack(event, amount, number, counts))
    return Hour(hour.day, hour.ends_at, net, receipts, b"".join(rows))


def settled(hour: Hour, clock: int) -> Hour | None:
    """Forget single receipts after the retention, and the hour when no baseline needs it any more."""
    if hour.ends_at + KEPT_DAYS * _DAY <= clock:
        return None
    return msgspec.structs.replace(hour, rows=b"") if hour.ends_at + _RETENTION <= clock else hour


def next_look(hour: Hour, clock: int | None) -> int:
    """Return when the hour can be made smaller next."""
    moment = hour.ends_at + (_RETENTION if hour.rows else KEPT_DAYS * _DAY)
    return moment if clock is None else max(moment, clock + 1)


def event_ids(hours: Iterator[Hour], limit: int) -> tuple[bytes, ...]:
    """Return the first events that hours are made of."""
    found = [row[0] for hour in hours for row in _row.iter_unpack(hour.rows) if row[3]]
    return tuple(found[:limit])


def day_hours(view: View, day: int, numbers: Iterable[int] = range(HOURS)) -> tuple[list[int], list[int]]:
    """Read net sales and receipts of a business date by hour; hours that are not asked for are empty."""
    net, receipts, places = [0] * HOURS, [0] * HOURS, _hours_at(day % _SLOTS)
    for number in numbers:
        state = view.state(places[number])
        if isinstance(state, Hour) and state.day == day:
            net[number], receipts[number] = state.net, state.receipts
    return net, receipts
