"""A small twin of the public wholesale file, with its traps; `python -m tests.producers.twin` writes the golden file anew."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contracts.codec import encode
from producers.csv_file import opened
from producers.mappings.reader import read_mapping
from producers.mappings.schema import CsvMapping
from producers.sources.mapped_csv import Row, Shape, Translation
from producers.sources.receipts import SourceEvent

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
INGESTED_AT = datetime(2026, 1, 1, tzinfo=UTC)
GOLDEN = Path(__file__).parent / "twin.golden.json"
UK = "United Kingdom"

TRAPS = [
    ("100001", "85123A", "WHITE HANGING HEART ", 6, "2010-12-01 08:26:00", "2.55", "17850.0", UK),
    ("100001", "71053", "WHITE METAL LANTERN", 6, "2010-12-01 08:26:00", "3.39", "17850.0", UK),
    ("100001", "71053", "WHITE METAL LANTERN", 6, "2010-12-01 08:26:00", "3.39", "17850.0", UK),  # an exact duplicate is legal
    ("100002", "85123a", '"FANCY, 7"" HEART "', 12, "2010-12-01 09:00:00", "2.55", "", UK),  # the code in its other case, no customer
    ("100003", "22752", "NESTING BOXES", 2, "2010-12-01 09:10:00", "7.65", "13047.0", "EIRE"),
    ("100004", "21730", "T-LIGHT HOLDER", 5, "2010-12-01 09:10:00", "4.25", "12583.0", "France"),
    ("100003", "POST", "POSTAGE", 1, "2010-12-01 09:11:00", "18.0", "13047.0", "EIRE"),  # split in two runs, a second timestamp
    ("C100005", "22752", "NESTING BOXES", -1, "2010-12-02 10:00:00", "7.65", "13047.0", "EIRE"),
    ("C100005", "POST", "POSTAGE", -1, "2010-12-02 10:00:00", "18.0", "13047.0", "EIRE"),
    ("C100006", "D", "Discount", -1, "2010-12-02 10:05:00", "27.5", "14527.0", UK),
    ("C100007", "M", "Manual", -1, "2010-12-02 10:06:00", "1.25", "", UK),
    ("C100008", "CRUK", "CRUK Commission", -1, "2010-12-02 10:07:00", "16.02", "14096.0", UK),
    ("100009", "22139", "damaged", -10, "2010-12-02 11:00:00", "0.0", "", UK),
    ("100010", "22140", "", 56, "2010-12-02 11:05:00", "0.0", "", UK),
    ("100011", "22141", "GIFT WITH ORDER", 1, "2010-12-02 12:00:00", "0.0", "12647.0", "Germany"),
    ("100011", "22142", "PENCILS", 3, "2010-12-02 12:00:00", "0.39", "12647.0", "Germany"),
    ("100012", "POST", "", 1000, "2010-12-03 09:32:00", "0.0", "", UK),  # a service without a price is no stock found
    ("100013", "DOT", "DOTCOM POSTAGE", 1, "2010-12-03 10:00:00", "569.77", "", UK),
    ("100013", "gift_0001_20", "Dotcomgiftshop Gift Voucher", 1, "2010-12-03 10:00:00", "16.67", "", UK),
    ("100013", "DCGSSBOY", "BOYS PARTY BAG", 1, "2010-12-03 10:00:00", "3.29", "", UK),
    ("100014", "PADS", "PADS TO MATCH ALL CUSHIONS", 1, "2010-12-03 11:00:00", "0.001", "13952.0", UK),
    ("100015", "m", "Manual", 1, "2010-12-03 11:30:00", "2.55", "", UK),
    ("100015", "C2", "CARRIAGE", 1, "2010-12-03 11:30:00", "50.0", "", UK),
    ("C100016", "BANK CHARGES", "Bank Charges", -1, "2010-12-03 12:00:00", "37.29", "", UK),
    ("C100017", "AMAZONFEE", "AMAZON FEE", -1, "2010-12-03 12:01:00", "13541.33", "", UK),
    ("C100018", "S", "SAMPLES", -1, "2010-12-03 12:02:00", "33.05", "", UK),
    ("A100019", "B", "Adjust bad debt", 1, "2010-12-03 14:50:00", "11062.06", "", UK),
    ("A100020", "B", "Adjust bad debt", 1, "2010-12-03 14:51:00", "-11062.06", "", UK),
    ("A100021", "B", "Adjust bad debt", 1, "2010-12-03 14:52:00", "-11062.06", "", UK),
    ("100022", "22720", "CAKE TINS", 3, "2010-12-03 15:00:00", "4.95", "", "Unspecified"),
    ("100023", "22720", "CAKE TINS", 1, "2011-03-27 01:30:00", "4.95", "14911.0", "EIRE"),  # clocks were put forward over this time
    ("100024", "22720", "CAKE TINS", 1, "2011-10-30 01:30:00", "4.95", "14911.0", "EIRE"),  # and put back over this one
]


def twin_lines(receipts: int = 8, seed: int = 7) -> list[str]:
    """Return the lines of the file: the traps, then ordinary receipts of 1 to 6 lines."""
    rng = random.Random(seed)
    lines = [HEADER, *(",".join(map(str, row)) for row in TRAPS)]
    at = datetime(2011, 11, 1, 8, tzinfo=UTC)
    for number in range(receipts):
        at += timedelta(minutes=rng.randrange(1, 40))
        store = rng.choice([UK, UK, UK, "Germany", "Norway", "Hong Kong"])
        returned = rng.random() < 0.15
        for _ in range(rng.randrange(1, 7)):
            quantity = rng.randrange(1, 25) * (-1 if returned else 1)
            price = rng.choice(["0.42", "1.65", "2.55", "4.95", "12.75"])
            invoice = f"{'C' if returned else ''}{200000 + number}"
            lines.append(f"{invoice},{rng.randrange(20000, 20040)},THING,{quantity},{at:%Y-%m-%d %H:%M:%S},{price},15001.0,{store}")
    return lines


def write_twin(file: Path, receipts: int = 8, seed: int = 7) -> Path:
    """Write the file with the line ends of the original."""
    file.write_bytes(("\r\n".join(twin_lines(receipts, seed)) + "\r\n").encode())
    return file


def retail() -> CsvMapping:
    """Return the shipped mapping."""
    return read_mapping(Path("online_retail"))


def translated(file: Path, mapping: CsvMapping) -> tuple[Translation, list[SourceEvent]]:
    """Translate a whole file."""
    with opened(file, mapping.format) as (header, rows):
        content = list(rows)
    return translated_rows(header, content, mapping)


def translated_rows(header: list[str], rows: list[Row], mapping: CsvMapping) -> tuple[Translation, list[SourceEvent]]:
    """Translate rows."""
    shape = Shape(mapping, header)
    translation = Translation(shape, shape.count(rows), INGESTED_AT)
    events = [event for row in rows for event in translation.add(row)]
    translation.finish()
    return translation, events


def rows_of(lines: list[list[str]], header_lines: int = 1) -> list[Row]:
    """Number rows of cells as a file would."""
    return [Row(number, cells, ",".join(cells)) for number, cells in enumerate(lines, header_lines + 1)]


def golden_of(translation: Translation, events: list[SourceEvent]) -> dict[str, Any]:
    """Return what the golden file holds: classes, refusals, and every event as it stands on the log."""
    written = []
    for found in events:
        record = encode(found.event, "")
        headers = {name: value.decode() for name, value in record.headers}
        written.append({"lines": [found.first_line, found.last_line], "headers": headers, "value": json.loads(record.value)})
    refused = [[line.row.number, line.problem.code, line.problem.pointer, line.row.raw] for line in translation.refused]
    return {"classes": dict(sorted(translation.tally.classes.items())), "refused": refused, "events": written}


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        content = golden_of(*translated(write_twin(Path(folder) / "twin.csv"), retail()))
    GOLDEN.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")
