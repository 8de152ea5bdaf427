"""Field types that every event family shares: frozen models, decimal strings, aware times, codes."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from contracts.money import MINOR_DIGITS

_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?", re.ASCII)


class Model(BaseModel):
    """Frozen, closed to unknown fields: a misspelt field is an error, not a silent loss."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_timedelta="iso8601")


def _no_float(value: Any) -> Any:
    if isinstance(value, float):
        raise ValueError(  # noqa: TRY004 - pydantic reports ValueError only
            "a decimal string such as '12.5', not a floating-point number"
        )
    return value


def _clock_text(value: Any) -> Any:
    """Take text only: where `11:00` is a number of seconds, as it is in YAML, it would become a few minutes after midnight."""
    if not isinstance(value, time) and not (isinstance(value, str) and _CLOCK.fullmatch(value)):
        raise ValueError("a local time in quotes, such as '09:30'")
    return value


def plain(value: Decimal) -> str:
    """Write a decimal in one canonical form (no exponent, no trailing zeros)."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _iso(moment: datetime) -> str:
    return moment.isoformat()


def _storable_moment(moment: datetime) -> datetime:
    """Judge the instant, not the way it is written, so that a change of zone never makes a good time a bad one."""
    try:
        year = moment.astimezone(UTC).year
    except OverflowError:
        year = 0
    if not 1971 <= year <= 2148:
        raise ValueError("a time from 1971 to 2148")
    return moment


def _storable_day(day: date) -> date:
    """Take every local date of a storable moment, less any cut-off; ClickHouse dates reach from 1970 into 2149."""
    if not date(1970, 12, 30) <= day <= date(2149, 1, 1):
        raise ValueError("a date from 1970-12-30 to 2149-01-01")
    return day


def _known_currency(code: str) -> str:
    if code not in MINOR_DIGITS:
        raise ValueError(f"one of {', '.join(sorted(MINOR_DIGITS))}")
    return code


_IDENTIFYING = re.compile(r"(?:\+82[- ]?|0)1[016-9][- ]?\d{3,4}[- ]?\d{4}|\d{6}[- ][1-8]\d{6}", re.ASCII)


def _opaque(code: str) -> str:
    if "@" in code or _IDENTIFYING.fullmatch(code):
        raise ValueError("an opaque id, not an e-mail address, a phone number or a resident number")
    return code


DecimalString = Annotated[
    Decimal,
    Field(max_digits=18, decimal_places=5),
    BeforeValidator(_no_float),
    PlainSerializer(plain, return_type=str, when_used="always"),
]
"""Exact decimal, written as a string, at most 18 digits of which 5 after the point."""

DecimalRemainder = Annotated[
    Decimal,
    Field(max_digits=28, decimal_places=10),
    BeforeValidator(_no_float),
    PlainSerializer(plain, return_type=str, when_used="always"),
]
"""Exact sum of what rounding dropped: the product of two decimals of five places has ten."""

Moment = Annotated[AwareDatetime, AfterValidator(_storable_moment), PlainSerializer(_iso, return_type=str, when_used="json")]
"""A time with its offset (RFC 3339), from 1971 to 2148."""

Day = Annotated[date, AfterValidator(_storable_day)]
"""A calendar date that every store can keep."""

LocalTime = Annotated[time, BeforeValidator(_clock_text)]
"""A time of day on the clock of a store, without an offset."""

Coordinate = Annotated[
    Decimal,
    Field(max_digits=8, decimal_places=5),
    BeforeValidator(_no_float),
    PlainSerializer(plain, return_type=str, when_used="always"),
]
"""Degrees, of which five decimal places are a metre; of places, never of people."""

Amount = Annotated[int, Field(ge=0, le=10**14)]
"""Minor units of one line; five thousand of the largest still fit a signed 64-bit integer."""

SignedAmount = Annotated[int, Field(ge=-(10**14), le=10**14)]
"""Minor units that may be negative."""

Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""A count or number that every store keeps in 32 bits."""

Ordinal = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""The same, counted from 1."""

Counter = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""A long-running counter or an offset, 64 bits."""

Code = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f|]+$")]
"""An identifier of the outside world (SKU, receipt, employee …): printable, no '|'."""

PersonRef = Annotated[Code, AfterValidator(_opaque), Field(json_schema_extra={"x-person-reference": True})]
"""An opaque id of a person; what looks like an e-mail address, a mobile number or a resident number is refused."""

Personal = Annotated[
    str,
    StringConstraints(max_length=2_200, pattern=r"^enc\.v1\.[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9_-]{16,2048}$"),
    Field(json_schema_extra={"x-personal": True}),
]
"""Ciphertext under the key of a person, as 'enc.v1.<key id>.<ciphertext>' (base64url); in the clear it is refused."""

Text = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]
"""Free text; Postgres keeps every character but NUL."""

Currency = Annotated[str, AfterValidator(_known_currency), Field(json_schema_extra={"enum": sorted(MINOR_DIGITS)})]
"""ISO 4217 code of a supported currency."""
