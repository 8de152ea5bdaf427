"""Days and periods of tills: who was heard and what is missing, and closings against the receipts of their period."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.freshness import Answer, KnownAtField


class TillHeard(BaseModel):
    """A till that was heard on the business date."""

    model_config = ConfigDict(from_attributes=True)

    till_id: str = Field(examples=["T1"])
    last_heard_at: datetime | None = Field(description="By the till's own clock; this and the next two are null with `known_at`.")
    has_heartbeat: bool | None = Field(description="It said that it is alive, sales or not.")
    is_closed: bool | None = Field(description="It closed a period on this date.")


class MissingRange(BaseModel):
    """Numbers that a device gave to events and that have not come, both ends inclusive."""

    model_config = ConfigDict(from_attributes=True)

    device_id: str = Field(examples=["till-1"])
    first: int = Field(examples=[88215])
    last: int = Field(examples=[88217])


class TillDayRow(BaseModel):
    """A store on a business date on which it should have been heard."""

    model_config = ConfigDict(from_attributes=True)

    store_id: str
    business_date: date
    tills_expected: int | None = Field(description="Tills that the store names; null where it names none.", examples=[2])
    tills_heard: int = Field(description="Those of them that were heard; where the store names none, all that were.", examples=[1])
    tills_silent: list[str] = Field(description="Those of them that were not.", examples=[["T2"]])
    tills: list[TillHeard] = Field(description="All that were heard, named by the store or not.")
    numbers_missing: int | None = Field(
        description="Numbers below one that came with this date, or announced on it; null where no device of the store numbers its events.",
        examples=[3],
    )
    missing: list[MissingRange] = Field(description="The first twenty ranges of them.")
    last_heard_at: datetime | None = Field(description="The latest of all tills; null: nothing was heard at all.")


class TillDayPage(Answer):
    """One page of days, by store and business date."""

    known_at: KnownAtField
    rows: list[TillDayRow]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class TenderTotal(BaseModel):
    """One kind of tender in a period."""

    kind: str = Field(examples=["cash"])
    count: int = Field(description="Number of tenders.", examples=[41])
    amount: int = Field(description="Σ amount − change − tip of sales, less that of returns and voids, minor units.", examples=[812300])


class PeriodFigures(BaseModel):
    """The figures of a period as a closing defines them; amounts in minor units, with the tax that prices contain."""

    sales_count: int
    returns_count: int
    voids_count: int = Field(description="Voids after completion.")
    no_sales_count: int = Field(description="Drawer openings without a sale.")
    gross: int
    discounts: int
    returns: int
    voids: int
    tax: int
    tips: int
    tenders: list[TenderTotal]


class FigureDifference(BaseModel):
    """A figure that is not the same in the closing and in the events."""

    model_config = ConfigDict(from_attributes=True)

    figure: str = Field(description="Name of the figure, tenders.<kind>.count or .amount, or expected_cash.", examples=["gross"])
    reported: int = Field(description="As the till closed.")
    counted: int = Field(description="As its events add up.")
    difference: int = Field(description="reported − counted.")


class PeriodCash(BaseModel):
    """The cash of a period as its events add up, against what was counted; minor units."""

    model_config = ConfigDict(from_attributes=True)

    verdict: Literal["balanced", "over", "short", "uncounted", "unknown"] = Field(
        description="uncounted: the till counted nothing, or is open. unknown: `expected` is null."
    )
    float_amount: int | None = Field(
        description="Put into the drawer when the period began; null where no opening came.", examples=[300000]
    )
    sales: int = Field(description="Paid in cash less change and tips, less what was paid back in cash.", examples=[415300])
    paid_in: int = Field(examples=[100000])
    paid_out: int = Field(description="Without what was brought to the bank.", examples=[0])
    bank_drops: int = Field(examples=[200000])
    expected: int | None = Field(
        description="float_amount + sales + paid_in − paid_out − bank_drops; null where the float or a receipt's tenders are not known.",
        examples=[615300],
    )
    counted: int | None = Field(description="As the till closed.", examples=[615000])
    difference: int | None = Field(description="counted − expected: negative where cash is missing.", examples=[-300])
    untendered: int = Field(description="Receipts that do not say how they were paid.", examples=[0])


class TillPeriodRow(BaseModel):
    """A period of a till: what it reported when it closed against what its events add up to."""

    store_id: str
    till_id: str
    period_id: str
    business_date: date = Field(description="The earliest that any of its events names.")
    opened_at: datetime | None
    closed_at: datetime | None = Field(description="Null while the period is open.")
    verdict: Literal["matches", "differs", "open"]
    currency: str | None = Field(description="Of the closing; null while the period is open.", examples=["KRW"])
    reported: PeriodFigures | None
    counted: PeriodFigures
    differences: list[FigureDifference]
    receipts_missing: int = Field(description="Receipts that the till counted and that have not come.", examples=[0])
    cash: PeriodCash
    first_receipt_id: str | None = Field(description="As the till closed.")
    last_receipt_id: str | None = Field(description="As the till closed.")
    expected_cash: int | None = Field(description="As the till closed, minor units.")
    counted_cash: int | None = Field(description="As the till closed, minor units.")


class TillPeriodPage(Answer):
    """One page of periods, by store, business date, till and period."""

    known_at: KnownAtField
    rows: list[TillPeriodRow]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class ReceiptEvent(BaseModel):
    """One of several events that count under one receipt number."""

    model_config = ConfigDict(from_attributes=True)

    event_id: UUID = Field(description="What a correction names as `corrects_event_id`.")
    occurred_at: datetime = Field(description="By the till's own clock.")
    recorded_at: datetime = Field(description="Broker time.")
    period_id: str | None = Field(description="Till period that it names.", examples=["20261120-1-A"])


class ReceiptTwiceRow(BaseModel):
    """A receipt number that several events bear which all count: same store, business date, till and type."""

    model_config = ConfigDict(from_attributes=True)

    store_id: str
    business_date: date
    receipt_id: str = Field(examples=["20261120-1-0457"])
    till_id: str | None = Field(description="Null where neither the receipts nor their device say it.", examples=["1"])
    type: Literal["sale.completed.v1", "sale.returned.v1", "sale.voided.v1"]
    events: list[ReceiptEvent] = Field(description="First recorded first.")


class ReceiptTwicePage(Answer):
    """One page of receipt numbers, by store, business date, number, till and type."""

    known_at: KnownAtField
    rows: list[ReceiptTwiceRow]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


OF_THE_CLOSING: tuple[str, ...] = ("currency", "first_receipt_id", "last_receipt_id", "expected_cash", "counted_cash")
"""Fields that are told as the till sent them."""
