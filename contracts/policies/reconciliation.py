"""How far figures may lie apart before a reconciliation of the business reports them: data of a chain or store, not code."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal

from pydantic import Field

from contracts.fields import Amount, Currency, DecimalString, Model
from contracts.policies.parameters import PolicyParameters
from contracts.tenders import TenderKind


class CurrencyAmount(Model):
    """An amount of one currency."""

    currency: Currency = Field(description="ISO 4217 code.", examples=["KRW"])
    amount: Amount = Field(description="Minor units.", examples=[10])


class TenderTolerance(Model):
    """How far a kind of tender may lie apart, in one currency."""

    kind: TenderKind = Field(description="How it was paid.")
    currency: Currency = Field(description="ISO 4217 code.", examples=["KRW"])
    amount: Amount = Field(description="Minor units.", examples=[100])


def _amounts(**of_currency: int) -> tuple[CurrencyAmount, ...]:
    return tuple(CurrencyAmount(currency=currency, amount=amount) for currency, amount in of_currency.items())


_COINS: Final = _amounts(AUD=5, CAD=5, CHF=5, KRW=10, MYR=5, NZD=10, SGD=5)
_DRAWERS: Final = _amounts(AUD=500, CAD=500, CHF=500, EUR=500, GBP=500, JPY=500, KRW=1000, NZD=500, SGD=500, USD=500)


class ReconciliationPolicy(PolicyParameters):
    """Tolerances by currency and kind of tender; what is not named must agree to the minor unit."""

    policy: Literal["reconciliation"] = Field(default="reconciliation", description="Names the policy; always written.")
    coins: tuple[CurrencyAmount, ...] = Field(
        default=_COINS, max_length=50, description="Smallest coin to which totals paid in cash are rounded; not named: no rounding."
    )
    tenders: tuple[TenderTolerance, ...] = Field(
        default=(),
        max_length=200,
        description="How far a Z report may lie from its receipts by kind of tender; not named: one coin for cash, nothing for others.",
    )
    drawers: tuple[CurrencyAmount, ...] = Field(
        default=_DRAWERS, max_length=50, description="How much more or less than expected may be counted in a drawer."
    )
    count_units: DecimalString = Field(
        default=Decimal(5), ge=0, validate_default=True, description="How far a count may lie from the book, units.", examples=["5"]
    )
    count_percent: DecimalString = Field(
        default=Decimal(1),
        ge=0,
        le=100,
        validate_default=True,
        description="And how far more, percent of the units that moved since the count before.",
        examples=["1"],
    )

    def coin(self, currency: str) -> int:
        """Return the step to which cash is rounded, minor units; 0 for none."""
        return _of(self.coins, currency)

    def tender(self, kind: str, currency: str) -> int:
        """Return how far sums of a kind of tender may lie apart, minor units."""
        named = [row.amount for row in self.tenders if (row.kind, row.currency) == (kind, currency)]
        return named[-1] if named else self.coin(currency) if kind == "cash" else 0

    def drawer(self, currency: str) -> int:
        """Return how far a counted drawer may lie from what it should hold, minor units."""
        return _of(self.drawers, currency)

    def count(self, moved: Decimal) -> Decimal:
        """Return how far a count may lie from the book when so many units moved since the count before."""
        return self.count_units + self.count_percent * moved / 100


def _of(amounts: Sequence[CurrencyAmount], currency: str) -> int:
    return next((row.amount for row in reversed(amounts) if row.currency == currency), 0)
