"""Stock: shelves that were counted, and movements that are not sales: received, transferred, wasted, adjusted."""

from functools import cached_property
from typing import Literal

from pydantic import Field

from contracts.fields import Code, Currency, Day, DecimalString, Model, Moment, Ordinal, PersonRef, Text


class CountLine(Model):
    """What was found of one SKU."""

    line: Ordinal = Field(description="Position on the sheet, from 1.", examples=[1])
    sku: Code = Field(description="Stock keeping unit.", examples=["MILK-1L"])
    quantity: DecimalString = Field(ge=0, description="Units that were counted.", examples=["18"])
    counted_at: Moment | None = Field(
        default=None, description="Time of this line; the event's own time where absent.", examples=["2026-11-20T07:34:00+09:00"]
    )


class StockCounted(Model):
    """A count sheet: each line replaces the book quantity as of its time."""

    sheet_id: Code = Field(description="The sheet, unique within the store.", examples=["C-20261120-01"])
    lines: tuple[CountLine, ...] = Field(min_length=1, max_length=5000, description="What was counted.")
    employee_id: PersonRef | None = Field(default=None, description="Opaque id of who counted.", examples=["E-1042"])
    blind: bool = Field(default=True, description="Whoever counted did not see the book quantity.")

    @cached_property
    def lines_by_sku(self) -> dict[str, list[CountLine]]:
        """Return the lines of each SKU; a sheet of thousands is gone through once."""
        found: dict[str, list[CountLine]] = {}
        for line in self.lines:
            found.setdefault(line.sku, []).append(line)
        return found


class AdjustmentLine(Model):
    """A signed change of one SKU."""

    line: Ordinal = Field(description="Position, from 1.", examples=[1])
    sku: Code = Field(description="Stock keeping unit.", examples=["APPLE-KG"])
    quantity_delta: DecimalString = Field(description="Units; negative for a write-off, positive for stock found.", examples=["-1.2"])
    description: Text | None = Field(default=None, description="What was seen.", examples=["멍든 사과"])


class StockAdjusted(Model):
    """Stock changed without a sale: written off, found, or adjusted with a reason."""

    reference: Code = Field(description="Document that explains it, unique within the store.", examples=["W-20261120-03"])
    reason: Literal[
        "write_off", "found", "damaged", "theft", "lost", "spoilage", "sample", "internal_use", "vendor_return", "recount", "other"
    ] = Field(description="Why the stock changed.")
    lines: tuple[AdjustmentLine, ...] = Field(min_length=1, max_length=5000, description="What changed.")
    employee_id: PersonRef | None = Field(default=None, description="Opaque id of who adjusted it.", examples=["E-1042"])


class MovementLine(Model):
    """A quantity of one SKU that moved; its event says which way."""

    line: Ordinal = Field(description="Position, from 1.", examples=[1])
    sku: Code = Field(description="Stock keeping unit.", examples=["MILK-1L"])
    quantity: DecimalString = Field(gt=0, description="Units, packs already unpacked.", examples=["24"])


class OrderedLine(MovementLine):
    """A line of a purchase order."""

    unit_cost: DecimalString | None = Field(
        default=None, ge=0, description="Agreed cost of one unit, major units, without tax.", examples=["2100"]
    )


class StockOrdered(Model):
    """A purchase order was sent to a supplier. It moves nothing: its deliveries name it; one that is called off is corrected away."""

    purchase_order_id: Code = Field(description="The order, unique within the store.", examples=["PO-2026-3312"])
    supplier_id: Code | None = Field(default=None, description="Supplier.", examples=["SUP-DAIRY"])
    expected_on: Day | None = Field(default=None, description="Date on which the supplier promised the goods.", examples=["2026-11-21"])
    currency: Currency | None = Field(default=None, description="Currency of the costs, ISO 4217.", examples=["KRW"])
    lines: tuple[OrderedLine, ...] = Field(min_length=1, max_length=5000, description="What was ordered.")
    employee_id: PersonRef | None = Field(default=None, description="Opaque id of who ordered it.", examples=["E-1042"])


class ReceivedLine(MovementLine):
    """A line of a delivery."""

    unit_cost: DecimalString | None = Field(
        default=None, ge=0, description="Cost of one unit, major units, without tax.", examples=["2100"]
    )
    expires_on: Day | None = Field(default=None, description="Earliest date on the goods.", examples=["2026-12-03"])


class StockReceived(Model):
    """A delivery came in; several may belong to one purchase order, and none where nobody ordered."""

    delivery_id: Code = Field(description="Delivery note, unique within the store.", examples=["D-20261121-07"])
    supplier_id: Code | None = Field(default=None, description="Supplier.", examples=["SUP-DAIRY"])
    purchase_order_id: Code | None = Field(
        default=None, description="Purchase order that it fulfils, wholly or in part.", examples=["PO-2026-3312"]
    )
    currency: Currency | None = Field(default=None, description="Currency of the costs, ISO 4217.", examples=["KRW"])
    lines: tuple[ReceivedLine, ...] = Field(min_length=1, max_length=5000, description="What came.")
    employee_id: PersonRef | None = Field(default=None, description="Opaque id of who took it in.", examples=["E-1042"])


class StockTransfer(Model):
    """One side of a transfer between two stores; the other side is an event of the other store."""

    transfer_id: Code = Field(description="The transfer, the same on both sides.", examples=["T-20261121-02"])
    other_store_id: Code = Field(description="The store on the other side.", examples=["HONGDAE-02"])
    lines: tuple[MovementLine, ...] = Field(min_length=1, max_length=5000, description="What moved.")
    employee_id: PersonRef | None = Field(default=None, description="Opaque id of who handled it.", examples=["E-1042"])


class StockTransferredOut(StockTransfer):
    """Goods left for another store."""


class StockTransferredIn(StockTransfer):
    """Goods came from another store."""


class StockWasted(Model):
    """Goods were thrown away: recorded waste, no shrinkage."""

    reference: Code = Field(description="Document that explains it, unique within the store.", examples=["X-20261121-01"])
    reason: Literal["spoilage", "expired", "damaged", "production", "sample", "other"] = Field(description="Why they were thrown away.")
    lines: tuple[MovementLine, ...] = Field(min_length=1, max_length=5000, description="What was thrown away.")
    employee_id: PersonRef | None = Field(default=None, description="Opaque id of who recorded it.", examples=["E-1042"])
