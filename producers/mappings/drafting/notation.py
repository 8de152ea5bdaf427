"""How numbers are written in a file: which mark stands before decimals, and which between thousands."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from producers.mappings.drafting.finding import Finding, percent

_NUMBERLIKE = re.compile(r"[+-]?\d[\d.,' ]*", re.ASCII)
_LONE_THREE = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Notation:
    """The two marks; none between thousands is an empty text."""

    decimal_mark: str
    thousands_mark: str


_KNOWN = tuple(Notation(*marks) for marks in ((".", ""), (".", ","), (",", ""), (",", "."), (",", " "), (".", " "), (".", "'"), (",", "'")))


def _pattern(notation: Notation) -> re.Pattern[str]:
    mark = re.escape(notation.thousands_mark)
    whole = rf"\d+|\d{{1,3}}(?:{mark}\d{{3}})+" if mark else r"\d+"
    return re.compile(rf"[+-]?(?:{whole})(?:{re.escape(notation.decimal_mark)}\d+)?", re.ASCII)


_PATTERNS = {notation: _pattern(notation) for notation in _KNOWN}


def notation_of(columns: Iterable[Sequence[str]]) -> Finding[Notation]:
    """Take the notation in which the most numbers with a mark can be read; in doubt the plainest."""
    marked = [text for texts in columns for text in _numbers_of(texts) if not text.lstrip("+-").isdigit()]
    if not marked:
        return Finding(_KNOWN[0], "sure", "all numbers are whole and without marks")
    counts = {notation: sum(pattern.fullmatch(text) is not None for text in marked) for notation, pattern in _PATTERNS.items()}
    best = max(counts, key=lambda notation: counts[notation])
    share = counts[best] / len(marked)
    if all(_LONE_THREE.fullmatch(text) for text in marked):
        return _thousands(marked)
    example = next(text for text in marked if _PATTERNS[best].fullmatch(text))
    return Finding(
        best, "sure" if share > 0.98 else "likely", f"{percent(share)} of the numbers with marks read so, for instance {example}"
    )


def _thousands(marked: Sequence[str]) -> Finding[Notation]:
    """Every mark stands before exactly three digits: thousands, unless a scale writes kilograms to the gram."""
    mark = "," if "," in marked[0] else "."
    basis = f"every {mark!r} stands before exactly three digits, as in {marked[0]}: thousands, not decimals?"
    return Finding(Notation("." if mark == "," else ",", mark), "likely" if mark == "," else "unsure", basis)


def _numbers_of(texts: Sequence[str]) -> list[str]:
    """Return a column's distinct texts if it is one of numbers; dates such as 01.12.2010 read as none."""
    distinct = sorted({text for text in texts if text})
    numbers = [text for text in distinct if _NUMBERLIKE.fullmatch(text) and any(p.fullmatch(text) for p in _PATTERNS.values())]
    return numbers if numbers and len(numbers) >= 0.8 * len(distinct) else []
