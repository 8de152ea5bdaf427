"""Which column plays which role: by its name, by what its cells are like, and by quantity times price giving an amount."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import get_args

from contracts.money import MINOR_DIGITS
from producers.mappings.drafting.finding import Finding
from producers.mappings.drafting.profile import Profile
from producers.mappings.drafting.words import Role, likeness

REQUIRED: tuple[Role, ...] = ("occurred_at", "receipt", "sku", "quantity", "unit_price")
_NAME_WEIGHT = 2.0
_PRODUCT_ROWS = 400


@dataclass(frozen=True, slots=True)
class Product:
    """Columns of which the first two, multiplied, give the third."""

    factors: tuple[int, int]
    amount: int

    def plays(self, role: Role, place: int) -> bool:
        """Tell whether a column has a part in the product that fits a role."""
        return place in self.factors if role in {"quantity", "unit_price"} else role == "amount" and place == self.amount


def roles_of(profiles: Sequence[Profile]) -> Mapping[Role, Finding[Profile]]:
    """Give each role the column that fits it best, each column one role at most; roles that nothing fits are absent."""
    product = product_of(profiles)
    offers = [
        (fit + _NAME_WEIGHT * likeness(profile.name, role), role, profile)
        for role in get_args(Role)
        for profile in profiles
        if (fit := _fit(role, profile, product)) is not None and (role in REQUIRED or likeness(profile.name, role) >= 0.5)
    ]
    found: dict[Role, Finding[Profile]] = {}
    taken: set[int] = set()
    for _, role, profile in sorted(offers, key=lambda offer: (-offer[0], offer[1], offer[2].place)):
        if role not in found and profile.place not in taken:
            found[role] = _finding(role, profile, product)
            taken.add(profile.place)
    return found


def _finding(role: Role, profile: Profile, product: Product | None) -> Finding[Profile]:
    named = likeness(profile.name, role)
    proved = product is not None and product.plays(role, profile.place)
    basis = "the name says so" if named == 1 else "the name hints at it" if named else "no name fits; the cells look like it"
    if proved:
        basis += ", and quantity times price gives the amount of the line"
    sureness = "sure" if named == 1 or (named and proved) else "likely" if named > 0.5 or proved else "unsure"
    return Finding(profile, sureness, basis)  # type: ignore[arg-type]


def product_of(profiles: Sequence[Profile]) -> Product | None:
    """Find two columns of numbers whose product is a third; lines where a factor is 0 or ±1 prove nothing."""
    numeric = [profile for profile in profiles if profile.is_number and profile.filled > 0.9 and profile.distinct > 1]
    for amount in numeric:
        for one, other in combinations([profile for profile in numeric if profile is not amount], 2):
            if _multiplies(one.numbers, other.numbers, amount.numbers):
                return Product((one.place, other.place), amount.place)
    return None


def _multiplies(one: Sequence[Decimal | None], other: Sequence[Decimal | None], amount: Sequence[Decimal | None]) -> bool:
    trivial = (Decimal(0), Decimal(1), Decimal(-1), None)
    rows = [(a, b, c) for a, b, c in zip(one, other, amount, strict=True) if a not in trivial and b not in trivial and c is not None]
    rows = rows[:_PRODUCT_ROWS]
    right = sum(abs(abs(a * b) - abs(c)) <= Decimal("0.01") for a, b, c in rows if a is not None and b is not None)
    return len(rows) >= 5 and right >= 0.8 * len(rows)


def _fit(role: Role, profile: Profile, product: Product | None) -> float | None:
    """Return how well the cells fit a role, 0 to about 1; None where they cannot play it."""
    proved = 0.5 if product is not None and product.plays(role, profile.place) else 0.0
    if role in {"occurred_at", "clock"}:
        return _fit_of_time(role, profile)
    if role in {"quantity", "unit_price", "amount", "discount", "tax"}:
        fit = _fit_of_number(role, profile)
        return None if fit is None else fit + proved
    return _fit_of_text(role, profile)


def _fit_of_time(role: Role, profile: Profile) -> float | None:
    if role == "clock":
        return 0.5 if profile.clocks is not None and profile.moments is None else None
    if profile.moments is None or profile.filled < 0.9:
        return None
    return 0.6 * profile.moments.share + (0.4 if profile.moments.has_clock else 0.0)


def _fit_of_number(role: Role, profile: Profile) -> float | None:
    if not profile.is_number or (role in REQUIRED and (profile.filled < 0.9 or profile.zero > 0.9)):
        return None
    if role == "quantity":
        return 0.3 * profile.whole + (0.3 if profile.middle <= 20 else 0.0) + (0.2 if profile.negative else 0.0)
    if role == "unit_price":
        return 0.3 * (1 - profile.negative) + (0.2 if profile.whole < 1 else 0.0) + (0.2 if profile.distinct > 3 else 0.0)
    return 0.1


def _fit_of_text(role: Role, profile: Profile) -> float | None:
    if role == "receipt":
        return _fit_of_receipt(profile)
    if role == "sku":
        code_like = profile.filled > 0.9 and profile.distinct > 1 and profile.whole in {0.0, 1.0} and not profile.moments
        return 0.4 * (1 - profile.spaced) + 0.2 * (1 - profile.repeated) if code_like else None
    if role == "currency":
        return 1.0 if profile.frequent and all(text in MINOR_DIGITS for text in profile.frequent) else None
    if role == "store":
        return 0.5 * profile.repeated if profile.filled > 0.9 and profile.distinct <= 500 and not profile.moments else None
    if role == "description":
        return 0.3 * profile.worded + 0.2 * profile.spaced if not profile.is_number and not profile.moments else None
    if role == "kind":
        return 0.2 if 2 <= profile.distinct <= 12 and profile.worded > 0.5 else None
    return 0.2


def _fit_of_receipt(profile: Profile) -> float | None:
    """A receipt is on every line, mostly on several lines in a row, and there are many of them."""
    if profile.filled < 0.95 or profile.distinct < 2 or (profile.numeric > 0 and profile.whole < 1):
        return None
    if profile.moments is not None and not likeness(profile.name, "receipt"):  # a day with a number behind it can be read as a time
        return None
    return (0.4 if 0.05 < profile.repeated < 0.98 else 0.0) + (0.3 if profile.distinct > 12 else 0.0) + 0.1 * (1 - profile.spaced)
