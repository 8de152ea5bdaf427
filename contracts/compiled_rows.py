"""Decimals of rows (lines of receipts, of counts): the same few come again and again, so that they are looked up, not matched anew."""

import re
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

_REMEMBERED_ROWS = 65_536

RowCheck = Callable[[Iterable[Any]], bool]
"""Tells whether all decimals of some rows are canonical."""


def row_check(patterns: Mapping[str, str]) -> RowCheck:
    """Return the check of rows whose attributes must match patterns where they are texts."""
    names = (*patterns, *patterns)[: max(2, len(patterns))]  # a single name, alone, would give no tuple
    expressions = [re.compile(patterns[name]) for name in names]
    decimals_of = attrgetter(*names)

    known: set[tuple[object, ...]] = set()

    def are_canonical(rows: Iterable[Any]) -> bool:
        return known.issuperset(map(decimals_of, rows)) or all(is_canonical(decimals_of(row)) for row in rows)

    def is_canonical(decimals: tuple[object, ...]) -> bool:
        pairs = zip(expressions, decimals, strict=True)
        if not all(expression.search(text) is not None for expression, text in pairs if isinstance(text, str)):
            return False
        if len(known) >= _REMEMBERED_ROWS:
            known.clear()
        known.add(decimals)
        return True

    return are_canonical
