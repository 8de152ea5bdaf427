"""When goods come next: what is on order of a SKU as state, or else what an order at the next opportunity would bring. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import time
from statistics import median

import msgspec

from contracts.business_time import in_zone
from contracts.envelope import Event
from contracts.events.reference import SupplierDefined
from contracts.events.stock import StockOrdered, StockReceived
from processors.rules.on_hand import date_of, day_of
from processors.rules.rule import RETENTION, Recounted, microseconds, moment_of
from processors.rules.trading_days import Calendar

ROWS_KEPT = 40
"""Orders and deliveries of a SKU that are kept, about 3 kB."""

_RETENTION = RETENTION // RETENTION.resolution
_DAY = 86_400_000_000
_GRACE = 3_600_000_000
_INFLOWS_ASKED = 9
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Order(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A purchase order, or (`is_receipt`) a delivery that names one; `expected`: the day that was promised, since 1970."""

    at: int
    event: bytes
    number: str
    is_receipt: bool
    expected: int | None
    counts: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """How a SKU is ordered: days from order to receipt, weekdays of orders, when orders end on a day, days between orders."""

    lead_days: int
    weekdays: tuple[str, ...]
    cut_off: time | None
    review_days: int


def with_order(rows: tuple[Order, ...], event: Event[StockOrdered | StockReceived], counts: bool) -> tuple[Order, ...]:
    """Add an order or a delivery; one without a number belongs to none."""
    data = event.data
    expected = day_of(data.expected_on) if isinstance(data, StockOrdered) and data.expected_on else None
    number = data.purchase_order_id
    if number is None:
        return rows
    row = Order(microseconds(event.envelope.occurred_at), event.id.bytes, number, isinstance(data, StockReceived), expected, counts)
    return tuple(sorted((*rows, row), key=lambda each: (each.at, each.event)))[-ROWS_KEPT:]


def recounted(rows: tuple[Order, ...], change: Recounted) -> tuple[Order, ...]:
    """Return the rows after a correction changed which events count."""
    return tuple(msgspec.structs.replace(row, counts=change.verdict(row.event, row.counts)) for row in rows)


def pruned(rows: tuple[Order, ...], clock: int) -> tuple[Order, ...]:
    """Forget what is older than the retention: an order that old does not come any more."""
    return tuple(row for row in rows if row.at + _RETENTION > clock)


def open_orders(rows: Iterable[Order], at: int) -> list[Order]:
    """Return the orders that had been sent by a time and of which nothing had come by then."""
    known = [row for row in rows if row.counts and row.at <= at]
    came = {row.number for row in known if row.is_receipt}
    return [row for row in known if not row.is_receipt and row.number not in came]


def terms_of(supplier: SupplierDefined | None, lead_days: int, review_days: int) -> Terms:
    """Return how a supplier delivers, or what the policy assumes where none is known."""
    if supplier is None:
        return Terms(lead_days, (), None, review_days)
    return Terms(supplier.lead_time_days, supplier.order_weekdays, supplier.order_cut_off, review_days)


def next_receipt(rows: Iterable[Order], terms: Terms, hour: int, days: Calendar, at: int) -> int:
    """Return when goods are expected next, seen from a time; what is overdue is expected at the hour of the next delivery."""
    today = days.day_at(at)
    expected = [row.expected if row.expected is not None else days.day_at(row.at) + terms.lead_days for row in open_orders(rows, at)]
    day = min(expected) if expected else _order_day(terms, days, at) + max(terms.lead_days, 1)
    moment = days.begin(max(day, today)) + hour
    return moment if moment >= at else days.begin(max(day, today) + 1) + hour


def _order_day(terms: Terms, days: Calendar, at: int) -> int:
    today = days.day_at(at)
    in_time = terms.cut_off is None or in_zone(moment_of(at), days.timezone).time() <= terms.cut_off
    first = today if in_time else today + 1
    if not terms.weekdays:
        return first + terms.review_days - 1
    return next(day for day in range(first, first + 8) if _WEEKDAYS[date_of(day).weekday()] in terms.weekdays)


def usual_hour(inflows: Sequence[int], days: Calendar) -> int:
    """Return how long after the begin of a business day goods have usually come, an hour granted; half a day where none ever came."""
    times = [at - days.begin(days.day_at(at)) for at in inflows[-_INFLOWS_ASKED:]]
    return min(_DAY - 1, max(0, int(median(times)) + _GRACE)) if times else _DAY // 2
