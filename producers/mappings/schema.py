"""What a mapping file may say: how the columns of one POS export become our events.

Only the shape is here; `reader` opens files and says precisely what is wrong with them.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints, field_validator, model_validator

from contracts.events.reference import OpeningHours
from contracts.fields import Code, Currency, Model, PersonRef, Text
from contracts.policies.every import AnyPolicy

LineClass = Literal["sold", "returned", "write_off", "found", "service", "quarantined"]
LINE_CLASSES: tuple[LineClass, ...] = ("sold", "returned", "write_off", "found", "service", "quarantined")


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("an IANA time zone such as 'Europe/London'") from error
    return name


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"a regular expression ({error})") from error
    return text


def _as_column(value: Any) -> Any:
    return {"columns": [value]} if isinstance(value, str) else value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Zone = Annotated[Code, AfterValidator(_known_zone)]
Regex = Annotated[str, AfterValidator(_regex)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=60)]


class Column(Model):
    """Where a field's text comes from; several columns are joined. Surrounding white space is always removed."""

    columns: Annotated[tuple[Code, ...], BeforeValidator(_as_list), Field(min_length=1)]
    join: str = " "
    remove_prefix: str = ""
    remove_suffix: str = ""
    case: Literal["keep", "upper", "lower"] = "keep"


ColumnOf = Annotated[Column, BeforeValidator(_as_column)]


class TimeColumn(Column):
    """When it happened, with the formats (strptime) that are tried in turn; without an offset it is the store's wall clock."""

    formats: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]

    @field_validator("formats")
    @classmethod
    def _name_a_day(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for text in formats:
            moment = datetime(2011, 12, 30, 13, 45, tzinfo=ZoneInfo("UTC"))
            try:
                read = datetime.strptime(moment.strftime(text), text)  # noqa: DTZ007 - only the format is tried
            except ValueError as error:
                raise ValueError(f"a format of year, month, day and time, not {text!r} ({error})") from error
            if read.date() != moment.date():
                raise ValueError(f"a format with year, month and day, not {text!r}")
        return formats


class Columns(Model):
    """Which column says what. Without `store`, every line belongs to the one store of `stores.only`."""

    receipt: ColumnOf = Field(description="What is one receipt, within a store.")
    sku: ColumnOf
    quantity: ColumnOf
    unit_price: ColumnOf
    occurred_at: TimeColumn
    store: ColumnOf | None = None
    description: ColumnOf | None = None
    customer: ColumnOf | None = None
    till: ColumnOf | None = None
    employee: ColumnOf | None = None
    currency: ColumnOf | None = Field(default=None, description="Checked against the store's currency.")
    discount: ColumnOf | None = Field(default=None, description="Discount on the line, major units.")
    tax: ColumnOf | None = Field(default=None, description="Tax on the line, major units.")


class Constants(Model):
    """What is the same on every line."""

    channel: Literal["store", "online", "phone", "delivery"] = "store"
    till: Code | None = None
    employee: PersonRef | None = None


class CsvFormat(Model):
    """How the file is written: as text with delimiters, or as a sheet of an Excel workbook."""

    kind: Literal["csv", "excel"] | None = Field(default=None, description="Absent: what the name of the file says (.xlsx, .xlsm).")
    sheet: Annotated[str, StringConstraints(min_length=1, max_length=31)] | None = Field(
        default=None, description="Of a workbook; hidden ones too. Absent: the first that is not hidden."
    )
    skip_lines: int = Field(default=0, ge=0, description="Lines (rows of a workbook) above the header: a title, the date of the export.")
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    quote: Annotated[str, StringConstraints(min_length=1, max_length=1)] = '"'
    encoding: str = "utf-8"
    decimal_mark: Literal[".", ","] = "."
    thousands_mark: Literal["", ".", ",", " ", "'"] = ""
    header: tuple[Code, ...] | None = Field(default=None, description="Column names of a file whose first line is data already.")

    @model_validator(mode="after")
    def _marks_differ(self) -> "CsvFormat":
        if self.decimal_mark == self.thousands_mark:
            raise ValueError("a thousands_mark other than the decimal_mark")
        if self.sheet is not None and self.kind == "csv":
            raise ValueError("a sheet with kind 'excel' only")
        try:
            "".encode(self.encoding)
        except LookupError as error:
            raise ValueError(f"a known encoding, not {self.encoding!r}") from error
        return self


class Condition(Model):
    """One test of one column: exactly one of the tests, `not` turns it round."""

    column: Code
    equals: str | None = None
    one_of: tuple[str, ...] | None = Field(default=None, alias="in")
    prefix: Annotated[str, StringConstraints(min_length=1)] | None = None
    regex: Regex | None = Field(default=None, description="Matches the whole text.")
    sign: Literal["negative", "zero", "positive"] | None = Field(default=None, description="Of the number in the column.")
    negated: bool = Field(default=False, alias="not")

    @model_validator(mode="after")
    def _one_test(self) -> "Condition":
        tests = [self.equals, self.one_of, self.prefix, self.regex, self.sign]
        if sum(test is not None for test in tests) != 1:
            raise ValueError("exactly one of equals, in, prefix, regex, sign")
        return self


class Rule(Model):
    """The class of the lines that meet every condition; the first rule that fits decides."""

    line_class: LineClass = Field(alias="class")
    when: tuple[Condition, ...] = ()
    side: Literal["sale", "return"] = Field(default="sale", description="Of service lines: on the sale or on the return of the receipt.")
    reason: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")] | None = Field(
        default=None, description="Stable code of why lines are quarantined."
    )
    expected: Text | None = Field(default=None, description="What a line should be, said to whoever reads the quarantine.")

    @model_validator(mode="after")
    def _says_why(self) -> "Rule":
        if (self.line_class == "quarantined") != (self.reason is not None):
            raise ValueError("a reason with class 'quarantined', and only with it")
        return self


