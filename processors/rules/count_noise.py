"""The noise of a store's counts as state: each week's scale, learned once from counts that are at least a week old.

Which week is which differs between stores, so that they do not all learn at once. What arrives later than a week after its
count no longer changes a scale: so a scale stays what it was, and a variance is judged by the same one whenever it is judged.
"""

from collections.abc import Iterable, Iterator
from zlib import crc32

from msgspec.structs import replace

from contracts.envelope import Event
from contracts.events.stock import StockCounted
from contracts.policies.shrinkage import ShrinkagePolicy
from processors.rules.count_variances import FORGETTING, Counted, capped_loss, counted_of, loss_rate, ratios, scale_of
from processors.rules.rule import Entity, Kind, State, View, microseconds
from processors.rules.shelf_history import shelf_of
from processors.rules.stock_rows import UNITS
from processors.rules.stock_states import earlier_rows, stock_of

WEEK = 7 * 86_400_000_000
WEEKS_KEPT = 60
_OLD_ENOUGH = 2


class CountNoise(State, frozen=True, array_like=True):
    """Week, scale and usual loss of each week, the sums that they come from, which SKUs wait to be learned from, and the last count."""

    scales: tuple[tuple[int, float, float], ...] = ()
    total: float = 0.0
    counts: float = 0.0
    lost: float = 0.0
    moved: float = 0.0
    waiting: tuple[tuple[int, tuple[str, ...]], ...] = ()
    counted_at: int = 0


COUNT_NOISE = Kind("count_noise", CountNoise, 1, 0)
OF_THE_STORE = Entity(COUNT_NOISE, "store")


def week_of(at: int, store_id: str) -> int:
    """Return the number of a store's week."""
    return (at - _phase(store_id)) // WEEK


def begin_of(week: int, store_id: str) -> int:
    """Return when a week of a store begins, Unix microseconds."""
    return week * WEEK + _phase(store_id)


def with_sheet(known: CountNoise, event: Event[StockCounted], store_id: str) -> CountNoise:
    """Note which SKUs a sheet counts, unless their week has been learned."""
    waiting = {week: set(skus) for week, skus in known.waiting}
    learned = known.scales[-1][0] - _OLD_ENOUGH if known.scales else None
    last = known.counted_at
    for line in event.data.lines:
        at = microseconds(line.counted_at or event.envelope.occurred_at)
        week, last = week_of(at, store_id), max(last, at)
        if learned is None or week > learned:
            waiting.setdefault(week, set()).add(line.sku)
    return replace(known, waiting=tuple((week, tuple(sorted(skus))) for week, skus in sorted(waiting.items())), counted_at=last)


def learned(known: CountNoise, clock: int, terms: ShrinkagePolicy, view: View) -> CountNoise:
    """Return the noise with a scale for every week that has begun."""
    this = week_of(clock, view.store_id)
    waiting = dict(known.waiting)
    first = known.scales[-1][0] + 1 if known.scales else min(waiting, default=this)
    scales, total, counts, lost, moved = list(known.scales), known.total, known.counts, known.lost, known.moved
    for week in range(max(first, this - WEEKS_KEPT), this + 1):
        ripe = [each for each in waiting if each <= week - _OLD_ENOUGH]
        rows = [row for each in sorted(ripe) for row in _rows(waiting.pop(each), each, view)]
        found = ratios(rows, terms)
        total, counts = total * FORGETTING + sum(found), counts * FORGETTING + len(found)
        lost, moved = lost * FORGETTING + capped_loss(rows, terms), moved * FORGETTING + sum(row.moved for row in rows) / UNITS
        scales.append((week, scale_of(total, counts, terms), loss_rate(lost, moved, terms)))
    return CountNoise(tuple(scales[-WEEKS_KEPT:]), total, counts, lost, moved, tuple(sorted(waiting.items())), known.counted_at)


def learns_at(known: CountNoise, clock: int, store_id: str) -> int:
    """Return when the next week begins for which there is something to learn."""
    if known.scales:
        return begin_of(known.scales[-1][0] + 1, store_id)
    oldest = min((week for week, _ in known.waiting), default=week_of(clock, store_id))
    return begin_of(oldest + _OLD_ENOUGH, store_id)


def last_count(view: View) -> int:
    """Return when the store counted anything last, Unix microseconds; most sales are later than that."""
    known = view.state(OF_THE_STORE)
    return known.counted_at if isinstance(known, CountNoise) else 0


def usual_at(view: View, at: int) -> tuple[float, float]:
    """Return the scale by which counts of a time are judged, and the usual loss for each unit moved; 1 and 0 before it is learned."""
    known = view.state(OF_THE_STORE)
    week = week_of(at, view.store_id)
    found = [(scale, rate) for each, scale, rate in known.scales if each <= week] if isinstance(known, CountNoise) else []
    return found[-1] if found else (1.0, 0.0)


def _phase(store_id: str) -> int:
    return crc32(store_id.encode()) * 140 % WEEK


def _rows(skus: Iterable[str], week: int, view: View) -> Iterator[Counted]:
    for sku in skus:
        rows = counted_of(shelf_of(stock_of(view, sku), earlier_rows(view, sku)))
        yield from (row for row in rows if week_of(row.at, view.store_id) == week)
