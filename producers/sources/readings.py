"""Read single fields of a line (text, codes, decimals, times, amounts), each distinct text once.

Every reader either returns a value that its event model accepts or raises LineRefused.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from operator import itemgetter
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from contracts.errors import Problem
from contracts.fields import Code, DecimalString, PersonRef, plain
from contracts.money import line_amount, minor_digits
from producers.mappings.schema import Column, CsvFormat, TimeColumn

Cells = Sequence[str]
Reading = Callable[[Cells], str]
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_MEMO_LIMIT = 200_000
_MAX_TEXT = 500
_CODE: TypeAdapter[str] = TypeAdapter(Code)
_PERSON: TypeAdapter[str] = TypeAdapter(PersonRef)
_DECIMAL: TypeAdapter[Decimal] = TypeAdapter(DecimalString)


class LineRefused(Exception):
    """A line that cannot become part of an event; the pointer names its column."""

    def __init__(self, code: str, column: str, expected: str) -> None:
        self.problem = Problem(code, "/" + column.replace("~", "~0").replace("/", "~1") if column else "", expected)
        super().__init__(str(self.problem))


class Memo(dict[K, V], Generic[K, V]):
    """Remembers what a function made of each distinct key: exports repeat the same few texts a million times."""

    def __init__(self, read: Callable[[K], V]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, key: K) -> V:
        value = self._read(key)
        if len(self) >= _MEMO_LIMIT:
            self.clear()
        self[key] = value
        return value


def text_of(column: Column, index: Mapping[str, int]) -> Reading:
    """Return the function that takes a field's text from a line's cells."""
    places = [index[name] for name in column.columns]
    if len(places) == 1 and not (column.remove_prefix or column.remove_suffix or column.case != "keep"):
        (place,) = places
        return lambda cells: cells[place].strip()
    change = _changed(column)
    if len(places) == 1:
        cell: Callable[[Cells], str] = itemgetter(places[0])
        return lambda cells: change[cell(cells)]
    return lambda cells: change[column.join.join(cells[place].strip() for place in places)]


def _changed(column: Column) -> Memo[str, str]:
    def change(text: str) -> str:
        text = text.strip().removeprefix(column.remove_prefix).removesuffix(column.remove_suffix)
        return {"keep": text, "upper": text.upper(), "lower": text.lower()}[column.case]

    return Memo(change)


def name_of(column: Column | None) -> str:
    """Return how a refusal names the field: its columns in the file."""
    return "+".join(column.columns) if column else ""


def codes(column: Column) -> Memo[str, str]:
    """Read identifiers (receipt, SKU, till …) as the contracts allow them."""

    def read(text: str) -> str:
        if not text:
            raise LineRefused("missing", name_of(column), "a value")
        try:
            text.encode()
            return _CODE.validate_python(text)
        except (ValidationError, UnicodeEncodeError) as error:
            raise LineRefused("not_a_code", name_of(column), "1 to 120 printable characters without '|'") from error

    return Memo(read)


def person_refs(column: Column) -> Memo[str, str]:
    """Read opaque ids of people; what looks like an address or a number of a person is refused, as the contracts refuse it."""
    known = codes(column)

    def read(text: str) -> str:
        try:
            return _PERSON.validate_python(known[text])
        except ValidationError as error:
            raise LineRefused("not_opaque", name_of(column), "an opaque id, not an e-mail address, a phone or a resident number") from error

    return Memo(read)


def descriptions(column: Column) -> Memo[str, str | None]:
    """Read free text; none where it is empty."""

    def read(text: str) -> str | None:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise LineRefused("unreadable_text", name_of(column), "text in the encoding that the mapping names") from error
        if len(text) > _MAX_TEXT:
            raise LineRefused("too_long", name_of(column), f"at most {_MAX_TEXT} characters")
        return text or None

    return Memo(read)


def number_of(text: str, style: CsvFormat) -> Decimal | None:
    """Read a plain decimal in the file's notation; None where it is not one."""
    if style.thousands_mark:
        text = text.replace(style.thousands_mark, "")
    if style.decimal_mark == ",":
        text = text.replace(",", ".") if "." not in text else ""
    if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)", text, re.ASCII):
        return None
    return Decimal(plain(Decimal(text)))


def numbers(column: Column, style: CsvFormat) -> Memo[str, Decimal]:
    """Read decimals that fit the contracts (18 digits, 5 after the point)."""

    def read(text: str) -> Decimal:
        value = number_of(text, style)
        try:
            if value is not None:
                return _DECIMAL.validate_python(value)
        except ValidationError:
            pass
        raise LineRefused("not_a_number", name_of(column), "a number of at most 18 digits, 5 of them after the decimal mark")

    return Memo(read)


@dataclass(frozen=True, slots=True)
class Amount:
    """A priced line: `gross` in minor units, `remainder` what rounding left over, major units."""

    quantity: Decimal
    unit_price: Decimal
    gross: int
    remainder: Decimal


class Amounts:
    """Prices lines; `magnitude` drops signs, for sources that write returns with minus."""

    def __init__(self, quantity: Column, unit_price: Column, style: CsvFormat) -> None:
        self._columns = (quantity, unit_price)
        self._quantities, self._prices = numbers(quantity, style), numbers(unit_price, style)
        self._priced = Memo(self._price)

    def read(self, quantity: str, unit_price: str, currency: str, magnitude: bool) -> Amount:
        """Return the amount of a line; LineRefused for a quantity that is not above zero or a price below it."""
        return self._priced[quantity, unit_price, currency, magnitude]

    def quantity(self, text: str) -> Decimal:
        """Return a quantity with its sign."""
        return self._quantities[text]

    def _price(self, key: tuple[str, str, str, bool]) -> Amount:
        quantity, price = self._quantities[key[0]], self._prices[key[1]]
        if key[3]:
            quantity, price = abs(quantity), abs(price)
        if quantity <= 0:
            raise LineRefused("wrong_sign", name_of(self._columns[0]), "a quantity above zero")
        if price < 0:
            raise LineRefused("wrong_sign", name_of(self._columns[1]), "a price of zero or more")
        return Amount(quantity, price, *line_amount(price, quantity, key[2]))


def minor_units(column: Column, style: CsvFormat) -> Callable[[str, str], int]:
    """Return a reader of whole minor units of a currency; an empty text is zero, minus signs are dropped."""
    read = numbers(column, style)

    def amount(text: str, currency: str) -> int:
        value = abs(read[text]).scaleb(minor_digits(currency)) if text else Decimal(0)
        if value != int(value):
            raise LineRefused("not_minor_units", name_of(column), f"at most {minor_digits(currency)} digits after the decimal mark")
        return int(value)

    return amount


def times(column: TimeColumn) -> Memo[tuple[str, str], datetime]:
    """Read times by text and zone, with a fixed offset.

    A wall clock time that exists twice (clocks put back) is the first of the two; one that does not exist
    (clocks put forward) is read with the offset before the change.
    """

    def read(key: tuple[str, str]) -> datetime:
        text, zone = key
        for pattern in column.formats:
            try:
                moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is added below
            except ValueError:
                continue
            local = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone), fold=0)
            return local.replace(tzinfo=timezone(local.utcoffset() or timedelta()))
        raise LineRefused("not_a_time", name_of(column), "a time in the format " + " or ".join(column.formats))

    return Memo(read)
