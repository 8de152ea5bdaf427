"""Tills: periods that open and close with a count (Z report), drawer movements without a sale, and signs of life."""

from typing import Literal

from pydantic import Field, model_validator

from contracts.compiled_marks import judges_both_forms
from contracts.fields import Amount, Code, Counter, Currency, Model, Moment, Number, PersonRef, SignedAmount, Text
from contracts.tenders import TenderKind


class TillEvent(Model):
    """What every event of a till says."""

    till_id: Code = Field(description="Till within the store.", examples=["1"])


class TillOpened(TillEvent):
    """A till period began."""

    period_id: Code = Field(description="The period, unique within the till.", examples=["20261120-1-A"])
    currency: Currency = Field(description="ISO 4217 code.", examples=["KRW"])
    float_amount: Amount = Field(default=0, description="Cash put into the drawer, minor units.", examples=[300000])
    employee_id: PersonRef | None = Field(default=None, description="Opaque id of who opened it.", examples=["E-1042"])


class TenderTotal(Model):
    """What a till period took in one kind of tender, less what it paid back."""

    kind: TenderKind = Field(description="How it was paid.")
    count: Number = Field(description="Number of tenders.", examples=[41])
    amount: SignedAmount = Field(
        description="Σ amount − change − tip of sales, less that of returns and voids, minor units.", examples=[812300]
    )


class TillClosed(TillEvent):
    """A till period ended: its Z report, as the till counted it."""

    period_id: Code = Field(description="The period that TillOpened began.", examples=["20261120-1-A"])
    opened_at: Moment = Field(description="When the period began.", examples=["2026-11-20T08:55:00+09:00"])
    z_number: Number | None = Field(
        default=None, description="The till's own counter of closings: one more each time, so that a lost closing is seen.", examples=[1042]
    )
    currency: Currency = Field(description="ISO 4217 code.", examples=["KRW"])
    sales_count: Number = Field(description="Completed receipts.", examples=[214])
    returns_count: Number = Field(default=0, description="Return receipts.", examples=[3])
    voids_count: Number = Field(default=0, description="Voids after completion.", examples=[1])
    no_sales_count: Number = Field(default=0, description="Drawer openings without a sale.", examples=[2])
    gross: Amount = Field(description="Σ gross of completed item lines, minor units.", examples=[2481200])
    discounts: Amount = Field(default=0, description="Σ discounts of completed item lines, minor units.", examples=[40300])
    returns: Amount = Field(default=0, description="Σ gross − discount of returned item lines, minor units.", examples=[18900])
    voids: Amount = Field(default=0, description="Σ gross − discount of item lines voided after completion, minor units.", examples=[5460])
    tax: SignedAmount = Field(default=0, description="Tax of sales less that of returns and voids, minor units.", examples=[219700])
    tips: Amount = Field(default=0, description="Tips, minor units.", examples=[0])
    tenders: tuple[TenderTotal, ...] = Field(default=(), max_length=50, description="Totals by kind of tender.")
    expected_cash: SignedAmount | None = Field(
        default=None, description="Cash that should be in the drawer, minor units.", examples=[512300]
    )
    counted_cash: Amount | None = Field(default=None, description="Cash that was counted, minor units.", examples=[512000])
    first_receipt_id: Code | None = Field(default=None, description="First receipt of the period.", examples=["20261120-1-0301"])
    last_receipt_id: Code | None = Field(default=None, description="Last receipt of the period.", examples=["20261120-1-0514"])
    employee_id: PersonRef | None = Field(default=None, description="Opaque id of who closed it.", examples=["E-1042"])

    @model_validator(mode="after")
    @judges_both_forms
    def _kinds_differ(self) -> "TillClosed":
        if len({row.kind for row in self.tenders}) != len(self.tenders):
            raise ValueError("one total for each kind of tender")
        return self


class TillHeartbeat(TillEvent):
    """A till is alive; without it no sales and no data look the same."""

    last_device_seq: Counter | None = Field(
        default=None, description="Number of the last event that the device has made.", examples=[88214]
    )
    waiting_events: Number = Field(default=0, description="Events that the till has not delivered yet.", examples=[0])
    software_version: Text | None = Field(default=None, description="Version of the till's software.", examples=["4.18.2"])


class DrawerMovement(TillEvent):
    """Cash that moved without a sale."""

    currency: Currency = Field(description="ISO 4217 code.", examples=["KRW"])
    amount: Amount = Field(gt=0, description="How much, minor units.", examples=[100000])
    reason: Text | None = Field(default=None, description="Why, as the cashier said it.", examples=["잔돈 보충"])
    period_id: Code | None = Field(default=None, description="Till period that it belongs to.", examples=["20261120-1-A"])
    employee_id: PersonRef | None = Field(default=None, description="Opaque id of who moved it.", examples=["E-1042"])
    approver_id: PersonRef | None = Field(default=None, description="Opaque id of who approved it.", examples=["E-0007"])


class CashPaidIn(DrawerMovement):
    """Cash was put into the drawer."""


class CashPaidOut(DrawerMovement):
    """Cash was taken from the drawer: an expense, or a bank drop."""

    purpose: Literal["expense", "bank_drop", "other"] = Field(default="other", description="What it was taken for.")


class DrawerOpened(TillEvent):
    """The drawer was opened without a sale."""

    reason: Text | None = Field(default=None, description="Why, as the cashier said it.", examples=["지폐 교환"])
    period_id: Code | None = Field(default=None, description="Till period that it belongs to.", examples=["20261120-1-A"])
    employee_id: PersonRef | None = Field(default=None, description="Opaque id of who opened it.", examples=["E-1042"])
