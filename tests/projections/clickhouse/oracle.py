"""What the hourly sums must be, worked out from the events one by one in plain Python, with no table and no mapping."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from contracts.codec import corrected_content, decode
from contracts.corrections import Link, not_counting
from contracts.envelope import Event
from contracts.events.correction import EventCorrected
from contracts.events.sales import Receipt, SaleCompleted, SaleLine, SaleReturned, SaleVoided
from contracts.fields import Model
from contracts.records import LogRecord


class HourKey(NamedTuple):
    """A row of the hourly sums."""

    store_id: str
    business_date: date
    hour_start: datetime
    currency: str


Sums = dict[str, Any]


def expected_sums(records: Iterable[LogRecord]) -> dict[HourKey, Sums]:
    """Fold the records; hours that nothing counts in are left out."""
    first: dict[tuple[str, UUID], tuple[int, Event[Model]]] = {}
    for record in records:
        event = decode(record)
        known = first.get((event.store_id, event.id))
        if known is None or record.offset < known[0]:
            first[event.store_id, event.id] = (record.offset, event)
    sums: dict[HourKey, Sums] = defaultdict(lambda: defaultdict(int))
    for store_id in {store for store, _ in first}:
        events = [(offset, event) for (store, _), (offset, event) in first.items() if store == store_id]
        links = [Link(e.id, e.data.corrects_event_id, offset) for offset, e in events if isinstance(e.data, EventCorrected)]
        out = not_counting(links)
        for _, event in events:
            content = corrected_content(event) if isinstance(event.data, EventCorrected) else event
            if event.id not in out and content is not None and isinstance(content.data, Receipt):
                _count(sums, content, content.data)
    return {key: finished(row) for key, row in sums.items() if row["counted_lines"]}


def _count(sums: dict[HourKey, Sums], event: Event[Model], receipt: Receipt) -> None:
    if isinstance(receipt, SaleVoided) and receipt.phase == "before_completion":
        return
    moment, day = event.envelope.occurred_at, event.envelope.business_date
    assert day is not None
    row = sums[HourKey(event.store_id, day, moment.replace(minute=0, second=0, microsecond=0).astimezone(UTC), receipt.currency)]
    row["counted_lines"] += len(receipt.lines)
    for line in receipt.lines:
        _count_line(row, receipt, line)
    if any(line.kind == "item" for line in receipt.lines):
        row["transactions"] += {SaleCompleted: 1, SaleReturned: 0, SaleVoided: -1}[type(receipt)]


def _count_line(row: Sums, receipt: Receipt, line: SaleLine) -> None:
    amount = line.gross - line.discount
    if line.kind == "service":
        row["service_amount"] += amount if isinstance(receipt, SaleCompleted) else -amount
    elif isinstance(receipt, SaleReturned) or (line.kind == "return" and isinstance(receipt, SaleCompleted)):
        row["returns"] += amount
    elif isinstance(receipt, SaleCompleted):
        row["gross"] += line.gross
        row["discounts"] += line.discount
        row["units"] += line.quantity
    elif line.kind == "item":
        row["voids"] += amount
        row["units"] -= line.quantity


def finished(row: Sums) -> Sums:
    """Add what follows from the sums, in the form in which the store gives it back."""
    whole = {name: int(row[name]) for name in ("gross", "discounts", "returns", "voids", "transactions", "service_amount", "counted_lines")}
    sale_net = whole["gross"] - whole["discounts"] - whole["voids"]
    return {**whole, "net": sale_net - whole["returns"], "sale_net": sale_net, "units": Decimal(row["units"])}
