"""Stock on hand by store and SKU."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.freshness import Freshness
from contracts.fields import DecimalString


class StockRow(BaseModel):
    """What is on hand of one SKU: the last count and the movements after it."""

    model_config = ConfigDict(from_attributes=True)

    store_id: str
    sku: str
    on_hand: DecimalString = Field(description="Units; without a count, the sum of the known movements.", examples=["12"])
    counted_quantity: DecimalString | None = None
    counted_at: datetime | None = Field(description="When it was last counted; null: never, so `on_hand` is no stock level.")


class StockPage(Freshness):
    """One page of stock, by store and SKU."""

    rows: list[StockRow]
    next_cursor: str | None = Field(description="For the next page; null on the last.")
