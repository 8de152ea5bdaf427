"""What a store remembers to judge its hours: how far they are closed, which days changed since, and what was said of each hour."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2s
from struct import Struct

import numpy as np

from contracts.events.observations import SalesObserved
from processors.rules.rule import Kind, State, View
from processors.rules.sales.baseline import HOURS, Baseline, Days, levels
from processors.rules.sales.hours import Slot, day_hours

_said = Struct(">H6s")
_NOTHING_SAID = bytes(_said.size * HOURS)
_MOST_REVISIONS = 65_535


class Book(State, frozen=True, array_like=True):
    """The book of a store. `closed` is the last hour that was judged; `changed` are days with late facts since the last look.

    `expected` is the packed baseline of the day `expected_day`, empty where there is none, so that it is worked out once a day.
    `said` holds for each day of the retention the revision and a digest of what was said of each hour. `trading` has a bit for
    each hour of the day in which anything was sold, so that the others need not be read.
    """

    offset_minutes: int
    closed_day: int = 0
    closed_hour: int = 0
    changed: tuple[int, ...] = ()
    promoted: tuple[int, ...] = ()
    silent: tuple[int, ...] = ()
    expected_day: int = 0
    expected_days: int = 0
    expected: bytes = b""
    said: tuple[tuple[int, bytes], ...] = ()
    trading: int = 0

    @property
    def trading_hours(self) -> tuple[int, ...]:
        """Return the hours in which anything was ever sold, as far as the book goes back."""
        return tuple(hour for hour in range(HOURS) if self.trading >> hour & 1)

    @property
    def closed(self) -> Slot:
        """Return the last hour that was judged."""
        return Slot(self.closed_day, self.closed_hour)


BOOK = Kind("sales_book", Book, 1, 0)


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of the hours of the retention; a working copy."""

    days: dict[int, bytearray]

    def revision(self, slot: Slot, content: SalesObserved) -> int | None:
        """Return the number under which to say this, None when it was said last; remember it."""
        rows = self.days.setdefault(slot.day, bytearray(_NOTHING_SAID))
        revision, before = _said.unpack_from(rows, slot.hour * _said.size)
        digest = blake2s(content.model_dump_json(exclude={"revision"}).encode(), digest_size=6).digest()
        if before == digest:
            return None
        revision = min(revision + 1, _MOST_REVISIONS)
        _said.pack_into(rows, slot.hour * _said.size, revision, digest)
        return int(revision)

    def has(self, slot: Slot) -> bool:
        """Return whether anything was said of an hour."""
        rows = self.days.get(slot.day)
        return rows is not None and _said.unpack_from(rows, slot.hour * _said.size)[0] > 0

    def packed(self, since: int) -> tuple[tuple[int, bytes], ...]:
        """Return the rows to keep."""
        return tuple((day, bytes(rows)) for day, rows in sorted(self.days.items()) if day >= since)


def said_of(book: Book) -> Said:
    """Return a working copy of what was said."""
    return Said({day: bytearray(rows) for day, rows in book.said})


def past_days(view: View, days: Iterable[int], hours: Iterable[int], promoted: frozenset[int], silent: frozenset[int]) -> Days:
    """Read the days that can be learnt from: open ones whose data are complete."""
    rows = [(day, *day_hours(view, day, hours)) for day in days if day not in silent]
    kept = [(day, net, receipts) for day, net, receipts in rows if any(receipts)]
    if not kept:
        return Days(np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros((0, 2, HOURS)))
    numbers = np.array([day for day, _, _ in kept], np.int64)
    flags = np.array([day in promoted for day, _, _ in kept], np.bool_)
    return Days(numbers, flags, levels(np.array([row[1] for row in kept], np.int64), np.array([row[2] for row in kept], np.int64)))


def trading_in(days: Days) -> int:
    """Return a bit for each hour in which anything was sold on any of the days."""
    sums = np.diff(days.level[:, 1], axis=-1, prepend=0.0)
    return sum(1 << int(hour) for hour in np.flatnonzero((sums != 0).any(axis=0)))


def pack(expected: Baseline) -> bytes:
    """Write a baseline."""
    return np.concatenate((expected.centre.ravel(), expected.weight, expected.spread)).astype("<f8").tobytes()


def unpack(packed: bytes, like_days: int) -> Baseline:
    """Read a baseline."""
    rows = np.frombuffer(packed, "<f8").reshape(4, HOURS)
    return Baseline(rows[:2], rows[2], rows[3], like_days)
