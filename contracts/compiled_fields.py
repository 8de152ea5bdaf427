"""The type of a field as the compiled reading checks it: made from what pydantic knows of the field. Pure.

Whatever is not known here for certain is NotCompilable: its model stays with the precise reading.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import msgspec
from pydantic import AfterValidator, BaseModel, BeforeValidator, PlainSerializer, StringConstraints
from pydantic.fields import FieldInfo

from contracts import compiled_patterns
from contracts.fields import Day, DecimalString, Moment

StructOf = Callable[[type[BaseModel]], Any]
"""Gives the compiled form of a model that is part of another."""
_PLAIN_PATTERN = re.compile(r"\^\[\^(?:\\x00-\\x1f|\\x00|\|)+\](?:\+|\*)\$")
"""Patterns that all text matches in plain JSON, but for the empty text where one character is needed."""
Check = Callable[[str], object]
"""A validator of pydantic's that runs after: it returns what it was given, or raises ValueError."""

_DIFFERS_BY_DIALECT = re.compile(r"\\[dDwWsSbBpPAzZ]|\(\?")
"""What pydantic's regular expressions and Python's may read differently."""
_DECIMAL_CHARACTERS = 40
"""Longer than any decimal that the contracts take; what is remembered is bounded by it."""
_SMALL_INTEGERS = range(-5, 257)
"""Kept once by the interpreter, so that a default is recognised by identity."""


class NotCompilable(TypeError):
    """A model or field has something that the compiled reading cannot judge."""


@dataclass
class Rules:
    """What the metadata of a field says, gathered from inside and outside an Optional."""

    for_plain: bool = False
    for_rows: bool = False
    late_pattern: str | None = None
    limits: dict[str, Any] = field(default_factory=dict)
    checks: list[Any] = field(default_factory=list)

    def gather(self, metadata: Iterable[Any]) -> "Rules":
        """Add what metadata says, and return the rules."""
        for item in metadata:
            if isinstance(item, FieldInfo):
                self.gather(item.metadata)
            elif isinstance(item, StringConstraints):
                self.gather(iter(item))
            elif isinstance(item, AfterValidator | BeforeValidator | PlainSerializer):
                self.checks.append(item.func)
            else:
                names = getattr(type(item), "__slots__", None) or vars(item)
                self.limits |= {name: getattr(item, name) for name in names if getattr(item, name) is not None}
        return self

    def only(self, *names: str) -> dict[str, Any]:
        """Return the limits; NotCompilable when there are others than these."""
        if not self.limits.keys() <= set(names):
            raise NotCompilable(f"limits {sorted(self.limits)}")
        return self.limits


def _checks_of(alias: Any) -> list[Any]:
    return Rules().gather(get_args(alias)[1:]).checks


@dataclass(frozen=True, slots=True)
class CompiledField:
    """A field's type for msgspec, its default (NODEFAULT where it is required), the checks of its text, and a pattern left to others."""

    type: Any
    default: Any
    checks: tuple[Check, ...]
    late_pattern: str | None


def is_plain(raw: bytes) -> bool:
    """Tell whether JSON has neither escapes nor '|': then no text in it has a control character or NUL, for JSON forbids them."""
    return b"\\" not in raw and b"|" not in raw


def compiled_field(info: FieldInfo, struct_of: StructOf, for_plain: bool = False, for_rows: bool = False) -> CompiledField:
    """Return a field's compiled form; NotCompilable where one cannot be made.

    `for_plain`: one for plain JSON only. `for_rows`: whoever reads the rows remembers which decimals are canonical.
    """
    rules = Rules(for_plain, for_rows).gather(info.metadata)
    annotation, is_optional = _without_none(info.annotation, rules)
    checks = tuple(rules.checks) if annotation is str else ()
    if annotation is Decimal and info.default == 0:
        rules.limits["ne"] = 0  # given as text, it would not be recognised as the default
    form = _form(annotation, rules, struct_of)
    if info.default_factory is not None:
        raise NotCompilable("a default that is made")
    return CompiledField(form | None if is_optional else form, _default(info, annotation, is_optional), checks, rules.late_pattern)


def _without_none(annotation: Any, rules: Rules) -> tuple[Any, bool]:
    """Take an Optional and an Annotated apart, keeping what they say of the value."""
    is_optional = False
    if get_origin(annotation) in {Union, UnionType}:
        inner = [part for part in get_args(annotation) if part is not NoneType]
        if len(inner) != 1 or len(get_args(annotation)) != 2:
            raise NotCompilable(f"{annotation}")
        annotation, is_optional = inner[0], True
    if get_origin(annotation) is Annotated:
        rules.gather(get_args(annotation)[1:])
        annotation = get_args(annotation)[0]
    return annotation, is_optional


