"""What must be on hand: the last count of each shelf and the movements that occurred after it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from contracts.events.sales import SaleCompleted, SaleReturned, SaleVoided
from contracts.events.stock import StockAdjusted, StockCounted, StockReceived, StockTransferredIn, StockTransferredOut, StockWasted
from contracts.fields import Model


@dataclass(slots=True)
class _Shelf:
    """The count that stands, and movements since. `ahead`: those dated after their arrival, which a later count may not contain."""

    counted_at: datetime | None = None
    units: Decimal = Decimal(0)
    ahead: list[tuple[datetime, Decimal]] = field(default_factory=list)


@dataclass(slots=True)
class StockTruth:
    """Follows the shelves of all stores."""

    _shelves: dict[tuple[str, str], _Shelf] = field(default_factory=dict)

    def count(self, store_id: str, at: datetime, data: StockCounted) -> None:
        """Take a count; an older one than that which stands changes nothing."""
        for line in data.lines:
            shelf = self._shelves.setdefault((store_id, line.sku), _Shelf())
            moment = line.counted_at or at
            if shelf.counted_at is None or shelf.counted_at < moment:
                shelf.ahead = [row for row in shelf.ahead if row[0] > moment]
                shelf.counted_at = moment
                shelf.units = line.quantity + sum((units for _, units in shelf.ahead), Decimal(0))

    def move(self, store_id: str, at: datetime, arrival: datetime, data: Model, sign: int = 1) -> None:
        """Take what an event moves, or with −1 take back what an event moved that a correction names."""
        for sku, units in _movements(data):
            shelf = self._shelves.setdefault((store_id, sku), _Shelf())
            if at > arrival:
                shelf.ahead.append((at, sign * units))
            if shelf.counted_at is not None and at > shelf.counted_at:
                shelf.units += sign * units

    def on_hand(self) -> dict[tuple[str, str], Decimal]:
        """Return the units of every shelf that was ever counted."""
        return {place: shelf.units for place, shelf in self._shelves.items() if shelf.counted_at is not None}


def _movements(data: Model) -> Iterator[tuple[str, Decimal]]:
    if isinstance(data, StockAdjusted):
        yield from ((line.sku, line.quantity_delta) for line in data.lines)
    elif isinstance(data, SaleCompleted):
        for sold in data.lines:
            if sold.kind != "service":
                yield sold.sku, sold.quantity if sold.kind == "return" else -sold.quantity
    elif isinstance(data, SaleReturned) or (isinstance(data, SaleVoided) and data.phase == "after_completion"):
        yield from ((row.sku, row.quantity) for row in data.lines if row.kind == "item")
    elif isinstance(data, StockReceived | StockTransferredIn):
        yield from ((moved.sku, moved.quantity) for moved in data.lines)
    elif isinstance(data, StockTransferredOut | StockWasted):
        yield from ((moved.sku, -moved.quantity) for moved in data.lines)
