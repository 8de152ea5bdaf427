"""The rounding of a line against exact fractions."""

from decimal import Decimal
from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from contracts.money import MINOR_DIGITS, line_amount, to_major, told_money

wide = st.decimals("0", "9999999999999.99999", places=5)


@given(wide, wide, st.sampled_from(sorted(MINOR_DIGITS)))
def test_a_line_is_rounded_half_up_and_the_remainder_is_exact(price: Decimal, quantity: Decimal, currency: str) -> None:
    """floor(x + 1/2) of the exact product in minor units; rounded plus remainder is the exact product."""
    exact = Fraction(price) * Fraction(quantity)
    scale = 10 ** MINOR_DIGITS[currency]

    minor, remainder = line_amount(price, quantity, currency)

    assert floor(exact * scale + Fraction(1, 2)) == minor
    assert exact == Fraction(minor, scale) + Fraction(remainder)


@given(st.integers(-(10**12), 10**12), st.sampled_from(sorted(MINOR_DIGITS)))
def test_major_units_hold_the_same_value(minor: int, currency: str) -> None:
    """Nothing is lost on the way to the display."""
    assert Fraction(minor, 10 ** MINOR_DIGITS[currency]) == Fraction(to_major(minor, currency))


def test_half_a_won_goes_up() -> None:
    """435 g of apples at 12,900 won a kilogram are 5,611.5 won: 5,612 on the receipt, half a won reported."""
    assert (5612, Decimal("-0.5")) == line_amount(Decimal(12900), Decimal("0.435"), "KRW")


def test_money_is_told_to_people_in_one_form() -> None:
    """Thousands apart, with all minor digits of the currency, and its code behind."""
    told = [told_money(minor, currency) for minor, currency in ((1_234_500, "GBP"), (-69_010, "KRW"), (5, "KWD"), (6_000, None))]
    assert told == ["12,345.00 GBP", "-69,010 KRW", "0.005 KWD", "6,000 minor units"]
