"""What the rule about phantom stock remembers of a SKU, and how it learns it from the shelf. Pure.

Days on which it sold, and trading days on which it could have, as two maps of 256 bits; and the last moment at which the
shelf proved itself: a sale, or a count. Days that can still be corrected are learned anew at each look.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import msgspec

from processors.rules.alerting import Told
from processors.rules.on_hand import Stock
from processors.rules.rule import State
from processors.rules.shelf_history import DayAt, Shelf, days_with_stock
from processors.rules.stock_rows import unpacked

WINDOW_DAYS = 250
HISTORY_DAYS = 90
"""Days up to the last proof from which the usual gap is learned; what is left of the window is for the gap itself."""
_BYTES = 32


class Proof(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A moment at which somebody had the goods in hand: a sale, or a count (`found`: how much; None for a sale)."""

    at: int
    day: int
    event: bytes
    found: int | None = None


class PhantomState(State, frozen=True, array_like=True):
    """Bits of days from `first_day` on: sold, and tried; the last proof, what was told, and when to look again.

    `needed`: trading days without a sale that would be surprising (0: unknown); `read_on`: the day when all rows were read last.
    """

    first_day: int = 0
    sold: bytes = b""
    tried: bytes = b""
    proof: Proof | None = None
    told: tuple[Told, ...] = ()
    look_at: int = 0
    needed: int = 0
    read_on: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """The days before `today` on which a SKU sold and on which it could have, and the proofs in time order."""

    sold: frozenset[int]
    tried: frozenset[int]
    proofs: tuple[Proof, ...]
    today: int


def learned(state: PhantomState, shelf: Shelf, trading: set[int], day_at: DayAt, today: int, least: int) -> Course:
    """Put together what is remembered and what the shelf shows."""
    settled = day_at(shelf.since) if shelf.since else 0
    first = max(today - WINDOW_DAYS, settled)
    sales = [row for row in shelf.rows if row.is_demand and row.delta < 0]
    sold = {row.day for row in sales if first < row.day < today}
    old = range(today - WINDOW_DAYS, settled + 1)
    sold |= {day for day in old if _has(state.sold, day - state.first_day)}
    known = proofs(state, shelf, day_at)
    carried = known[0].day if known else today
    tried = {day for day in trading if day > settled and day >= carried}
    if tried:
        tried &= days_with_stock(shelf, day_at, first, today - 1, least)
    tried |= {day for day in old if _has(state.tried, day - state.first_day)}
    return Course(frozenset(sold), frozenset(tried | sold), known, today)


def proofs(state: PhantomState, shelf: Shelf, day_at: DayAt) -> tuple[Proof, ...]:
    """Return the first and the last sale of each day and every count, in time order; before them the one that is remembered."""
    by_day: dict[int, list[Proof]] = {}
    for row in shelf.rows:
        if row.is_demand and row.delta < 0:
            sale = Proof(row.at, row.day, row.event)
            by_day[row.day] = [*by_day.get(row.day, [])[:1], sale]
    found = [proof for day in by_day.values() for proof in day]
    found += [Proof(count.at, day_at(count.at), count.event, count.quantity) for count in shelf.counts]
    found.sort(key=lambda proof: (proof.at, proof.event))
    before = [state.proof] if state.proof is not None and state.proof.at <= shelf.since else []
    return tuple(before + found)


def last_sale_day(stock: Stock) -> int | None:
    """Return the day of the latest sale among the newest rows; None where none of them is one, or some do not count."""
    if stock.voided:
        return None
    return max((row.day for row in unpacked(stock.rows) if row.is_demand and row.delta < 0), default=None)


def remembered(course: Course, told: tuple[Told, ...], look_at: int, needed: int) -> PhantomState:
    """Return the state that remembers a course."""
    first = course.today - WINDOW_DAYS
    proof = course.proofs[-1] if course.proofs else None
    return PhantomState(first, _bits(course.sold, first), _bits(course.tried, first), proof, told, look_at, needed, course.today)


def event_id(proof: Proof) -> UUID:
    """Return which event a proof is."""
    return UUID(bytes=proof.event)


def _bits(days: Iterable[int], first: int) -> bytes:
    mask = 0
    for day in days:
        if 0 <= day - first < _BYTES * 8:
            mask |= 1 << (day - first)
    return mask.to_bytes(_BYTES, "little")


def _has(bits: bytes, place: int) -> bool:
    return 0 <= place < len(bits) * 8 and bool(bits[place >> 3] >> (place & 7) & 1)
