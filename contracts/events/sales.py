"""Sales: one event a receipt, completed, returned, voided, suspended or practised. Amounts are minor units of the receipt's currency.

What a receipt counts for is said by its type: suspended and practised receipts move neither sales nor stock. A receipt that
was cancelled before completion is a void of that phase.
"""

from operator import attrgetter
from typing import Literal
from uuid import UUID

from pydantic import Field, model_validator

from contracts.compiled_marks import judges_both_forms
from contracts.fields import (
    Amount,
    Code,
    Currency,
    Day,
    DecimalRemainder,
    DecimalString,
    Model,
    Number,
    Ordinal,
    Personal,
    PersonRef,
    SignedAmount,
    Text,
)
from contracts.money import line_amount
from contracts.tenders import TenderKind

_number_of = attrgetter("line")


class SaleLine(Model):
    """One line of a receipt. Quantities and amounts are never negative: what kind of line it is says the direction."""

    line: Ordinal = Field(description="Position on the receipt, from 1.", examples=[1])
    kind: Literal["item", "service", "return"] = Field(
        default="item",
        description="'service' (postage, fees, deposits, gift cards sold) is no net sale; 'return' is the returned part of an exchange. "
        "On a return all lines came back, whatever their kind.",
    )
    sku: Code = Field(description="Stock keeping unit as the chain names it.", examples=["MILK-1L"])
    description: Text | None = Field(default=None, description="Name printed on the receipt.", examples=["서울우유 1L"])
    quantity: DecimalString = Field(gt=0, description="Units, or kilograms of weighed goods.", examples=["2"])
    unit_price: DecimalString = Field(ge=0, description="List price of one unit, major units, before discount.", examples=["2980"])
    gross: Amount = Field(description="quantity × unit_price, minor units, rounded half up.", examples=[5960])
    discount: Amount = Field(default=0, description="Discount on the line, minor units.", examples=[500])
    tax: Amount = Field(
        default=0,
        description="Tax on the line, minor units; never part of net sales. On top, or inside where tax_included.",
        examples=[546],
    )
    tax_included: bool = Field(default=False, description="Price, gross and discount contain the tax, as on Korean price tags.")
    tax_rate: DecimalString | None = Field(default=None, ge=0, description="Rate of the tax, percent; 0 for exempt goods.", examples=["10"])
    promotion_id: Code | None = Field(default=None, description="Promotion that gave the discount.", examples=["2026-11-MILK-2PLUS1"])
    list_price: DecimalString | None = Field(
        default=None, ge=0, description="Price on the shelf where the cashier overrode it, major units.", examples=["3200"]
    )
    gtin: Code | None = Field(default=None, description="Scanned GTIN, 8 to 14 digits, leading zeros kept.", examples=["8801115114031"])


class Tender(Model):
    """One way in which a receipt was paid, or a return was paid back."""

    kind: TenderKind = Field(description="How it was paid.")
    amount: Amount = Field(description="What was handed over, tip and change included, minor units.", examples=[12000])
    change: Amount = Field(default=0, description="What was given back in cash, minor units.", examples=[500])
    tip: Amount = Field(default=0, description="Tip within the amount, minor units; never part of net sales.", examples=[0])
    approval_code: Code | None = Field(default=None, description="Approval number of the card or mobile payment.", examples=["30012345"])
    approved_on: Day | None = Field(
        default=None, description="Date of the approval; with its number it names the payment that a Korean card cancel cancels."
    )
    installments: Number = Field(default=0, description="Months of a card payment in instalments, 0 for one payment.", examples=[3])
    cash_receipt: Personal | None = Field(
        default=None,
        description="Phone or card number of a Korean cash receipt, encrypted under the person's key.",
        examples=["enc.v1.C-88a1f0.q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ"],
    )


class TaxAmount(Model):
    """The tax of one rate on a receipt."""

    rate: DecimalString = Field(ge=0, description="Percent.", examples=["10"])
    taxable: Amount = Field(description="What the tax is on, without the tax, minor units.", examples=[10000])
    amount: Amount = Field(description="The tax, minor units.", examples=[1000])