def _form(annotation: Any, rules: Rules, struct_of: StructOf) -> Any:
    if annotation in _SCALARS:
        return _SCALARS[annotation](rules)
    if rules.checks:
        raise NotCompilable(f"{annotation} with validators")
    if get_origin(annotation) is Literal and all(isinstance(value, str) for value in get_args(annotation)):
        rules.only()
        return annotation
    if get_origin(annotation) is tuple and get_args(annotation)[1:] == (...,):
        return _rows(get_args(annotation)[0], rules, struct_of)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        rules.only()
        return struct_of(annotation)
    raise NotCompilable(f"{annotation}")


def _rows(item: Any, rules: Rules, struct_of: StructOf) -> Any:
    if not (isinstance(item, type) and issubclass(item, BaseModel)):
        raise NotCompilable(f"a tuple of {item}")
    rows: Any = tuple
    return Annotated[rows[struct_of(item), ...], msgspec.Meta(**rules.only("min_length", "max_length"))]


def _text(rules: Rules) -> Any:
    limits = dict(rules.only("min_length", "max_length", "pattern"))
    pattern = limits.get("pattern")
    if pattern is not None:
        if not (pattern.startswith("^") and pattern.endswith("$")) or _DIFFERS_BY_DIALECT.search(pattern):
            raise NotCompilable(f"pattern {pattern}")
        limits["pattern"] = pattern[:-1] + r"\Z"  # in Python, $ also stands before a last line break
        if rules.for_plain and _PLAIN_PATTERN.fullmatch(pattern) and (pattern.endswith("*$") or limits.get("min_length", 0) > 0):
            del limits["pattern"]
    return Annotated[str, msgspec.Meta(**limits)]


def _integer(rules: Rules) -> Any:
    limits = dict(rules.only("ge", "gt", "le"))
    if rules.checks:
        return _unknown(rules)
    if "gt" in limits:
        limits["ge"] = max(limits.pop("gt") + 1, limits.get("ge", -(2**63)))
    return Annotated[int, msgspec.Meta(**limits)]


def _boolean(rules: Rules) -> Any:
    return bool if not (rules.only() or rules.checks) else _unknown(rules)


def _decimal(rules: Rules) -> Any:
    limits = rules.only("ge", "gt", "ne", "max_digits", "decimal_places")
    if rules.checks != _checks_of(DecimalString) or limits.get("ge", 0) != 0 or limits.get("gt", 0) != 0:
        return _unknown(rules)
    is_signed, may_be_zero = not limits.keys() & {"ge", "gt"}, not limits.keys() & {"gt", "ne"}
    pattern = compiled_patterns.decimal(limits["max_digits"], limits["decimal_places"], signed=is_signed, may_be_zero=may_be_zero)
    if not rules.for_rows:
        return matching(pattern)
    rules.late_pattern = pattern
    return Annotated[str, msgspec.Meta(max_length=_DECIMAL_CHARACTERS)]


def _moment(rules: Rules) -> Any:
    return matching(compiled_patterns.MOMENT) if rules.checks == _checks_of(Moment) and not rules.only() else _unknown(rules)


def _day(rules: Rules) -> Any:
    return matching(compiled_patterns.DAY) if rules.checks == _checks_of(Day) and not rules.only() else _unknown(rules)


def _id(rules: Rules) -> Any:
    return matching(compiled_patterns.ID) if not (rules.checks or rules.only()) else _unknown(rules)


def matching(pattern: str) -> Any:
    """Return the type of text that matches a pattern."""
    return Annotated[str, msgspec.Meta(pattern=pattern)]


def _unknown(rules: Rules) -> Any:
    raise NotCompilable(f"validators {rules.checks} and limits {rules.limits}")


_AWARE: Any = get_args(Moment)[0]
_SCALARS: dict[Any, Callable[[Rules], Any]] = {
    str: _text, int: _integer, bool: _boolean, Decimal: _decimal, _AWARE: _moment, datetime: _moment, date: _day, UUID: _id,
}  # fmt: skip
"""Python type to what makes its form; text is checked further by its own validators."""


def _default(info: FieldInfo, annotation: Any, is_optional: bool) -> Any:
    """Return the default as the very object that a decoded value would be, for msgspec leaves defaults out by identity."""
    if info.is_required():
        return msgspec.NODEFAULT
    value = info.default
    if is_optional:
        is_known = value is None
    elif get_origin(annotation) is Literal:
        value = next((option for option in get_args(annotation) if option == value), None)
        is_known = value is not None
    else:
        is_known = isinstance(value, bool) or value == () or (annotation is int and value in _SMALL_INTEGERS)
    if annotation is Decimal and value == 0:
        return msgspec.UNSET
    if not is_known:
        raise NotCompilable(f"default {value!r}")
    return value
