"""Lines of any POS export to events, by a mapping: one event a receipt and family, each line in exactly one class.

Pure translation: it opens no file and sends nothing. A first pass counts the lines of each receipt, so that
in the second a receipt is complete, and becomes events, at its last line wherever that is.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from contracts.errors import Problem
from contracts.events.sales import SaleLine
from contracts.events.stock import AdjustmentLine
from producers.mappings.schema import Column, CsvMapping, LineClass, Rule
from producers.sources.classifying import classifier
from producers.sources.readings import (
    Amounts,
    Cells,
    LineRefused,
    codes,
    descriptions,
    minor_units,
    name_of,
    person_refs,
    text_of,
    times,
)
from producers.sources.receipts import MAX_BYTES, MAX_LINES, Family, OpenReceipt, Origin, Part, SourceEvent, adjustment_line, sale_line
from producers.sources.stores import StoreBook, source_of

ReceiptKey = tuple[str, str]
_LINE_BYTES = 160
"""Of a line's JSON without its SKU and description, generously."""


class Row(NamedTuple):
    """A record of the file: its line number (the header is line 1), its cells, its text without line end."""

    number: int
    cells: Sequence[str]
    raw: str


class MappingDoesNotFit(ValueError):
    """The mapping names columns that the file has not."""


class FileChanged(RuntimeError):
    """The file gave other lines in the second pass than in the first."""


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line for the quarantine."""

    row: Row
    problem: Problem


@dataclass(slots=True)
class LineTally:
    """How many lines of the file went into each class, and what was last said of each SKU that is goods."""

    classes: Counter[LineClass] = field(default_factory=Counter)
    skus: dict[str, str | None] = field(default_factory=dict)


class Shape:
    """A mapping bound to the header of a file: where each field is."""

    def __init__(self, mapping: CsvMapping, header: Sequence[str]) -> None:
        self.mapping = mapping
        self.width = len(header)
        self.index = {name.strip(): place for place, name in enumerate(header)}
        missing = sorted(_named_columns(mapping) - self.index.keys())
        if missing:
            raise MappingDoesNotFit(f"no column {', '.join(map(repr, missing))} in the file; it has {', '.join(map(repr, self.index))}")
        self._receipt = text_of(mapping.columns.receipt, self.index)
        only = mapping.stores.only or ""
        self._store = text_of(mapping.columns.store, self.index) if mapping.columns.store else lambda _: only

    def key(self, cells: Cells) -> ReceiptKey:
        """Return what makes lines one receipt: the texts of store and receipt."""
        return self._store(cells), self._receipt(cells)

    def count(self, rows: Iterable[Row]) -> Counter[ReceiptKey]:
        """Count the lines of each receipt (the cheap first pass)."""
        width, key = self.width, self.key
        return Counter(key(row.cells) for row in rows if len(row.cells) == width)


def _named_columns(mapping: CsvMapping) -> set[str]:
    fields = [value for _, value in mapping.columns if isinstance(value, Column)]
    return {name for column in fields for name in column.columns} | {c.column for rule in mapping.rules for c in rule.when}


class Translation:
    """The second pass: give it every row in order, take events as receipts complete, and refused lines as they come."""

    def __init__(self, shape: Shape, counts: Counter[ReceiptKey], ingested_at: datetime) -> None:
        mapping = shape.mapping
        self._shape, self._counts = shape, counts
        self._open: dict[ReceiptKey, OpenReceipt] = {}
        self._origin = Origin(source_of(mapping), mapping.tenant, mapping.stores.version, ingested_at, mapping.constants.channel)
        self._line = _LineReader(shape)
        self.stores = StoreBook(mapping)
        self.tally = LineTally()
        self.refused: list[RefusedLine] = []

    def add(self, row: Row) -> list[SourceEvent]:
        """Take one row; return the events of its receipt where this was its last line."""
        cells = row.cells
        if len(cells) != self._shape.width:
            self.refuse(row, Problem("wrong_columns", "", f"{self._shape.width} columns, not {len(cells)}"))
            return []
        key = self._shape.key(cells)
        receipt = self._open.get(key)
        if receipt is None:
            receipt = self._open[key] = self._begin(key)
        try:
            self._place(row, key, receipt)
        except LineRefused as refusal:
            self.refuse(row, refusal.problem)
        receipt.left -= 1
        if receipt.left:
            return []
        del self._open[key]
        return receipt.events(self._origin)

    def finish(self) -> None:
        """Check that every receipt was completed; FileChanged where one was not."""
        if self._open or self._counts:
            raise FileChanged("the file changed while it was read: load it again")

    def refuse(self, row: Row, problem: Problem) -> None:
        """Note a line for the quarantine."""
        self.tally.classes["quarantined"] += 1
        self.refused.append(RefusedLine(row, problem))

    def _begin(self, key: ReceiptKey) -> OpenReceipt:
        count = self._counts.pop(key, 0)
        if not count:
            raise FileChanged("the file changed while it was read: load it again")
        constants = self._shape.mapping.constants
        return OpenReceipt(count, till=constants.till, employee=constants.employee)

    def _place(self, row: Row, key: ReceiptKey, receipt: OpenReceipt) -> None:
        if receipt.store is None:
            receipt.store = self.stores.by_text[key[0]]
        line_class, family = self._line.read(row, key[1], receipt)
        self.tally.classes[line_class] += 1
        if line_class != "service":
            self._note_sku(receipt.parts[family].lines[-1].sku, receipt.parts[family].lines[-1].description, line_class)

    def _note_sku(self, sku: str, description: str | None, line_class: LineClass) -> None:
        named = description if line_class in {"sold", "returned"} else None
        if named is not None or sku not in self.tally.skus:
            self.tally.skus[sku] = named


class _LineReader:
    """Reads the fields of a line and adds it to its receipt, all or nothing."""

    def __init__(self, shape: Shape) -> None:
        mapping, index = shape.mapping, shape.index
        columns, style = mapping.columns, mapping.format
        self._classify = classifier(mapping.rules, index, style)
        self._receipts = codes(columns.receipt)
        self._sku_text, self._skus = text_of(columns.sku, index), codes(columns.sku)
        self._quantity_text, self._price_text = text_of(columns.quantity, index), text_of(columns.unit_price, index)
        self._amounts = Amounts(columns.quantity, columns.unit_price, style)
        self._time_text, self._times = text_of(columns.occurred_at, index), times(columns.occurred_at)
        self._description_text = text_of(columns.description, index) if columns.description else None
        self._descriptions = descriptions(columns.description or columns.sku)
        self._people = [
            (name, text_of(column, index), codes(column) if name == "till" else person_refs(column))
            for name, column in (("customer", columns.customer), ("till", columns.till), ("employee", columns.employee))
            if column is not None
        ]
        self._currency_text = text_of(columns.currency, index) if columns.currency else None
        self._currency_name = name_of(columns.currency)
        self._extras = [
            (name, text_of(column, index), minor_units(column, style))
            for name, column in (("discount", columns.discount), ("tax", columns.tax))
            if column is not None
        ]
        self._discount_name = name_of(columns.discount)

    def read(self, row: Row, receipt_text: str, receipt: OpenReceipt) -> tuple[LineClass, Family]:
        """Add a line to its receipt and return its class and family; LineRefused changes nothing of the receipt's lines."""
        store, cells = receipt.store, row.cells
        if store is None:
            raise RuntimeError("the store of a receipt is found before its lines are read")
        rule = self._classify(cells)
        if rule.line_class == "quarantined":
            raise LineRefused(rule.reason or "", rule.when[0].column if rule.when else "", rule.expected or "a line of another kind")
        code = self._receipts[receipt_text]
        occurred_at = self._times[self._time_text(cells), store.timezone]
        if self._currency_text is not None and self._currency_text(cells) not in {"", store.currency}:
            raise LineRefused("other_currency", self._currency_name, f"{store.currency}, the currency of the store")
        people = [(name, known[text]) for name, text_in, known in self._people if (text := text_in(cells))]
        family = self._add_line(rule, cells, store.currency, receipt, row.number)
        if receipt.occurred_at is None:
            receipt.occurred_at, receipt.receipt = occurred_at, code
        for name, value in people:
            if getattr(receipt, name) is None:
                setattr(receipt, name, value)
        return rule.line_class, family

    def _add_line(self, rule: Rule, cells: Cells, currency: str, receipt: OpenReceipt, number: int) -> Family:
        family = _family(rule)
        part = receipt.parts.get(family)
        position = len(part.lines) + 1 if part else 1
        if position > MAX_LINES or (part and part.size > MAX_BYTES):
            raise LineRefused("receipt_too_large", "", f"at most {MAX_LINES} lines and {MAX_BYTES} bytes on a receipt")
        sku = self._skus[self._sku_text(cells)]
        description = self._descriptions[self._description_text(cells)] if self._description_text else None
        if family in {"write_off", "found"}:
            delta = abs(self._amounts.quantity(self._quantity_text(cells)))
            signed = -delta if family == "write_off" else delta
            line = adjustment_line({"line": position, "sku": sku, "quantity_delta": signed, "description": description})
            _append(part or receipt.part(family), line, number)
            return family
        amount = self._amounts.read(self._quantity_text(cells), self._price_text(cells), currency, family == "return")
        discount, tax = self._extras_of(cells, currency, amount.gross)
        sold = sale_line(
            {
                "line": position,
                "kind": "service" if rule.line_class == "service" else "item",
                "sku": sku,
                "description": description,
                "quantity": amount.quantity,
                "unit_price": amount.unit_price,
                "gross": amount.gross,
                "discount": discount,
                "tax": tax,
            }
        )
        part = part or receipt.part(family)
        _append(part, sold, number)
        if amount.remainder:
            part.remainder += amount.remainder
        return family

    def _extras_of(self, cells: Cells, currency: str, gross: int) -> tuple[int, int]:
        if not self._extras:
            return 0, 0
        extras = {name: read(text_in(cells), currency) for name, text_in, read in self._extras}
        if extras.get("discount", 0) > gross:
            raise LineRefused("discount_above_price", self._discount_name, f"a discount of at most {gross} minor units")
        return extras.get("discount", 0), extras.get("tax", 0)


def _append(part: Part, line: SaleLine | AdjustmentLine, number: int) -> None:
    part.lines.append(line)
    part.size += _LINE_BYTES + len(line.sku.encode()) + len((line.description or "").encode())
    part.first_line = part.first_line or number
    part.last_line = number


def _family(rule: Rule) -> Family:
    if rule.line_class == "service":
        return rule.side
    families: dict[LineClass, Family] = {"sold": "sale", "returned": "return", "write_off": "write_off", "found": "found"}
    return families[rule.line_class]