class Receipt(Model):
    """What every kind of receipt has in common."""

    receipt_id: Code = Field(description="Number of the receipt as its till prints it.", examples=["20261120-1-0457"])
    currency: Currency = Field(description="ISO 4217 code; that of the store.", examples=["KRW"])
    lines: tuple[SaleLine, ...] = Field(min_length=1, max_length=5000, description="The lines; equal ones are legal.")
    rounding_remainder: DecimalRemainder = Field(
        default=0, validate_default=True, description="Σ exact − Σ rounded of the lines, major units.", examples=["0"]
    )
    till_id: Code | None = Field(default=None, description="Till within the store.", examples=["1"])
    period_id: Code | None = Field(default=None, description="Till period whose closing counts the receipt.", examples=["20261120-1-A"])
    employee_id: PersonRef | None = Field(default=None, description="Opaque id of the cashier.", examples=["E-1042"])
    customer_ref: PersonRef | None = Field(
        default=None, description="Opaque reference, never a name or number of a person.", examples=["C-88a1f0"]
    )
    channel: Literal["store", "online", "phone", "delivery"] = Field(default="store", description="Where the sale was made.")
    tenders: tuple[Tender, ...] = Field(default=(), max_length=100, description="How it was paid; several where it was split.")
    taxes: tuple[TaxAmount, ...] = Field(default=(), max_length=50, description="Tax by rate, where the till says it a receipt.")
    total: Amount | None = Field(
        default=None, description="What was due (for a return: paid back), tax included, tips not, minor units.", examples=[11500]
    )
    rounding_adjustment: SignedAmount = Field(
        default=0, description="Cash rounding and the like: total less the sum of the lines, minor units.", examples=[-2]
    )

    @model_validator(mode="after")
    @judges_both_forms
    def _lines_agree(self) -> "Receipt":
        if len(set(map(_number_of, self.lines))) != len(self.lines):
            raise ValueError("line numbers that differ within a receipt")
        for line in self.lines:
            expected, _ = line_amount(line.unit_price, line.quantity, self.currency)
            if line.gross != expected:
                raise ValueError(f"gross {expected} on line {line.line} (quantity × unit_price, rounded half up)")
            if line.discount > line.gross:
                raise ValueError(f"a discount of at most {line.gross} on line {line.line}")
            if line.tax_included and line.tax > line.gross - line.discount:
                raise ValueError(f"an included tax of at most {line.gross - line.discount} on line {line.line}")
        return self

    @model_validator(mode="after")
    @judges_both_forms
    def _total_agrees(self) -> "Receipt":
        if self.total is not None:
            _judge_total(self, sum(_due(line) * (-1 if line.kind == "return" else 1) for line in self.lines))
        return self


def _judge_total(receipt: Receipt, due: int) -> None:
    """A minor unit a line is a rounding difference, not an error: tills round line by line or once."""
    total = receipt.total or 0
    expected = abs(due + receipt.rounding_adjustment)
    if abs(total - expected) > len(receipt.lines):
        raise ValueError(f"a total of {expected} (Σ gross − discount + tax on top, plus rounding_adjustment)")
    paid = sum(tender.amount - tender.change - tender.tip for tender in receipt.tenders)
    if receipt.tenders and abs(paid - total) > len(receipt.lines):
        raise ValueError(f"tenders that sum up to {total} (Σ amount − change − tip), not {paid}")


def _due(line: SaleLine) -> int:
    return line.gross - line.discount + (0 if line.tax_included else line.tax)


class SaleCompleted(Receipt):
    """A sale was completed and paid."""


class SaleReturned(Receipt):
    """Goods came back; counts on the return's own business date. Unlinked returns name no sale."""

    original_event_id: UUID | None = Field(
        default=None, description="The sale, where its event is known.", examples=["019a9b3c-5d10-7c41-8a6e-2f5d9c3b7a01"]
    )
    original_receipt_id: Code | None = Field(default=None, description="The sale's receipt.", examples=["20261120-1-0457"])
    original_store_id: Code | None = Field(default=None, description="The store of the sale, where it is another.", examples=["HONGDAE-02"])
    original_approval_code: Code | None = Field(
        default=None, description="Approval number of the card payment that is cancelled.", examples=["30012345"]
    )
    original_approved_on: Day | None = Field(default=None, description="Date of that approval.", examples=["2026-11-20"])
    reason: Text | None = Field(default=None, description="Why, as the cashier said it.", examples=["유통기한"])
    approver_id: PersonRef | None = Field(default=None, description="Opaque id of who approved it.", examples=["E-0007"])

    @model_validator(mode="after")
    @judges_both_forms
    def _total_agrees(self) -> "SaleReturned":
        """All of it came back and is paid back: a line that is called a return is no exception from that."""
        if self.total is not None:
            _judge_total(self, sum(map(_due, self.lines)))
        return self


class SaleVoided(Receipt):
    """A sale was voided: before completion it never counted, after completion it reverses on the void's own business date."""

    phase: Literal["before_completion", "after_completion"] = Field(description="Whether the sale had counted already.")
    voided_event_id: UUID | None = Field(
        default=None, description="The sale, where its event is known.", examples=["019a9b3c-5d10-7c41-8a6e-2f5d9c3b7a01"]
    )
    voided_receipt_id: Code | None = Field(
        default=None, description="The sale's receipt, where the void has its own.", examples=["20261120-1-0457"]
    )
    reason: Text | None = Field(default=None, description="Why, as the cashier said it.", examples=["결제 오류"])
    approver_id: PersonRef | None = Field(default=None, description="Opaque id of who approved it.", examples=["E-0007"])


class SaleSuspended(Receipt):
    """A receipt was set aside unpaid; recalled and paid, it comes as a completed sale."""


class SalePractised(Receipt):
    """A receipt rung up in training mode: kept, and counted nowhere."""
