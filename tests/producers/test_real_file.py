"""The public wholesale file, against sums that were made without any of the code under test."""

import csv
import gzip
from collections import Counter
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from producers.csv_file import opened
from producers.load_summary import LoadSummary
from producers.mappings.schema import LINE_CLASSES
from producers.sources.mapped_csv import Shape, Translation
from tests.producers.twin import INGESTED_AT, retail

pytestmark = [pytest.mark.real_data, pytest.mark.long]
LINES = 541_909
SERVICES = {"POST", "DOT", "C2", "M", "m", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK"}


@dataclass
class Plain:
    """Sums over the file with the csv module and decimals alone."""

    classes: Counter[str] = field(default_factory=Counter)
    pence: Counter[str] = field(default_factory=Counter)
    exact: Decimal = Decimal(0)
    stores: set[str] = field(default_factory=set)
    skus: set[str] = field(default_factory=set)


def class_of(invoice: str, code: str, quantity: int, price: Decimal) -> str:
    """Classify a line by hand."""
    if invoice.startswith("A"):
        return "quarantined"
    if price == 0:
        return "write_off" if quantity < 0 else "found"
    if code in SERVICES or code.startswith("gift_0001_"):
        return "service"
    if invoice.startswith("C"):
        return "returned"
    return "sold"


def plain_sums(file: Path) -> Plain:
    """Read the file in the plainest way."""
    sums = Plain()
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            quantity, price = int(row["Quantity"]), Decimal(row["UnitPrice"])
            name = class_of(row["InvoiceNo"], row["StockCode"], quantity, price)
            sums.classes[name] += 1
            sums.pence[name] += int((quantity * price * 100).quantize(Decimal(1), ROUND_HALF_UP))
            sums.exact += quantity * price
            sums.stores.add(row["Country"])
            if name not in {"service", "quarantined"}:
                sums.skus.add(row["StockCode"])
    return sums


def test_classes_and_totals_equal_an_independent_sum(real_data: Path) -> None:
    """Every line is in one class, and the money of each class is what a plain sum over the file says."""
    file = real_data / "online_retail.csv.gz"
    expected = plain_sums(file)

    mapping, summary, ids, longest = retail(), LoadSummary(), set(), 0
    with opened(file, mapping.format) as (header, rows):
        shape = Shape(mapping, header)
        translation = Translation(shape, shape.count(rows), INGESTED_AT)
    with opened(file, mapping.format) as (_, rows):
        for found in (found for row in rows for found in translation.add(row)):
            summary.take(found)
            ids.add(found.event.id)
            longest = max(longest, len(found.event.data.lines))
    translation.finish()
    summary.take_lines(translation.tally, LINE_CLASSES)

    totals = summary.totals["GBP"]
    assert summary.lines == {name: expected.classes[name] for name in LINE_CLASSES}
    assert summary.total_lines == LINES
    assert (totals.gross, -totals.returns, totals.service) == tuple(expected.pence[name] for name in ("sold", "returned", "service"))
    bad_debt = Decimal("-11062.06")
    assert Decimal(totals.net + totals.service).scaleb(-2) + totals.rounding_remainder + bad_debt == expected.exact
    assert len(translation.stores.defined()) == len(expected.stores) == 38
    assert len(ids) == sum(summary.events.values())
    assert longest == 1114
    assert set(translation.tally.skus) == expected.skus
