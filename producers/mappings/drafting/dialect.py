"""Which delimiter a text file has, told from the widths that its first records would have with each."""

import csv
from collections import Counter
from collections.abc import Sequence

from producers.mappings.drafting.finding import Finding, by_share, percent

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def delimiter_of(lines: Sequence[str]) -> Finding[str]:
    """Take the delimiter that gives the most records the same width, and among equals the widest records."""
    found = {delimiter: _shape(lines, delimiter) for delimiter in _DELIMITERS}
    delimiter, (share, width) = max(found.items(), key=lambda item: (item[1][1] > 1, round(item[1][0], 1), item[1][1]))
    if width < 2:
        return Finding(",", "unsure", "no delimiter gives columns")
    return Finding(
        delimiter, by_share(share, 0.95, 0.8), f"{_DELIMITERS[delimiter]} give {width} columns in {percent(share)} of the records"
    )


def _shape(lines: Sequence[str], delimiter: str) -> tuple[float, int]:
    """Return the share of the records that have the most frequent width, and that width; titles above a table are few."""
    try:
        widths = Counter(len(record) for record in csv.reader(lines, delimiter=delimiter) if record)
    except csv.Error:
        return 0.0, 0
    if not widths:
        return 0.0, 0
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    begins = next((len(record) for record in csv.reader(lines, delimiter=delimiter) if len(record) > 1), 0)
    return (count / widths.total() if begins == width else 0.0), width
