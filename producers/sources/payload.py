"""Read a vendor's JSON: each value knows where it stands, so that a refusal can point at it. Pure.

Numbers may come as decimals, integers or text; floating-point numbers are read by their shortest text.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from contracts.errors import Problem
from contracts.money import MINOR_DIGITS

_MAX_EXPONENT = 20


class Refused(Exception):
    """A part of a payload that cannot become an event."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a payload and its JSON pointer; a member that is missing is a node of None."""

    value: Any
    pointer: str = ""

    def refused(self, code: str, expected: str) -> Refused:
        """Return the error that refuses this value."""
        return Refused(Problem(code, self.pointer, expected))

    def at(self, *path: str) -> "Node":
        """Return a member, also of a member."""
        node = self
        for name in path:
            value = node.value.get(name) if isinstance(node.value, dict) else None
            node = Node(value, f"{node.pointer}/{name.replace('~', '~0').replace('/', '~1')}")
        return node

    def has(self, name: str) -> bool:
        """Tell whether a member is there and not null."""
        return self.at(name).value is not None

    def items(self, *path: str) -> list["Node"]:
        """Return the items of a member that is an array; what is not an array is one item, what is missing none."""
        node = self.at(*path)
        if node.value is None:
            return []
        if not isinstance(node.value, list):
            return [node]
        return [Node(value, f"{node.pointer}/{index}") for index, value in enumerate(node.value)]

    def text(self, *path: str) -> str:
        """Return a member as text (ids may be numbers); refused where it is missing."""
        node = self.at(*path)
        if isinstance(node.value, bool) or not isinstance(node.value, str | int) or node.value == "":
            raise node.refused("missing" if node.value in (None, "") else "not_a_text", "a text")
        found = str(node.value)
        if not _is_unicode(found):
            raise node.refused("not_a_text", "a text without halves of surrogate pairs")
        return found

    def text_or_none(self, *path: str) -> str | None:
        """Return a member as text, None where it is missing or empty."""
        return None if self.at(*path).value in (None, "") else self.text(*path)

    def flag(self, name: str) -> bool:
        """Tell whether a member is true."""
        return self.at(name).value is True

    def decimal(self, *path: str) -> Decimal:
        """Return a member as a decimal."""
        node = self.at(*path)
        value = node.value
        if value is None:
            raise node.refused("missing", "a number")
        try:
            found = Decimal(str(value)) if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool) else None
        except (InvalidOperation, ValueError):
            found = None
        if found is None or not found.is_finite() or abs(found.adjusted()) > _MAX_EXPONENT or len(found.as_tuple().digits) > 40:
            raise node.refused("not_a_number", "a decimal number")
        return found

    def whole(self, *path: str) -> int:
        """Return a member as a whole number."""
        value = self.decimal(*path)
        if value != value.to_integral_value():
            raise self.at(*path).refused("not_a_whole_number", "a whole number")
        return int(value)

    def moment(self, *path: str) -> datetime:
        """Return a member as a time with its offset, written as RFC 3339 or as +0000."""
        node = self.at(*path)
        try:
            found = datetime.fromisoformat(node.text())
        except ValueError:
            found = None
        if found is None or found.tzinfo is None or not 1972 <= found.year <= 2147:
            raise node.refused("not_a_time", "a time with its offset (RFC 3339), from 1972 to 2147")
        return found

    def moment_or_none(self, *path: str) -> datetime | None:
        """Return a member as a time, None where it is missing."""
        return None if self.at(*path).value in (None, "") else self.moment(*path)

    def day_or_none(self, *path: str) -> date | None:
        """Return a member written as yyyymmdd (a number or a text), None where it is missing."""
        node = self.at(*path)
        if node.value is None:
            return None
        try:
            return datetime.strptime(node.text(), "%Y%m%d").date()  # noqa: DTZ007 - a date has no zone
        except ValueError as error:
            raise node.refused("not_a_date", "a date as yyyymmdd") from error


def _is_unicode(text: str) -> bool:
    """Tell whether a text can be written as UTF-8; JSON may escape what cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def parsed(text: str, pointer: str = "") -> Any:
    """Read JSON with its numbers as exact decimals; refused where it is none."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise Refused(Problem("malformed_json", pointer, "JSON (RFC 8259), not nested too deeply")) from error


def same_currency(node: Node, code: str, currency: str) -> None:
    """Refuse a currency that is unknown, or not that of the store."""
    if code not in MINOR_DIGITS:
        raise node.refused("unknown_currency", "one of " + ", ".join(sorted(MINOR_DIGITS)))
    if code != currency:
        raise node.refused("currency_mismatch", f"{currency}, the currency of the store")
