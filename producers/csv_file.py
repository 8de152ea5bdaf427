"""Read the records of a CSV file (plain or .gz) with their line numbers and their exact text."""

import csv
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TextIO

from producers.mappings.schema import CsvFormat
from producers.sources.mapped_csv import Row


def _open(file: Path, encoding: str) -> TextIO:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding=encoding, errors="surrogateescape", newline="")
    return file.open("r", encoding=encoding, errors="surrogateescape", newline="")


class _Tee:
    """Passes lines on and keeps those of the record being read."""

    def __init__(self, lines: TextIO) -> None:
        self._lines = lines
        self.kept: list[str] = []

    def __iter__(self) -> Iterator[str]:
        keep = self.kept.append
        for line in self._lines:
            keep(line)
            yield line


@contextmanager
def opened(file: Path, style: CsvFormat) -> Iterator[tuple[list[str], Iterator[Row]]]:
    """Open a file: its header, and its records after that. Bytes that are not text survive as surrogates."""
    encoding = "utf-8-sig" if style.encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else style.encoding
    with _open(file, encoding) as lines:
        tee = _Tee(lines)
        tee.kept.extend(islice(lines, style.skip_lines))
        records = csv.reader(tee, delimiter=style.delimiter, quotechar=style.quote)
        header = list(style.header) if style.header is not None else next(records, [])
        yield header, _rows(records, tee)


def _rows(records: Iterator[list[str]], tee: _Tee) -> Iterator[Row]:
    kept = tee.kept
    number = 1 + len(kept)
    kept.clear()
    while True:
        try:
            cells = next(records)
        except StopIteration:
            return
        except csv.Error:  # e.g. a field longer than the reader takes: refused like a line of the wrong width
            cells = []
        raw = kept[0] if len(kept) == 1 else "".join(kept)
        if cells or raw.strip():
            yield Row(number, cells, raw.rstrip("\r\n"))
        number += len(kept)
        kept.clear()
