"""Stock: shelves that were counted, and movements that are neither sales nor receipts."""

from typing import Literal

from pydantic import Field

from contracts.fields import Code, DecimalString, Model, Moment, Ordinal, Text


class CountLine(Model):
    """What was found of one SKU."""

    line: Ordinal
    sku: Code
    quantity: DecimalString = Field(ge=0)
    counted_at: Moment | None = Field(default=None, description="Time of this line; the event's own time where absent.")


class StockCounted(Model):
    """A count sheet: each line replaces the book quantity as of its time."""

    sheet_id: Code
    lines: tuple[CountLine, ...] = Field(min_length=1, max_length=5000)
    employee_id: Code | None = None
    blind: bool = True


class AdjustmentLine(Model):
    """A signed change of one SKU."""

    line: Ordinal
    sku: Code
    quantity_delta: DecimalString = Field(description="Negative for a write-off, positive for stock found.")
    description: Text | None = None


class StockAdjusted(Model):
    """Stock changed without a sale: written off, found, or adjusted with a reason."""

    reference: Code
    reason: Literal["write_off", "found", "damaged", "theft", "spoilage", "sample", "internal_use", "recount", "other"]
    lines: tuple[AdjustmentLine, ...] = Field(min_length=1, max_length=5000)
    employee_id: Code | None = None
