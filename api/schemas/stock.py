"""Stock on hand by store and SKU."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.freshness import Answer, KnownAtField
from contracts.fields import DecimalString


class StockRow(BaseModel):
    """What is on hand of one SKU: the last count and the movements after it."""

    model_config = ConfigDict(from_attributes=True)

    store_id: str
    sku: str
    on_hand: DecimalString = Field(description="Units; without a count, the sum of the known movements.", examples=["12"])
    counted_quantity: DecimalString | None = None
    counted_at: datetime | None = Field(description="When it was last counted; null: never, so `on_hand` is no stock level.")


class StockPage(Answer):
    """One page of stock, by store and SKU."""

    known_at: KnownAtField
    rows: list[StockRow]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class CountRow(BaseModel):
    """A counted line and what the book said at its time."""

    model_config = ConfigDict(from_attributes=True)

    store_id: str
    sku: str
    counted_at: datetime
    event_id: UUID
    line: int
    counted: DecimalString
    book: DecimalString | None = Field(description="The count before and the movements since; null: it is the first count.")
    variance: DecimalString | None = Field(description="counted − book: negative where goods are missing.", examples=["-2"])
    counted_before_at: datetime | None


class CountPage(Answer):
    """One page of counted lines, by store, SKU and time."""

    known_at: KnownAtField
    rows: list[CountRow]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class PositionRow(BaseModel):
    """Stock of one SKU with what is on its way, units."""

    store_id: str
    sku: str
    on_hand: DecimalString
    on_order: DecimalString = Field(description="Ordered from suppliers and not yet received.")
    in_transit: DecimalString = Field(description="Sent by other stores of the chain and not yet received.")
    position: DecimalString = Field(description="on_hand + on_order + in_transit.")
    counted_at: datetime | None = Field(description="When it was last counted; null: never, so `on_hand` is no stock level.")


class PositionPage(Answer):
    """One page of positions, by store and SKU."""

    known_at: KnownAtField
    incoming_as_of: datetime | None = Field(description="Broker time up to which goods on their way are known.")
    rows: list[PositionRow]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class IncomingRow(BaseModel):
    """One SKU of a purchase order or a transfer, units."""

    model_config = ConfigDict(from_attributes=True)

    store_id: str = Field(description="Store that receives it.")
    kind: Literal["order", "transfer"]
    reference: str = Field(description="Purchase order or transfer.", examples=["PO-2026-3312"])
    sku: str
    promised: DecimalString = Field(description="Ordered, or sent by the other store.")
    came: DecimalString
    outstanding: DecimalString = Field(description="Still to come; 0 where more came than was promised.")
    promised_at: datetime | None = Field(description="Null: only its delivery is known so far.")
    came_at: datetime | None = Field(description="Of the latest delivery.")
    supplier_id: str | None
    expected_on: date | None
    currency: str | None
    unit_cost: DecimalString | None = Field(description="As ordered, major units, without tax.")


class IncomingPage(Answer):
    """One page of goods on their way, by store, kind, reference and SKU."""

    known_at: KnownAtField
    rows: list[IncomingRow]
    next_cursor: str | None = Field(description="For the next page; null on the last.")
