"""What cashiers did at the tills of a store, one small row each, in whatever order it arrives: the memory of the fraud rules.

A page holds three hours of a business date. A sale appends 41 bytes to one page and nothing else; who did what, and which
sale a refund is of, is worked out from the pages when the clock asks for it.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from contracts.envelope import Event
from contracts.events.registry import DRAWER_OPENED, SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED
from contracts.events.sales import Receipt, SaleReturned, SaleVoided
from processors.rules.rule import Entity, Kind, Recounted, State, View, microseconds

SALE, RETURN, VOID, DRAWER = range(4)
COUNTS, CASH, CARD, CLOCK_AHEAD, DISCOUNTED, OVERRIDDEN, BELOW_COST, OF_A_CARD, ELSEWHERE = (1 << place for place in range(9))
BLOCKS = range(8)
_KINDS = {SALE_COMPLETED: SALE, SALE_RETURNED: RETURN, SALE_VOIDED: VOID}
ROWS_KEPT = 6_000
"""Rows of a page, 246 kB: more than thirty receipts a minute for three hours; what comes then is not kept."""

_ROW = struct.Struct("<16s8sIqHBH")
_FIELDS = [("event", "S16"), ("receipt", "S8"), ("at", "<u4"), ("amount", "<i8"), ("cashier", "<u2"), ("kind", "u1"), ("flags", "<u2")]
ROWS = np.dtype(_FIELDS)
_RECEIPT_OFFSET, _KIND_OFFSET, _FLAGS_OFFSET = 16, 38, 39
_GIVEN = struct.Struct("<Hq8s")
_BLOCK_SECONDS, _LATEST, _LARGEST = 3 * 3600, 2**32 - 1, 2**62
_NOTHING = bytes(8)


class Link(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Which sale a return or void names: its event, its receipt (a hash), the day of its approval as an ordinal; empty or 0 if unsaid."""

    event: bytes
    sale: bytes
    receipt: bytes
    claimed: int


class Page(State, frozen=True, array_like=True):
    """Rows as they came. `cashiers` are who they number; `given` are the discounts of receipts by row, with the customer's hash."""

    rows: bytes = b""
    cashiers: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    given: bytes = b""


class Place(NamedTuple):
    """Where a row belongs: a business date as an ordinal, and a block of hours."""

    day: int
    block: int


PAGE = Kind("cashier_page", Page, 1, 2)


@lru_cache(maxsize=2048)
def page_of(place: Place) -> Entity:
    """Return the page of a place."""
    return Entity(PAGE, f"{date.fromordinal(place.day).isoformat()}/{place.block}")


@lru_cache(maxsize=2048)
def place_of(name: str) -> Place:
    """Return the place that a page's name says."""
    day, block = name.split("/")
    return Place(date.fromisoformat(day).toordinal(), int(block))


