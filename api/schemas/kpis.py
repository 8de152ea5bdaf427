"""Sales KPIs: amounts in minor units and as major-unit decimals, ratios null where nothing was sold."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.freshness import Answer, KnownAtField
from contracts.money import to_major


class Money(BaseModel):
    """An amount: exact minor units, and the same as a decimal in major units."""

    minor: int = Field(examples=[123450])
    major: str = Field(examples=["1234.50"])

    @classmethod
    def of(cls, minor: int, currency: str) -> "Money":
        """Return an amount of minor units of a currency."""
        return cls(minor=minor, major=format(to_major(minor, currency), "f"))


class AverageMoney(BaseModel):
    """An average amount: minor units with four decimals, rounded half up, and the same in major units."""

    minor: str = Field(examples=["2057.5000"])
    major: str = Field(examples=["20.575000"])


class SalesFigures(BaseModel):
    """Sales of one currency: net sales = gross − discounts − returns − voids, over item lines only."""

    currency: str = Field(examples=["GBP"])
    net_sales: Money
    gross_sales: Money
    discounts: Money
    returns: Money
    voids: Money
    service_amount: Money = Field(description="Postage, fees and the like: never part of net sales.")
    transactions: int = Field(examples=[60])
    units: str = Field(description="Item quantity of completed sales less voided ones.", examples=["42"])
    average_transaction_value: AverageMoney | None = Field(
        description="(gross − discounts − voids) ÷ transactions; null without transactions."
    )
    units_per_transaction: str | None = Field(description="units ÷ transactions, four decimals; null without transactions.")


class Finality(BaseModel):
    """Whether figures may still change unannounced: a business date is final a week after its cut-off, and then only revised."""

    model_config = ConfigDict(from_attributes=True)

    status: Literal["provisional", "final", "revised"] = Field(
        description="provisional: a business date asked for is not over, or was not a week ago. revised: facts came after that week."
    )
    late_facts: int = Field(
        description="Receipts and corrections of these business dates that came after their week; by the ticks where time is simulated.",
        examples=[0],
    )
    last_late_at: datetime | None = Field(description="Broker time at which the last of them came; null: none did.")


class SalesRow(SalesFigures, Finality):
    """Sales of one group; of the parts of its key, those are set that were asked for."""

    store_id: str | None = None
    hour: datetime | None = Field(default=None, description="Start of the local hour; with the store's offset when grouped by store.")
    period: date | None = Field(default=None, description="Business date, Monday of the week, or first of the month.")
    channel: str | None = Field(default=None, description="Where the sale was made.", examples=["online"])
    promotion_id: str | None = Field(
        default=None,
        description="Promotion of the lines, empty for lines without one; a receipt is a transaction of each promotion that it has.",
    )


class SalesReport(Answer, Finality):
    """Rows by time, store and currency; totals per currency: amounts of different currencies are never added."""

    from_date: date = Field(description="First business date asked for.")
    until_date: date = Field(description="Last business date asked for.")
    group_by: list[str]
    known_at: KnownAtField
    final_until: date | None = Field(
        description="Last business date that is final or revised for every store asked for; null: none is known to be."
    )
    rows: list[SalesRow]
    totals: list[SalesFigures] = Field(description="Over everything asked for, not over this page alone.")
    next_cursor: str | None = Field(default=None, description="For the next page; null on the last.")
