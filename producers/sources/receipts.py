"""One receipt while its lines come in, and the events that it becomes: a sale, a return, stock adjustments.

Contents are built without validating them a second time: every value came through a reading that refuses what the
contracts refuse. A test compares them with fully validated ones.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar

from contracts.business_time import business_date
from contracts.codec import MAX_VALUE_BYTES
from contracts.envelope import Envelope, Event
from contracts.events.registry import SALE_COMPLETED, SALE_RETURNED, STOCK_ADJUSTED
from contracts.events.sales import SaleCompleted, SaleLine, SaleReturned
from contracts.events.stock import AdjustmentLine, StockAdjusted
from contracts.fields import Model
from contracts.identifiers import derived_id
from producers.sources.stores import StoreInUse

Channel = Literal["store", "online", "phone", "delivery"]
Family = Literal["sale", "return", "write_off", "found"]
MAX_LINES = 5000
MAX_BYTES = MAX_VALUE_BYTES - 10_000
_TYPES: dict[Family, str] = {"sale": SALE_COMPLETED, "return": SALE_RETURNED, "write_off": STOCK_ADJUSTED, "found": STOCK_ADJUSTED}


@dataclass(frozen=True, slots=True)
class Origin:
    """What every event of one load has in common; `ingested_at` is no part of what an event says."""

    source: str
    tenant: str
    store_version: int
    ingested_at: datetime
    channel: Channel


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """An event with where it came from: its receipt and the first and last line of it in the file."""

    event: Event[Model]
    receipt: str
    first_line: int
    last_line: int


@dataclass(slots=True)
class Part:
    """The lines of one family."""

    lines: list[Any] = field(default_factory=list)
    remainder: Decimal = Decimal(0)
    first_line: int = 0
    last_line: int = 0
    size: int = 0


@dataclass(slots=True)
class OpenReceipt:
    """A receipt of which `left` lines of the file are still to come; its time is that of its first readable line."""

    left: int
    receipt: str | None = None
    store: StoreInUse | None = None
    occurred_at: datetime | None = None
    customer: str | None = None
    till: str | None = None
    employee: str | None = None
    parts: dict[Family, Part] = field(default_factory=dict)

    def part(self, family: Family) -> Part:
        """Return the lines of a family so far."""
        part = self.parts.get(family)
        if part is None:
            part = self.parts[family] = Part()
        return part

    def events(self, origin: Origin) -> list[SourceEvent]:
        """Write the receipt as events, none where every line was refused."""
        if self.store is None or self.occurred_at is None or self.receipt is None:
            return []
        day = business_date(self.occurred_at, self.store.timezone, self.store.cut_off_hour)
        return [
            SourceEvent(
                Event(self._envelope(family, origin, day, self.receipt, self.store), self._content(family, part, origin, self.receipt)),
                self.receipt,
                part.first_line,
                part.last_line,
            )
            for family, part in self.parts.items()
        ]

    def _envelope(self, family: Family, origin: Origin, day: date, receipt: str, store: StoreInUse) -> Envelope:
        return Envelope(
            id=derived_id("receipt", origin.source, store.store_id, receipt, family),
            source=origin.source,
            type=_TYPES[family],
            occurred_at=self.occurred_at,
            subject=receipt,
            tenant_id=origin.tenant,
            store_id=store.store_id,
            business_date=day,
            device_id=self.till,
            ingested_at=origin.ingested_at,
            store_version=origin.store_version,
            history=True,
        )

    def _content(self, family: Family, part: Part, origin: Origin, receipt: str) -> Model:
        if family in {"write_off", "found"}:
            return StockAdjusted.model_construct(reference=receipt, reason=family, lines=tuple(part.lines), employee_id=self.employee)
        model = SaleCompleted if family == "sale" else SaleReturned
        return model.model_construct(
            receipt_id=receipt,
            currency=self.store.currency if self.store else "",
            lines=tuple(part.lines),
            rounding_remainder=part.remainder,
            till_id=self.till,
            employee_id=self.employee,
            customer_ref=self.customer,
            channel=origin.channel,
        )


def sale_line(values: dict[str, Any]) -> SaleLine:
    """Build a line of values that were read for it; what no export has keeps its default."""
    return _built(SaleLine, {**_LINE_DEFAULTS, **values})


def adjustment_line(values: dict[str, Any]) -> AdjustmentLine:
    """Build a stock line of values that were read for it, one for each field."""
    return _built(AdjustmentLine, values)


_LINE_DEFAULTS: dict[str, Any] = {name: field.get_default() for name, field in SaleLine.model_fields.items()}
"""In the order of the fields, as the JSON has them; those without a default are always given."""
_FIELDS: dict[type[Model], set[str]] = {model: set(model.model_fields) for model in (SaleLine, AdjustmentLine)}
LineModel = TypeVar("LineModel", SaleLine, AdjustmentLine)


def _built(model: type[LineModel], values: dict[str, Any]) -> LineModel:
    """Do what `model_construct` does where every field is given, at a fifth of its cost: half a million lines wait for it."""
    line = model.__new__(model)
    object.__setattr__(line, "__dict__", values)
    object.__setattr__(line, "__pydantic_fields_set__", _FIELDS[model])
    object.__setattr__(line, "__pydantic_extra__", None)
    object.__setattr__(line, "__pydantic_private__", None)
    return line
