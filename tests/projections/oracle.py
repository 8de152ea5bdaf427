"""What stock must be, computed the slow way: from the whole set of events, by the definition."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from contracts.codec import corrected_content, decode
from contracts.corrections import Link, not_counting
from contracts.envelope import Event
from contracts.events.correction import EventCorrected
from contracts.events.sales import SaleCompleted
from contracts.events.stock import StockAdjusted, StockCounted
from contracts.records import LogRecord

Totals = dict[tuple[str, str], tuple[Decimal, datetime | None]]


def stock_totals(log: Sequence[LogRecord]) -> Totals:
    """Return (on hand, time of the last count) per store and SKU."""
    first: dict[tuple[str, Any], tuple[int, Event[Any]]] = {}
    for each in log:
        happened = decode(each)
        first.setdefault((happened.store_id, happened.id), (each.offset, happened))
    out = _not_counting(first)
    moves: dict[tuple[str, str], list[tuple[datetime, Decimal]]] = defaultdict(list)
    counts: dict[tuple[str, str], list[tuple[datetime, int, Decimal]]] = defaultdict(list)
    for (store_id, event_id), (offset, happened) in first.items():
        content = corrected_content(happened) if isinstance(happened.data, EventCorrected) else happened
        if content is None:
            continue
        counting = (store_id, event_id) not in out
        for line in getattr(content.data, "lines", ()):
            shelf = (store_id, line.sku)
            moves[shelf] += []
            if counting and isinstance(content.data, StockCounted):
                counts[shelf].append((line.counted_at or content.envelope.occurred_at, offset, line.quantity))
            elif counting:
                moves[shelf].append((content.envelope.occurred_at, _change(content, line)))
    return {shelf: _total(found, counts[shelf]) for shelf, found in moves.items()}


def _not_counting(first: dict[tuple[str, Any], tuple[int, Event[Any]]]) -> set[tuple[str, Any]]:
    links: dict[str, list[Link]] = defaultdict(list)
    for (store_id, event_id), (offset, happened) in first.items():
        if isinstance(happened.data, EventCorrected):
            links[store_id].append(Link(event_id, happened.data.corrects_event_id, offset))
    return {(store_id, event_id) for store_id, found in links.items() for event_id in not_counting(found)}


def _change(content: Event[Any], line: Any) -> Decimal:
    if isinstance(content.data, StockAdjusted):
        return Decimal(line.quantity_delta)
    return Decimal(-line.quantity if isinstance(content.data, SaleCompleted) else line.quantity)


def _total(moves: Sequence[tuple[datetime, Decimal]], counts: Sequence[tuple[datetime, int, Decimal]]) -> tuple[Decimal, datetime | None]:
    if not counts:
        return sum((change for _, change in moves), Decimal(0)), None
    since, _, quantity = max(counts)
    return quantity + sum((change for when, change in moves if when > since), Decimal(0)), since