def place_for(event: Event[Any]) -> Place:
    """Return where an event belongs: by its business date, and by the hour of its device's clock."""
    envelope = event.envelope
    return _place(envelope.business_date or envelope.occurred_at.date(), seconds(envelope.occurred_at) // _BLOCK_SECONDS % len(BLOCKS))


@lru_cache(maxsize=2048)
def _place(day: date, block: int) -> Place:
    return Place(day.toordinal(), block)


def seconds(moment: datetime) -> int:
    """Return a time as whole Unix seconds, as far as 32 bits go."""
    return min(microseconds(moment) // 1_000_000, _LATEST)


def is_kept(event: Event[Any]) -> bool:
    """Return whether the ledger keeps an event: it names a cashier, and happened to a finished receipt or to the drawer."""
    data = event.data
    if data.employee_id is None:
        return False
    return not isinstance(data, SaleVoided) or data.phase == "after_completion"


@lru_cache(maxsize=256)
def token(code: str) -> bytes:
    """Return eight bytes that stand for a receipt number or a customer."""
    return blake2b(code.encode(), digest_size=8).digest()


def with_events(page: Page, events: Iterable[tuple[Event[Any], bool]], below_cost: Callable[[Event[Receipt]], bool]) -> Page:
    """Add what happened, each with whether it counts, as long as there is room. Sales may be as they were compiled."""
    rows, cashiers, links, given = [page.rows], page.cashiers, page.links, page.given
    first = len(page.rows) // _ROW.size
    for number, (event, counts) in enumerate(events, first):
        if number >= ROWS_KEPT:
            break
        data = event.data
        if data.employee_id not in cashiers:
            cashiers = (*cashiers, data.employee_id)
        flags = (COUNTS if counts else 0) | (CLOCK_AHEAD if event.envelope.clock_ahead else 0)
        kind, amount, receipt = DRAWER, 0, _NOTHING
        if event.type != DRAWER_OPENED:
            kind, amount, receipt = _KINDS[event.type], min(due(data), _LARGEST), token(data.receipt_id)
            flags |= _tender_flags(data)
            if kind == SALE:
                discount, flags = _given_away(event, flags, below_cost)
                given += _given_row(number, discount, data) if flags & DISCOUNTED else b""
            else:
                link = link_of(event)
                flags |= _link_flags(data, event.store_id)
                links = (*links, link) if link is not None else links
        at = seconds(event.envelope.occurred_at)
        rows.append(_ROW.pack(event.id.bytes, receipt, at, amount, cashiers.index(data.employee_id), kind, flags))
    return Page(b"".join(rows), cashiers, links, given)


def _given_row(number: int, discount: int, data: Any) -> bytes:
    return _GIVEN.pack(number, min(discount, _LARGEST), token(data.customer_ref) if data.customer_ref else _NOTHING)


def link_of(event: Event[Any]) -> Link | None:
    """Return the sale that a return or void names; None where it names none."""
    data = event.data
    if isinstance(data, SaleReturned):
        sale, receipt, day = data.original_event_id, data.original_receipt_id, data.original_approved_on
    elif isinstance(data, SaleVoided):
        sale, receipt, day = data.voided_event_id, data.voided_receipt_id or data.receipt_id, None
    else:
        return None
    if sale is None and receipt is None:
        return None
    return Link(event.id.bytes, sale.bytes if sale else b"", token(receipt) if receipt else b"", day.toordinal() if day else 0)


def due(receipt: Any) -> int:
    """Return what a receipt came to, minor units."""
    if receipt.total is not None:
        return int(receipt.total)
    amount, all_came_back = 0, isinstance(receipt, SaleReturned)
    for line in receipt.lines:
        amount += line.discount - line.gross if line.kind == "return" and not all_came_back else line.gross - line.discount
    return abs(amount)


def _tender_flags(data: Any) -> int:
    flags = 0
    for tender in data.tenders:
        flags |= CASH if tender.kind == "cash" else CARD
    return flags


def _link_flags(data: Receipt, store: str) -> int:
    if not isinstance(data, SaleReturned):
        return 0
    elsewhere = data.original_store_id is not None and data.original_store_id != store
    return (ELSEWHERE if elsewhere else 0) | (OF_A_CARD if data.original_approval_code else 0)


def _given_away(sale: Event[Any], flags: int, below_cost: Callable[[Event[Receipt]], bool]) -> tuple[int, int]:
    """Return what the cashier gave away, without promotions: discounts of lines, and prices below those on the shelf."""
    discount = 0
    for line in sale.data.lines:
        if line.discount and line.promotion_id is None:
            discount += line.discount
            flags |= DISCOUNTED
        if line.list_price is not None and (price := Decimal(line.unit_price)) < (listed := Decimal(line.list_price)):
            discount += max(0, int(line.gross * (listed - price) / price)) if price else 0
            flags |= DISCOUNTED | OVERRIDDEN
    if flags & OVERRIDDEN and below_cost(sale):
        flags |= BELOW_COST
    return discount, flags


def recounted(page: Page, change: Recounted) -> Page:
    """Apply what a correction changed."""
    rows = bytearray(page.rows)
    for event in (*change.voided, *change.restored):
        for number in _numbers(page.rows, event, 0):
            at = number * _ROW.size + _FLAGS_OFFSET
            rows[at] = rows[at] | COUNTS if event in change.restored else rows[at] & ~COUNTS
    return Page(bytes(rows), page.cashiers, page.links, page.given)


def _numbers(rows: bytes, sought: bytes, offset: int) -> Iterator[int]:
    """Yield the numbers of the rows that hold some bytes at an offset."""
    at = rows.find(sought)
    while at >= 0:
        if at % _ROW.size == offset:
            yield at // _ROW.size
        at = rows.find(sought, at + 1)


def receipts_of(page: Page, events: Iterable[bytes]) -> list[bytes]:
    """Return the receipts of some events, and what else stands for a sale: the beginning of its id."""
    found = []
    for event in sorted(events):
        numbers = _numbers(page.rows, event, 0)
        found += [known for number in numbers for known in (_ROW.unpack_from(page.rows, number * _ROW.size)[1], event[:8])]
    return found


def table(page: Page) -> NDArray[Any]:
    """Return the rows of a page, to be read only."""
    return np.frombuffer(page.rows, ROWS)


def event_at(page: Page, number: int) -> bytes:
    """Return the event of a row: whole, for numpy drops zeros at its end."""
    return page.rows[number * _ROW.size :][:16]


def discounts(page: Page) -> list[tuple[int, int, bytes]]:
    """Return row number, amount and customer of what was given away."""
    return list(_GIVEN.iter_unpack(page.given))


class Sale(msgspec.Struct, frozen=True, array_like=True):
    """As much of a sale as tells what a refund of it is worth: `at` is in seconds, `place` is day × 8 + block."""

    event: bytes
    at: int
    amount: int
    cashier: str
    flags: int
    place: int


def find_sale(page: Page, link: Link, place: Place) -> Sale | None:
    """Return the counting sale that a link names, where the page has it: by its event, else by its receipt."""
    named = _numbers(page.rows, link.sale, 0) if link.sale else ()
    receipts = [_ROW.unpack_from(page.rows, number * _ROW.size)[1] for number in named]
    sought = [(link.sale, 0), *((receipt, _RECEIPT_OFFSET) for receipt in (link.receipt, *receipts))]
    for known, offset in sought:
        for number in _numbers(page.rows, known, offset) if known and known != _NOTHING else ():
            event, _, at, amount, cashier, kind, flags = _ROW.unpack_from(page.rows, number * _ROW.size)
            if kind == SALE and flags & COUNTS:
                return Sale(event, at, amount, page.cashiers[cashier], flags, place.day * len(BLOCKS) + place.block)
    return None


def pages(view: View, day: int) -> Iterator[tuple[Place, Page]]:
    """Yield the pages of a business date that there are."""
    for block in BLOCKS:
        place = Place(day, block)
        page = page_at(view, place)
        if page is not None:
            yield place, page


def page_at(view: View, place: Place) -> Page | None:
    """Return one page."""
    state = view.state(page_of(place))
    return state if isinstance(state, Page) else None
