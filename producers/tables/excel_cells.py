"""Write the value of a spreadsheet cell as the text that its author meant: exact decimals, ISO dates, codes with their zeros."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

_DAY_ONLY = re.compile(r"[dmy]", re.IGNORECASE)
_CLOCK = re.compile(r"[hs]", re.IGNORECASE)
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_ZEROS = re.compile(r"0{2,}")
_NEAR_A_SECOND = timedelta(milliseconds=2)


def cell_text(value: Any, number_format: str, decimal_mark: str = ".") -> str:
    """Return a cell's text; `number_format` tells dates from date-times and gives codes such as 00042 their zeros back."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value, number_format, decimal_mark)
    return _moment(value, number_format)


def _number(value: float, number_format: str, decimal_mark: str) -> str:
    """Write a number with the 15 digits that a spreadsheet keeps: what lies behind them is binary noise."""
    text = str(value) if isinstance(value, int) else format(Decimal(format(value, ".15g")), "f")
    if "." in text:
        return text.rstrip("0").rstrip(".").replace(".", decimal_mark)
    if _ZEROS.fullmatch(number_format):
        return text.zfill(len(number_format))
    return "0" if text == "-0" else text


def _moment(value: Any, number_format: str) -> str:
    """Write a date, a time of day, or both. A serial day number is inexact: within 2 ms of a full second that second is meant."""
    if isinstance(value, datetime):
        rounded = _whole_seconds(value)
        if rounded.time() == time() and _shows_no_clock(number_format):
            return rounded.date().isoformat()
        return rounded.isoformat(" ", "milliseconds" if rounded.microsecond else "seconds")
    if isinstance(value, time):
        return _whole_seconds(datetime.combine(date(2000, 1, 1), value)).time().isoformat()
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return str(value)


def _whole_seconds(moment: datetime) -> datetime:
    nearest = (moment + timedelta(milliseconds=500)).replace(microsecond=0)
    return nearest if abs(nearest - moment) <= _NEAR_A_SECOND else moment


def _shows_no_clock(number_format: str) -> bool:
    shown = _LITERAL.sub("", number_format)
    return _DAY_ONLY.search(shown) is not None and _CLOCK.search(shown) is None
