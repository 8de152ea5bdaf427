"""When each till of a store was heard of, as marks of five minutes: any order of the signs, and any repeats, leave the same marks.

It also says when a till is usually heard of, and which stretches of silence that leaves. Pure; shared by whatever must know
whether no sales means no data.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from contracts.envelope import Event
from contracts.events.reference import OpeningHours
from contracts.fields import Model
from contracts.opening_hours import stretches
from processors.rules.rule import Entity, Kind, State, View, microseconds, moment_of
from processors.rules.sales.baseline import Bools

CELL = 300_000_000
DAY = 86_400_000_000
HOUR = 3_600_000_000
_CELLS, _CELLS_AN_HOUR = 288, 12
_PAGES = 64
"""Days whose marks are kept, in turn under the same keys: the retention, and the four weeks before that say what is usual."""
_WEEKS, _DAYS = 4, 7
_KNOWN = 2
_NOTES, _LATEST = "till_signs", "latest day"
_USUAL_NOTED = 400
"""Days and tills of a store of which it is noted when they are usually heard of."""
_runs_of_marks = re.compile("1+").finditer
_EPOCH = date(1970, 1, 1).toordinal()


class Page(State, frozen=True, array_like=True):
    """One UTC day of one till: marks, and lowest, highest and number of the device's sequence numbers."""

    day: int
    marks: bytes
    lowest: int | None = None
    highest: int | None = None
    numbered: int = 0

    @property
    def cells(self) -> int:
        """Return the marks as bits, the first cell of the day as the highest of 288."""
        return int.from_bytes(self.marks, "big")

    @property
    def missing(self) -> int:
        """Return how many numbers between the lowest and the highest were not heard of."""
        return 0 if self.lowest is None or self.highest is None else max(0, self.highest - self.lowest + 1 - self.numbered)


class Tills(State, frozen=True, array_like=True):
    """The tills of a store that were ever heard of, with the last UTC day on which they were."""

    rows: tuple[tuple[str, int], ...] = ()


