"""Columns that fit by name, but whose cells the loader would refuse: better left out than whole lines quarantined for them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pydantic import TypeAdapter, ValidationError

from contracts.fields import Code, PersonRef
from contracts.money import MINOR_DIGITS
from producers.mappings.drafting.finding import Finding
from producers.mappings.drafting.profile import Profile
from producers.mappings.drafting.sampling import Sample
from producers.mappings.drafting.words import Role

Roles = Mapping[Role, Finding[Profile]]
_PEOPLE: tuple[Role, ...] = ("customer", "employee")
_CODES: tuple[Role, ...] = (*_PEOPLE, "till")
_CODE: TypeAdapter[str] = TypeAdapter(Code)
_PERSON: TypeAdapter[str] = TypeAdapter(PersonRef)
_EXTRAS: tuple[Role, ...] = ("discount", "tax")


def without_refusals(roles: Roles, sample: Sample, currency: str) -> tuple[Roles, list[str]]:
    """Take out optional columns with cells that would be refused; return the rest, and what was left out and why."""
    digits = MINOR_DIGITS.get(currency, 2)
    notes: dict[Role, str] = {}
    for role in _CODES:
        if role in roles and (why := _unfit(role, sample.column(roles[role].value.place))):
            notes[role] = why
    for role in _EXTRAS:
        if role in roles and not _whole_units(roles[role].value.numbers, digits):
            notes[role] = f"it has more than {digits} digits after the decimal mark"
    kept = {role: finding for role, finding in roles.items() if role not in notes}
    return kept, [f"{role}: column {roles[role].value.name!r} is left out, {why}" for role, why in notes.items()]


def _unfit(role: Role, texts: Sequence[str]) -> str:
    """Say why a column of codes is better left out; events never carry the name, number or address of a person."""
    distinct = {text for text in texts if text}
    if role in _PEOPLE and distinct and sum(any(letter.isdigit() for letter in text) for text in distinct) < 0.5 * len(distinct):
        return "it seems to hold names of people; events carry opaque ids only"
    model = _PERSON if role in _PEOPLE else _CODE
    try:
        for text in distinct:
            model.validate_python(text)
    except ValidationError as error:
        return f"not each of its texts is {error.errors()[0]['msg'].removeprefix('Value error, ')}"
    return ""


def _whole_units(numbers: Sequence[Decimal | None], digits: int) -> bool:
    return all(number is None or number.scaleb(digits) == int(number.scaleb(digits)) for number in numbers)
