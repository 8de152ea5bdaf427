"""What the facts of sales say beside the KPIs: what changed a figure, how receipts were paid, what cashiers voided and refunded."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.freshness import Answer, KnownAtField
from api.schemas.kpis import Money
from contracts.fields import DecimalString


class SalesChangeRow(BaseModel):
    """One fact and what it did to the figures since, negative where it took something away; the sum of all is the difference."""

    store_id: str
    business_date: date
    event_id: UUID
    event_type: str = Field(description="Of what counts, or no longer does: a correction has the type of its right content.")
    what: Literal["came", "taken_back", "counts_again"] = Field(
        description="came: recorded since. taken_back: corrected since. counts_again: what had corrected it was corrected since."
    )
    caused_by: UUID = Field(description="The fact recorded since: the event itself, or a correction.")
    recorded_at: datetime = Field(description="When the log had `caused_by`.")
    corrects_event_id: UUID | None = Field(description="The wrong event, where this one is a correction with the right content.")
    currency: str
    gross_sales: Money
    discounts: Money
    returns: Money
    voids: Money
    net_sales: Money
    transactions: int


class SalesDifference(BaseModel):
    """The figure then and now, in one currency."""

    currency: str
    net_sales_then: Money
    net_sales_now: Money
    net_sales_difference: Money


class SalesChanges(Answer):
    """Why sales are no longer what they were: one page of changes by store and business date."""

    since: datetime
    from_date: date
    until_date: date
    totals: list[SalesDifference] = Field(description="Over everything asked for, not over this page alone.")
    rows: list[SalesChangeRow]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class TenderRow(BaseModel):
    """Payments of one kind on a business date; without change and tips."""

    store_id: str
    business_date: date
    kind: str = Field(examples=["cash"])
    currency: str
    tenders: int = Field(description="How many there were, those paid back included.")
    amount: Money = Field(description="received − paid_back.")
    received: Money
    paid_back: Money
    tips: Money


class TenderPage(Answer):
    """One page of payments by store, business date, kind and currency."""

    known_at: KnownAtField
    rows: list[TenderRow]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class CashierRow(BaseModel):
    """What a cashier sold, voided and refunded in one till period or on one shift; counts are of receipts."""

    model_config = ConfigDict(from_attributes=True)

    store_id: str
    business_date: date
    employee_id: str = Field(description="Opaque id; empty where the receipts name nobody.")
    period_id: str | None = Field(description="Till period; empty where the receipts name none, null by shifts.")
    shift_id: str | None = Field(description="Published shift; empty for what was rung up off any, null by periods.")
    currency: str
    completed: int
    gross_sales: Money
    voided: int = Field(description="Voided after completion.")
    voids: Money
    cancelled: int = Field(description="Voided before completion: these never counted.")
    cancelled_amount: Money
    refunded: int = Field(description="Returns, and sales with returned lines.")
    refunds: Money
    void_rate: str | None = Field(description="voided ÷ completed; null where nothing was completed.", examples=["0.0200"])
    refund_rate: str | None = Field(description="refunds ÷ gross sales; null where nothing was sold.", examples=["0.0150"])


class CashierPage(Answer):
    """One page of cashiers by store, business date, cashier, till period or shift, and currency."""

    known_at: KnownAtField
    rows: list[CashierRow]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class SaleLineRow(BaseModel):
    """One line of a receipt; amounts in minor units, without tax where prices are without it."""

    model_config = ConfigDict(from_attributes=True)

    store_id: str
    business_date: date
    event_id: UUID
    line: int
    event_type: str = Field(examples=["sale.completed.v1"])
    is_correction: bool = Field(description="The right content of a receipt that was wrong.")
    occurred_at: datetime
    recorded_at: datetime = Field(description="Broker time.")
    phase: str = Field(description="Of a void: before_completion or after_completion.")
    kind: str = Field(description="item, service or return.", examples=["item"])
    sku: str
    quantity: DecimalString
    gross: int
    discount: int
    tax: int
    currency: str
    receipt_id: str
    till_id: str
    period_id: str
    employee_id: str = Field(description="Opaque id; empty where the receipt names nobody.")
    channel: str
    promotion_id: str


class SaleLinePage(Answer):
    """One page of lines by store, business date and event."""

    known_at: KnownAtField
    rows: list[SaleLineRow]
    next_cursor: str | None = Field(description="For the next page; null on the last.")
