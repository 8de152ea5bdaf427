"""Moves the stocks of a run of events in one go: most sales are of goods that are known, and of which enough is left."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeAlias

from processors.rules.on_hand import FULL, STOCK, Stock, moved_by, settles_at, with_movement
from processors.rules.rule import Became, Entity, Entry, EventRun, Kind, Left, View
from processors.rules.stock_rows import page_of
from processors.rules.stock_states import SOON

Matters: TypeAlias = Callable[[str, Stock, int, int, View], bool]
"""Whether what is judged of a SKU may change, once its stock (as it was) has moved by so much at a time."""

_EVER = -(2**63)


@lru_cache(maxsize=4096)
def quiet(above: int, since: int, until: int) -> tuple[int, int, int]:
    """Return the note that a stock above so much is of no concern from one time until another; equal ones are one."""
    return above, since, until


def moved_in_run(run: EventRun, rule: str, judged: Kind, matters: Matters) -> Iterator[Became | Left]:
    """Yield each stock, before it the page that takes its rows, behind it what is judged of its SKU if that may have to change."""
    view = run.view
    read, notes, tenant, clock = view.reader(STOCK), view.notes(rule), view.tenant_id, view.clock_at
    soonest = _EVER if clock is None else clock + SOON
    for number, offset, at, happening in run.rows:
        moved = moved_by(happening.event)
        held = [read(sku) for sku in moved.deltas]
        if not _are_known(held, offset):
            yield Left(number)
            continue
        for (sku, delta), (key, entry) in zip(moved.deltas.items(), held, strict=True):
            before: Any = entry.state  # a `Stock`, as was just seen
            if len(before.rows) >= FULL:
                yield Left(number, page_of(sku, before.spilled))
            may_matter = not _is_quiet(before, delta, at, notes.get(sku)) and matters(sku, before, delta, at, view)
            stock = with_movement(before, moved, delta, happening.counts, offset)
            due = settles_at(stock)
            yield key, entry, Entry(STOCK, stock, offset, due if due is None or due >= soonest else soonest, tenant)
            if may_matter:
                yield Left(number, Entity(judged, sku))


def _are_known(held: Iterable[tuple[str, Entry]], offset: int) -> bool:
    """Return whether all of these are stocks that do not have the record yet."""
    for _, entry in held:  # noqa: SIM110 - a generator takes longer than what it asks
        if entry.applied >= offset or type(entry.state) is not Stock:
            return False
    return True


def _is_quiet(stock: Stock, delta: int, at: int, note: tuple[int, int, int] | None) -> bool:
    """Return whether a note says that the stock is of no concern after a movement; one that was never counted is of none."""
    tally, seen = stock.tally, stock.seen_until
    if tally is None:
        return True
    present = max(seen, at)
    return note is not None and tally.counted + tally.moved + delta > note[0] and note[1] <= present < note[2]
