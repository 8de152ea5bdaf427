"""Field types that every event family shares: frozen models, decimal strings, aware times, codes."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from contracts.money import MINOR_DIGITS


class Model(BaseModel):
    """Frozen, closed to unknown fields: a misspelt field is an error, not a silent loss."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_timedelta="iso8601")


def _no_float(value: Any) -> Any:
    if isinstance(value, float):
        raise ValueError(  # noqa: TRY004 - pydantic reports ValueError only
            "a decimal string such as '12.5', not a floating-point number"
        )
    return value


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise ValueError("a finite decimal")
    return value


def plain(value: Decimal) -> str:
    """Write a decimal in one canonical form (no exponent, no trailing zeros)."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _iso(moment: datetime) -> str:
    return moment.isoformat()


def _known_currency(code: str) -> str:
    if code not in MINOR_DIGITS:
        raise ValueError(f"one of {', '.join(sorted(MINOR_DIGITS))}")
    return code


DecimalString = Annotated[
    Decimal,
    BeforeValidator(_no_float),
    Field(max_digits=18, decimal_places=5),
    AfterValidator(_finite),
    PlainSerializer(plain, return_type=str, when_used="always"),
]
"""Exact decimal, written as a string, at most 18 digits of which 5 after the point."""

Moment = Annotated[AwareDatetime, PlainSerializer(_iso, return_type=str, when_used="json")]
"""A time with its offset (RFC 3339)."""

Code = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f|]+$")]
"""An identifier of the outside world (SKU, receipt, employee …): printable, no '|'."""

Text = Annotated[str, StringConstraints(max_length=500)]
Currency = Annotated[str, AfterValidator(_known_currency)]
"""ISO 4217 code of a supported currency."""
