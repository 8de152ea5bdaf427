"""Sales: one event a receipt, completed, returned or voided. Amounts are minor units; prices exclude tax here."""

from typing import Literal
from uuid import UUID

from pydantic import Field, model_validator

from contracts.fields import Amount, Code, Currency, DecimalRemainder, DecimalString, Model, Ordinal, Text
from contracts.money import line_amount


class SaleLine(Model):
    """One line of a receipt. Quantities and amounts are never negative: what kind of line it is says the direction."""

    line: Ordinal = Field(description="Position on the receipt, from 1.")
    kind: Literal["item", "service", "return"] = Field(
        default="item", description="'service' (postage, fees, gift cards) is no net sale; 'return' is the returned part of an exchange."
    )
    sku: Code
    description: Text | None = None
    quantity: DecimalString = Field(gt=0, description="Units, or kilograms of weighed goods.")
    unit_price: DecimalString = Field(ge=0, description="List price of one unit, major units, before discount.")
    gross: Amount = Field(description="quantity × unit_price, minor units, rounded half up.")
    discount: Amount = Field(default=0, description="Discount on the line, minor units.")
    tax: Amount = Field(default=0, description="Tax on top, minor units; never part of net sales.")


class Receipt(Model):
    """What a completed, a returned and a voided sale have in common."""

    receipt_id: Code
    currency: Currency
    lines: tuple[SaleLine, ...] = Field(min_length=1, max_length=5000)
    rounding_remainder: DecimalRemainder = Field(
        default=0, validate_default=True, description="Σ exact − Σ rounded of the lines, major units."
    )
    till_id: Code | None = None
    employee_id: Code | None = Field(default=None, description="Opaque id of the cashier.")
    customer_ref: Code | None = Field(default=None, description="Opaque reference, never a name or number of a person.")
    channel: Literal["store", "online", "phone", "delivery"] = "store"

    @model_validator(mode="after")
    def _lines_agree(self) -> "Receipt":
        if len({line.line for line in self.lines}) != len(self.lines):
            raise ValueError("line numbers that differ within a receipt")
        for line in self.lines:
            expected, _ = line_amount(line.unit_price, line.quantity, self.currency)
            if line.gross != expected:
                raise ValueError(f"gross {expected} on line {line.line} (quantity × unit_price, rounded half up)")
            if line.discount > line.gross:
                raise ValueError(f"a discount of at most {line.gross} on line {line.line}")
        return self


class SaleCompleted(Receipt):
    """A sale was completed and paid."""


class SaleReturned(Receipt):
    """Goods came back; counts on the return's own business date. Unlinked returns name no sale."""

    original_event_id: UUID | None = None
    original_receipt_id: Code | None = None
    reason: Text | None = None


class SaleVoided(Receipt):
    """A sale was voided: before completion it never counted, after completion it reverses on the void's date."""

    phase: Literal["before_completion", "after_completion"]
    voided_event_id: UUID | None = None
    reason: Text | None = None
    approver_id: Code | None = None
