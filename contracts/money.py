"""Money as integer minor units of an ISO 4217 currency, and the one rounding rule of a line."""

from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

MINOR_DIGITS: dict[str, int] = {
    "AUD": 2, "BHD": 3, "CAD": 2, "CHF": 2, "CNY": 2, "EUR": 2, "GBP": 2, "HKD": 2, "IDR": 2, "INR": 2,
    "JPY": 0, "KRW": 0, "KWD": 3, "MYR": 2, "NZD": 2, "PHP": 2, "SGD": 2, "THB": 2, "TWD": 2, "USD": 2, "VND": 0,
}  # fmt: skip
"""ISO 4217 code to number of minor digits, for the currencies that stores may use."""


_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
"""Room for the product of two 18-digit decimals; the default 28 digits would round before we do."""


def minor_digits(currency: str) -> int:
    """Return the ISO 4217 exponent; KeyError for a currency that is not listed."""
    return MINOR_DIGITS[currency]


@lru_cache(maxsize=65_536)
def line_amount(unit_price: Decimal | str, quantity: Decimal | str, currency: str) -> tuple[int, Decimal]:
    """Price a line: minor units rounded half up (away from zero), and what rounding left over.

    `remainder` = exact − rounded, in major units, so a receipt can report what its lines dropped. Remembered: prices repeat.
    Decimals may come as text, which is found again faster.
    """
    digits = minor_digits(currency)
    exact = _EXACT.multiply(Decimal(unit_price), Decimal(quantity)).scaleb(digits, _EXACT)
    rounded = exact.quantize(Decimal(1), context=_EXACT)
    return int(rounded), _EXACT.subtract(exact, rounded).scaleb(-digits, _EXACT)


def without_tax(gross: int, discount: int, tax: int) -> tuple[int, int]:
    """Divide the tax out of a line whose price contains it, minor units; what is left of gross − discount is exact.

    `tax` is that of the discounted price; the discount gives up its share of it, rounded half up.
    """
    paid = gross - discount
    of_discount = int((Decimal(discount) * tax / paid).quantize(Decimal(1), ROUND_HALF_UP)) if paid else 0
    return paid - tax + discount - of_discount, discount - of_discount


def to_major(minor: int, currency: str) -> Decimal:
    """Convert minor units to a decimal in major units, for display."""
    return Decimal(minor).scaleb(-minor_digits(currency))


def told_money(minor: int, currency: str | None) -> str:
    """Write an amount for people: in major units with its currency, or as minor units where that is not known."""
    return f"{minor:,} minor units" if currency is None else f"{to_major(minor, currency):,f} {currency}"
