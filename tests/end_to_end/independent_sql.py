"""Classes and totals of the public file by plain SQL over its lines: shares no code with the mapping that it checks."""

import csv
import gzip
import sqlite3
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

_SERVICE = "(UPPER(sku) IN ('POST','DOT','C2','M','D','S','B','BANK CHARGES','AMAZONFEE','CRUK') OR sku LIKE 'gift%')"
_CLASS = f"""
CASE WHEN invoice LIKE 'A%' THEN 'quarantined'
     WHEN price_mills = 0 AND quantity < 0 THEN 'write_off'
     WHEN price_mills = 0 THEN 'found'
     WHEN {_SERVICE} THEN 'service'
     WHEN invoice LIKE 'C%' THEN 'returned'
     WHEN quantity > 0 THEN 'sold' END
"""


@dataclass(frozen=True, slots=True)
class Expected:
    """Lines by class; money in pence, each line rounded half up."""

    lines: dict[str, int]
    gross: int
    returns: int
    transactions: int
    stores: int


def classes_and_totals(file: Path) -> Expected:
    """Load the CSV into SQLite, prices as whole thousandths, and query it."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE raw (invoice TEXT, sku TEXT, quantity INTEGER, price_mills INTEGER, country TEXT)")
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        rows = (
            (row["InvoiceNo"], row["StockCode"], int(row["Quantity"]), int(Decimal(row["UnitPrice"]) * 1000), row["Country"])
            for row in csv.DictReader(text)
        )
        database.executemany("INSERT INTO raw VALUES (?, ?, ?, ?, ?)", rows)
    database.execute(f"CREATE TABLE line AS SELECT *, {_CLASS} AS class, (ABS(quantity) * price_mills + 5) / 10 AS pence FROM raw")
    lines = dict(database.execute("SELECT class, COUNT(*) FROM line GROUP BY class").fetchall())
    money = dict(database.execute("SELECT class, SUM(pence) FROM line GROUP BY class").fetchall())
    (transactions,) = database.execute("SELECT COUNT(DISTINCT country || '|' || invoice) FROM line WHERE class = 'sold'").fetchone()
    (stores,) = database.execute("SELECT COUNT(DISTINCT country) FROM line WHERE class IN ('sold', 'returned', 'service')").fetchone()
    return Expected(lines, money["sold"], money["returned"], transactions, stores)