PAGE = Kind("till_signs", Page, 1, 1)
TILLS = Kind("tills", Tills, 1, 1)
_TILLS = Entity(TILLS, "heard")


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch, Unix microseconds, in which a till that is usually heard of was not."""

    begin: int
    end: int

    @property
    def minutes(self) -> int:
        """How long it is."""
        return (self.end - self.begin) // 60_000_000


def till_of(content: Model) -> str | None:
    """Return the till that an event is a sign of."""
    return getattr(content, "till_id", None)


@lru_cache(maxsize=4096)
def page_of(till: str, day: int) -> Entity:
    """Return where the marks of a till and UTC day are."""
    return Entity(PAGE, f"{till}/{day % _PAGES:02}")


def day_of(moment: int) -> int:
    """Return the number of the UTC day of a moment (Unix microseconds)."""
    return moment // DAY


def touched_by_sign(till: str, moment: int, view: View) -> list[Entity]:
    """Return the states that a sign changes: the page, and the list of tills when the page is new."""
    page = page_of(till, day_of(moment))
    return [page] if isinstance(view.state(page), Page) else [page, _TILLS]


def with_sign(known: State | None, event: Event[Model]) -> Page:
    """Mark a sign; one from before the day that the page is about by now is too old to matter."""
    moment = microseconds(event.envelope.occurred_at)
    day, cell = day_of(moment), moment % DAY // CELL
    page = known if isinstance(known, Page) and known.day >= day else Page(day, bytes(_CELLS // 8))
    if page.day > day:
        return page
    marks, byte, bit = page.marks, cell >> 3, 128 >> (cell & 7)
    if not marks[byte] & bit:
        marks = marks[:byte] + bytes((marks[byte] | bit,)) + marks[byte + 1 :]
    number = _number(event)
    lowest, highest = page.lowest, page.highest
    if number is None:
        return page if marks is page.marks else Page(day, marks, lowest, highest, page.numbered)
    return Page(
        day,
        marks,
        number if lowest is None else min(lowest, number),
        number if highest is None else max(highest, number),
        page.numbered + 1,
    )


def _number(event: Event[Model]) -> int | None:
    """Return the sequence number where the till itself gave it, and not the office that corrects a receipt."""
    device, till = event.envelope.device_id, till_of(event.data)
    return event.envelope.device_seq if device and till and device.endswith(till) else None


def with_till(known: State | None, till: str, day: int) -> Tills:
    """Remember a till and the last day on which it was heard of; one that was not for as long as pages go back is forgotten."""
    rows = dict(known.rows) if isinstance(known, Tills) else {}
    rows[till] = max(day, rows.get(till, day))
    newest = max(rows.values())
    return Tills(tuple(sorted((name, last) for name, last in rows.items() if last > newest - _PAGES)))


def tills_of(view: View) -> tuple[str, ...]:
    """Return the tills that were heard of."""
    state = view.state(_TILLS)
    return tuple(name for name, _ in state.rows) if isinstance(state, Tills) else ()


def page_at(view: View, till: str, day: int) -> Page | None:
    """Return the marks of a till and UTC day, None where nothing was heard of."""
    state = view.state(page_of(till, day))
    return state if isinstance(state, Page) and state.day == day else None


@lru_cache(maxsize=4096)
def _hours_heard(marks: bytes) -> Bools:
    cells = np.unpackbits(np.frombuffer(marks, np.uint8)).astype(np.bool_)
    return np.asarray(cells.reshape(-1, _CELLS_AN_HOUR).any(axis=1))


def _usual(view: View, till: str, day: int) -> int:
    """Return the cells of a day, as bits, in which the till is usually heard of, and in which its store is open by the hours it names."""
    usual = _usually_heard(view, till, day)
    store = view.store_at(moment_of(day * DAY + DAY // 2)) if usual else None
    return usual if store is None or store.hours is None else usual & _open(store.hours, store.timezone, day)


@lru_cache(maxsize=4096)
def _open(hours: tuple[OpeningHours, ...], timezone: str, day: int) -> int:
    """Return the cells of a UTC day that lie within opening hours as a whole."""
    cells = np.zeros(_CELLS, np.bool_)
    today = date.fromordinal(_EPOCH + day)
    for back in (1, 0, -1):
        for opens, closes in stretches(hours, timezone, today - timedelta(days=back)):
            begin, end = microseconds(opens) - day * DAY, microseconds(closes) - day * DAY
            cells[max(0, -(-begin // CELL)) : max(0, end // CELL)] = True
    return _as_bits(cells)


def _as_bits(cells: Bools) -> int:
    return int.from_bytes(np.packbits(cells).tobytes(), "big")


def _usually_heard(view: View, till: str, day: int) -> int:
    """Return the cells in whose hour the till is usually heard of, worked out once: looks ask for the same two days all day long."""
    notes, name = view.notes(_NOTES), f"{till}/{day}"
    found: int | None = notes.get(name)
    if found is None:
        if len(notes) > _USUAL_NOTED:
            notes.clear()
        found = notes[name] = _as_bits(np.repeat(_usual_hours(view, till, day), _CELLS_AN_HOUR))
        notes[_LATEST] = max(day, notes.get(_LATEST, day))
    return found


def _usual_hours(view: View, till: str, day: int) -> Bools:
    """Return the hours of a day in which the till is usually heard of: same weekdays, or the days before while there are few.

    A till that was never heard of is expected when the others of the store are.
    """
    for step, count in ((7, _WEEKS), (1, _DAYS)):
        pages = [page for back in range(1, count + 1) if (page := page_at(view, till, day - step * back)) is not None]
        if len(pages) >= _KNOWN:
            return np.asarray(np.mean([_hours_heard(page.marks) for page in pages], axis=0) >= 0.75)
    heard = tills_of(view)
    others = [_usual_hours(view, other, day) for other in heard] if till not in heard else []
    return np.asarray(np.any(others, axis=0)) if others else np.zeros(_CELLS // _CELLS_AN_HOUR, np.bool_)


def forget_usual(view: View) -> None:
    """Drop what is noted of usual hours: it may not hold any more."""
    view.notes(_NOTES).clear()


def marked(view: View, was: State | None, page: Page) -> Page:
    """Return a page that became otherwise, and drop what it may have to do with: noted hours are those of days behind others."""
    notes = view.notes(_NOTES)
    if notes and (page.day < notes[_LATEST] or (isinstance(was, Page) and was.day != page.day)):
        notes.clear()
    return page


def is_usual(view: View, till: str, moment: int) -> bool:
    """Return whether a till is usually heard of in the hour of a moment."""
    return bool(_usual(view, till, day_of(moment)) >> (_CELLS - 1 - moment % DAY // CELL) & 1)


def last_heard(view: View, till: str, moment: int) -> int | None:
    """Return the end of the last mark before a moment, of its day or the day before."""
    for day in (day_of(moment), day_of(moment) - 1):
        page = page_at(view, till, day)
        begun = min(-(-(moment - day * DAY) // CELL), _CELLS)
        cells = 0 if page is None else page.cells >> (_CELLS - begun)
        if cells:
            return day * DAY + (begun + 1 - (cells & -cells).bit_length()) * CELL
    return None


def end_of(page: Page) -> int:
    """Return when nobody needs a page any more."""
    return (page.day + _PAGES) * DAY


def silences(view: View, till: str, since: int, until: int, minutes: int) -> list[Silence]:
    """Return the stretches of at least so many minutes, from the day of `since` to `until` (Unix microseconds)."""
    first, last, silent = day_of(since), day_of(until), 0
    for day in range(first, last + 1):
        page, usual = page_at(view, till, day), _usual(view, till, day)
        silent = silent << _CELLS | (usual if page is None else usual & ~page.cells)
    cells = (until - first * DAY) // CELL
    silent >>= (last + 1 - first) * _CELLS - cells
    if not silent:
        return []
    runs = _runs_of_marks(f"{silent:0{cells}b}")
    found = (Silence(first * DAY + each.start() * CELL, first * DAY + each.end() * CELL) for each in runs)
    return [each for each in found if each.minutes >= minutes]


def are_silent(found: list[Silence], begin: int, until: int, minutes: int) -> bool:
    """Return whether data may be missing of the time from `begin` to `until`: a stretch was long enough by then."""
    clipped = (Silence(each.begin, min(each.end, until)) for each in found if each.begin < until and each.end > begin)
    return any(each.minutes >= minutes for each in clipped)
