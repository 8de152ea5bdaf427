"""By what a file tells returns from sales: a column that says so, a prefix of the receipt, or a negative quantity."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from producers.mappings.drafting.finding import Finding, by_share, percent
from producers.mappings.drafting.line import Line

_RETURN_WORDS = re.compile(
    r"반품|환불|취소|교환반품|\b(?:returns?|returned|refund(?:ed)?|void(?:ed)?|cancel(?:led|ed|lation)?|storno|retoure?|gutschrift|"
    r"rückgabe|avoir|devoluci[oó]n|credit(?: note)?)\b",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"[^\W\d_]+[-_]?")


@dataclass(frozen=True, slots=True)
class ReturnMark:
    """Returns are lines whose kind is one of `kinds`, whose receipt begins with `prefix`, or whose quantity is `negative`."""

    kinds: tuple[str, ...] = ()
    prefix: str = ""
    negative: bool = False

    def marks(self, line: Line) -> bool:
        """Tell whether a line is a return by this mark."""
        by_kind = bool(self.kinds) and line.kind in self.kinds
        by_prefix = bool(self.prefix) and line.receipt.startswith(self.prefix)
        return by_kind or by_prefix or (self.negative and line.is_negative)


def return_mark(lines: Sequence[Line]) -> Finding[ReturnMark]:
    """Find the mark of returns among lines with a price; lines without one are stock rather than sales."""
    kinds = tuple(sorted({line.kind for line in lines if _RETURN_WORDS.search(line.kind)}))
    negative = [line for line in lines if line.is_negative and line.is_priced]
    others = [line for line in lines if not line.is_negative and line.is_priced]
    if kinds:
        return _by_kind(kinds, negative)
    prefix = _prefix(negative, others)
    if prefix:
        share = sum(line.receipt.startswith(prefix) for line in negative) / len(negative)
        basis = f"{percent(share)} of the {len(negative)} priced lines with a negative quantity are on receipts that begin with {prefix}"
        return Finding(ReturnMark(prefix=prefix, negative=share < 1), by_share(share), basis)
    if negative:
        basis = f"{len(negative)} priced lines have a negative quantity, {len(others)} have not"
        return Finding(ReturnMark(negative=True), "likely", basis)
    return Finding(ReturnMark(negative=True), "unsure", "no return in the sample; a negative quantity is the most frequent way")


def _by_kind(kinds: tuple[str, ...], negative: Sequence[Line]) -> Finding[ReturnMark]:
    told = sum(line.kind in kinds for line in negative)
    basis = f"the kind of the line says {' or '.join(kinds)}"
    if not negative:
        return Finding(ReturnMark(kinds), "likely", basis + "; their quantities are not negative")
    share = told / len(negative)
    return Finding(
        ReturnMark(kinds, negative=share < 1), by_share(share), f"{basis} on {percent(share)} of the lines with a negative quantity"
    )


def _prefix(negative: Sequence[Line], others: Sequence[Line]) -> str:
    """Return the letters before the digits that nearly all returns have and nearly no sale."""
    found = [match.group() for line in negative if (match := _PREFIX.match(line.receipt))]
    if len(negative) < 3 or len(found) < 0.9 * len(negative):
        return ""
    prefix = max(sorted(set(found)), key=found.count)
    among_sales = sum(line.receipt.startswith(prefix) for line in others)
    return prefix if found.count(prefix) >= 0.9 * len(negative) and among_sales <= 0.01 * len(others) else ""