class StoreSettings(Model):
    """Settings of a store; absent ones come from `stores.defaults`."""

    id: Slug | None = None
    name: Text | None = None
    timezone: Zone | None = None
    currency: Currency | None = None
    country: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")] | None = None
    cut_off_hour: int | None = Field(default=None, ge=0, le=23)
    region: Text | None = None
    hours: tuple[OpeningHours, ...] | None = Field(default=None, min_length=1)


class StoreDefaults(Model):
    """Settings of every store that does not say otherwise."""

    timezone: Zone
    currency: Currency
    country: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
    cut_off_hour: int = Field(default=0, ge=0, le=23)
    region: Text | None = None
    hours: tuple[OpeningHours, ...] | None = Field(default=None, min_length=1)


class Stores(Model):
    """Stores by the text of the store column; ids are the prefix and a slug of that text unless said otherwise."""

    prefix: Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9.-]*)?$", max_length=60)] = ""
    version: int = Field(default=1, ge=1)
    effective_from: AwareDatetime
    defaults: StoreDefaults
    only: Code | None = None
    unlisted: Literal["accept", "refuse"] = "accept"
    table: dict[str, StoreSettings] = Field(default_factory=dict)


class Policy(Model):
    """A policy to publish with the load."""

    effective_from: AwareDatetime
    version: int = Field(default=1, ge=1)
    store: Code | None = Field(default=None, description="Text of the store column; absent: every store.")
    sku: Code | None = None
    parameters: AnyPolicy


class CsvMapping(Model):
    """A whole mapping file."""

    name: Slug = Field(description="Names the source; part of the identity of every event that it gives.")
    tenant: Code
    format: CsvFormat = CsvFormat()
    columns: Columns
    constants: Constants = Constants()
    stores: Stores
    rules: tuple[Rule, ...] = Field(min_length=1)
    policies: tuple[Policy, ...] = ()

    @model_validator(mode="after")
    def _stores_are_named(self) -> "CsvMapping":
        if (self.columns.store is None) == (self.stores.only is None):
            raise ValueError("either columns.store or stores.only")
        for policy in self.policies:
            if policy.store is not None and policy.store not in self.stores.table and self.stores.unlisted == "refuse":
                raise ValueError(f"a policy for a store of stores.table, not for {policy.store!r}")
        return self
