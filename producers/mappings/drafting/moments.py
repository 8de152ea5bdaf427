"""In which formats (strptime) a column of texts tells dates and times."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y. %m. %d", "%Y. %m. %d.", "%Y년 %m월 %d일",
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y",
    "%y-%m-%d", "%y/%m/%d", "%y.%m.%d", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y",
)  # fmt: skip
_CLOCKS = ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%H:%M:%S.%f", "%H%M%S", "%H%M", "%H시 %M분", "%H:%M:%S%z", "%H:%M:%S.%f%z")
_JOINTS = (" ", "T", "")
_MOMENTS = (*_DATES, *(f"{date}{joint}{clock}" for joint in _JOINTS for date in _DATES for clock in _CLOCKS))
_OFFSET = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")
_DIRECTIVE = re.compile("%[A-Za-z]")
_MOST_FORMATS = 3
_TRIED = 400


@dataclass(frozen=True, slots=True)
class Formats:
    """Formats to try in turn, the share of texts that they read, and a format that reads the same texts as other days."""

    formats: tuple[str, ...]
    share: float
    rival: str | None = None

    @property
    def has_clock(self) -> bool:
        """Whether a time of day is told too."""
        return any("%H" in text or "%I" in text for text in self.formats)


def moments_of(texts: Sequence[str]) -> Formats | None:
    """Find the formats of a column of dates or of dates with times; None where it is none. The texts are in the order of the file."""
    found = _cover(texts, _MOMENTS)
    return _decided(found, texts) if found else None


def clocks_of(texts: Sequence[str]) -> Formats | None:
    """Find the formats of a column of times of day without a date."""
    return _cover(texts, _CLOCKS)


def _cover(texts: Sequence[str], candidates: Sequence[str]) -> Formats | None:
    distinct = list(dict.fromkeys(text for text in texts if text))
    tried = distinct[:: max(1, len(distinct) // _TRIED)]
    remaining, chosen, rival = tried, list[str](), None
    while remaining and len(chosen) < _MOST_FORMATS:
        fitting = [fmt for fmt in candidates if _looks_like(remaining[0], fmt) and read_moment(remaining[0], fmt)]
        counts = {fmt: sum(read_moment(text, fmt) is not None for text in remaining) for fmt in fitting}
        if not counts:
            break
        best = max(counts, key=lambda fmt: counts[fmt])
        if not chosen:
            rival = next((fmt for fmt in counts if fmt != best and counts[fmt] == counts[best] and sorted(fmt) == sorted(best)), None)
        chosen.append(best)
        remaining = [text for text in remaining if read_moment(text, best) is None]
    share = 1 - len(remaining) / len(tried) if tried else 0.0
    return Formats(tuple(chosen), share, rival) if chosen and share >= 0.95 else None


def _looks_like(text: str, fmt: str) -> bool:
    """Compare the marks between letters and digits: hundreds of formats need not be tried on every number."""
    if "%z" in fmt:
        return _OFFSET.search(text) is not None
    return _marks(text) == _marks(_DIRECTIVE.sub("", fmt))


def _marks(text: str) -> str:
    return "".join(letter for letter in text if not letter.isalnum())


def read_moment(text: str, fmt: str) -> datetime | None:
    """Read a text by a format; None where it is another, or where the year is no year of sales."""
    try:
        moment = datetime.strptime(text, fmt)  # noqa: DTZ007 - only the format is tried
    except ValueError:
        return None
    if "%Y" in fmt and not 1990 <= moment.year <= 2100:
        return None
    compact = "%m%d" in fmt or "%H%M" in fmt  # without separators the reader guesses digits, and finds dates in any number
    return None if compact and moment.strftime(fmt) != text else moment


def _decided(found: Formats, texts: Sequence[str]) -> Formats:
    """Between day first and month first, take the one in which times go forward more often."""
    if found.rival is None:
        return found
    backward, backward_rival = (_steps_back(texts, fmt) for fmt in (found.formats[0], found.rival))
    if backward == backward_rival:
        return found
    right = found.rival if backward_rival < backward else found.formats[0]
    return Formats((right, *found.formats[1:]), found.share)


def _steps_back(texts: Sequence[str], fmt: str) -> int:
    moments = [moment for text in texts[:2000] if (moment := read_moment(text, fmt))]
    return sum(later.replace(tzinfo=None) < earlier.replace(tzinfo=None) for earlier, later in pairwise(moments))
